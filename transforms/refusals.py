"""Refusing a configuration in plain words, every error at once.

`Section` is the base of the configuration's models. It turns pydantic's errors into sentences and
runs the rules across fields even where some fields were refused, so that one mistake never hides
another. No sentence repeats the value of an unknown field: it might be a secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

_LONGEST_QUOTE: Final = 80  # characters of a refused value, enough to find it again
_MOST_NAMES: Final = 20  # names listed as allowed; more are not read
_REFUSED: Final = "refused"  # pydantic's word for the type of an error; ours are all of this one
_CREDENTIALS: Final = ("access_key", "secret", "password", "token", "credential", "profile")

if TYPE_CHECKING:
    from pydantic.functional_validators import ModelWrapValidatorHandler
    from typing_extensions import Self  # typing has it from Python 3.11 on


class Refusal(NamedTuple):
    """What is wrong at one place: the place (field names and list indexes), and why, in words."""

    place: tuple[str | int, ...]
    reason: str


def quote(value: object) -> str:
    """A refused value on one line, shortened."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


def nearest(name: object, known: Iterable[str]) -> str:
    """`; nearest: 'x'` where one or two of the known names resemble this one, else nothing."""
    matches = get_close_matches(str(name).lower(), list(known), n=2)
    return f"; nearest: {' or '.join(map(repr, matches))}" if matches else ""


def place_text(place: Iterable[str | int]) -> str:
    """A place as one writes it: `destinations[2].connection`."""
    text = ""
    for step in place:
        name = step if str(step).isprintable() else ascii(step)
        text += f"[{step}]" if isinstance(step, int) else f".{name}" if text else f"{name}"
    return text


def listing(names: Iterable[str]) -> str:
    """Names as one reads them, cut short where there are very many."""
    every = list(names)
    rest = len(every) - _MOST_NAMES
    return ", ".join(every[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown fields and says why in plain words.

    Raises:
        pydantic.ValidationError: Holding every error of the section and of those inside it; each
            error's `loc` is its place and its `msg` the reason. The input is not kept in it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def across(cls, fields: Mapping[str, Any]) -> Iterator[Refusal]:
        """The rules that look at more than one field; a subclass says which.

        Args:
            fields: The validated fields; or, where some were refused, all the others as they were
                given, in which sections may be mappings that were refused themselves.
        """
        del fields
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _every_error_in_plain_words(
        cls, data: object, handler: "ModelWrapValidatorHandler[Self]"
    ) -> "Self":
        section: Self | None = None
        refusals: list[Refusal] = []
        try:
            section = handler(data)
            fields = dict(section)
        except ValidationError as error:
            details = error.errors(include_url=False)
            refusals = [Refusal(d["loc"], _in_words(d, cls.model_fields)) for d in details]
            fields = _not_refused(data, cls, {refusal.place for refusal in refusals})
        refusals += cls.across(fields)
        if section is None or refusals:
            # From None: pydantic's own error would show the input in a traceback.
            raise refused(cls.__name__, refusals) from None
        return section


def refused(title: str, refusals: Iterable[Refusal]) -> ValidationError:
    """Pydantic's error for these refusals, without the input."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(_REFUSED, "{reason}", {"reason": refusal.reason}),
            loc=refusal.place,
            input=None,
        )
        for refusal in refusals
    ]
    return ValidationError.from_exception_data(title, lines, hide_input=True)


def refusals_of(error: ValidationError) -> list[Refusal]:
    """The refusals that a section's error holds."""
    return [Refusal(d["loc"], d["msg"]) for d in error.errors(include_url=False)]


def _not_refused(
    data: object, model: type[Section], places: set[tuple[str | int, ...]]
) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        return {}
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
    return {n: value for n, value in {**defaults, **data}.items() if (n,) not in places}


def _in_words(error: ErrorDetails, fields: Iterable[str]) -> str:
    kind = error["type"]
    if kind == _REFUSED:
        return error["msg"]
    if kind == "extra_forbidden":
        return _unknown_field(str(error["loc"][-1]), list(fields))
    words = _WORDS.get(kind)
    return words(error["input"], error.get("ctx", {})) if words else error["msg"]


def _unknown_field(name: str, fields: list[str]) -> str:
    if any(word in name.lower() for word in _CREDENTIALS):
        return (
            "credentials never stand in this file: they come from the AWS default chain or role_arn"
        )
    return f"unknown field{nearest(name, fields)}; allowed: {listing(fields)}"


def _kind(value: object) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "nothing"),
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        ((list, tuple), "a list"),
        (Mapping, "a mapping"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a date")


def _must_be_text(value: object, _: object) -> str:
    if value is None or isinstance(value, (list, tuple, Mapping)):
        return f"must be text, not {_kind(value)}"
    return f"must be text, but unquoted YAML reads this as {_kind(value)}: write it in quotes"


_WORDS: Final[dict[str, Callable[[Any, Mapping[str, Any]], str]]] = {
    "missing": lambda *_: "is required",
    "value_error": lambda _, ctx: str(ctx["error"]),
    "string_type": _must_be_text,
    "literal_error": lambda value, ctx: f"{quote(value)} is none of {ctx['expected']}",
    "int_type": lambda value, _: f"must be a whole number, not {_kind(value)}",
    "bool_type": lambda value, _: f"must be true or false, not {_kind(value)}",
    "tuple_type": lambda value, _: f"must be a list, not {_kind(value)}",
    "dict_type": lambda value, _: f"must be a mapping, not {_kind(value)}",
    "model_type": lambda value, _: f"must be a mapping of fields, not {_kind(value)}",
    "greater_than_equal": lambda value, ctx: f"{quote(value)} is less than {ctx['ge']}",
    "less_than_equal": lambda value, ctx: f"{quote(value)} is more than {ctx['le']}",
}
