"""The configuration's file: YAML from any Beam filesystem, and every error in it at once.

An error is one line, `file:line: destinations[2].connection: what is wrong`, so that an editor or a
CI log can jump to it. A value is quoted only where the field is known: it might be a secret.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from apache_beam.io.filesystems import FileSystems
from pydantic import ValidationError
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from transforms.configuration import Configuration
from transforms.refusals import Refusal, place_text, quote, refusals_of

Place = tuple[str | int, ...]

_DEEPEST: Final = 32  # levels; the deepest field of ours is at 5, and libyaml crashes far below
_MOST_NODES: Final = 1_000_000  # aliases can make a small file endless ("billion laughs")
_PLAIN_TAGS: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C is seven times as fast


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a configuration file.

    Attributes:
        file: The file's path as it was given.
        line: Counted from 1; `None` where the file could not be read.
        path: The place in the document, `destinations[2].connection`; empty for all of it.
        reason: What is wrong and what is allowed.
    """

    file: str
    line: int | None
    path: str
    reason: str

    def __str__(self) -> str:
        """The problem on one line."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.path, self.reason) if part)


class ConfigurationError(ValueError):
    """A configuration file that cannot be used, with all its problems in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keeps the problems; the error's text is one line for each."""
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["ConfigurationError"], tuple[list[Problem]]]:
        """Pickles by the problems: a worker raises it too."""
        return (type(self), (self.problems,))


@dataclass(frozen=True)
class ConfigurationFile:
    """A configuration's file, which may be read again and again.

    Attributes:
        path: On any filesystem of Beam's. Those in a cloud must have been given their options
            before (`FileSystems.set_options`), as running a pipeline does, here and on workers.
    """

    path: str

    def __str__(self) -> str:
        """The path."""
        return self.path

    def read(self) -> bytes:
        """The file's content.

        Raises:
            ConfigurationError: It cannot be read.
        """
        try:
            with FileSystems.open(self.path) as file:
                content: bytes = file.read()
        except Exception as error:  # every filesystem raises errors of its own
            why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            reason = f"cannot be read: {why or type(error).__name__}"
            raise _unusable(self.path, None, reason) from error
        return content

    def parse(self, content: bytes) -> Configuration:
        """The configuration that a content of the file says.

        Raises:
            ConfigurationError: It is not YAML, or says something wrong.
        """
        return _parse(self.path, content)


def as_workers_find_it(path: str) -> ConfigurationFile:
    """The file at a path, whatever folder a worker runs in."""
    local = FileSystems.get_scheme(path) is None
    return ConfigurationFile(os.path.abspath(path) if local else path)  # noqa: PTH100 - a text


def load_configuration(path: str) -> Configuration:
    """Reads and checks a configuration.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or says something wrong.
    """
    file = ConfigurationFile(path)
    return file.parse(file.read())


def _parse(path: str, content: bytes) -> Configuration:
    document = _Document(path, _text(path, content))
    try:
        configuration = Configuration.model_validate(document.data)
    except ValidationError as error:
        wrong = [document.problem(refusal) for refusal in refusals_of(error)]
        # From None: what matters of pydantic's error is said in the problems.
        raise ConfigurationError(document.problems + wrong) from None
    if document.problems:
        raise ConfigurationError(document.problems)
    return configuration


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(path, line, "is not UTF-8 text") from None


def _unusable(path: str, line: int | None, reason: str) -> ConfigurationError:
    return ConfigurationError([Problem(path, line, "", reason)])


class _Document:
    """A YAML document as plain values, with the line of every place and what YAML itself refuses.

    Keys are taken as they are written: YAML 1.1 would turn `on` and `1` into other things.
    """

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines: dict[Place, int] = {(): 1}
        self._constructor = SafeConstructor()
        self._nodes = 0
        self._merging: list[yaml.Node] = []
        self.problems: list[Problem] = []
        root = self._compose(text)
        if root is None:
            raise _unusable(path, 1, "is empty; it needs connections and destinations")
        if not isinstance(root, yaml.MappingNode):
            raise _unusable(path, _line(root), "must be a mapping with connections, destinations")
        self.data = self._value(root, ())

    def problem(self, refusal: Refusal) -> Problem:
        """A refusal with its line: where its field stands, or else what it is missing from."""
        place = refusal.place
        while place not in self._lines:
            place = place[:-1]
        return Problem(self._path, self._lines[place], place_text(refusal.place), refusal.reason)

    def _compose(self, text: str) -> yaml.Node | None:
        if control := Reader.NON_PRINTABLE.search(text):
            line = text.count("\n", 0, control.start()) + 1
            reason = f"holds the character {control[0]!a}, which YAML does not allow"
            raise _unusable(self._path, line, reason)
        try:
            self._refuse_depth(text)
            root: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # The C parser finds the end of a file behind its last line.
            last = min(mark.line, text.count("\n")) + 1 if mark else None
            reason = " ".join(filter(None, ("is not YAML:", error.context, error.problem)))
            raise _unusable(self._path, last, reason) from None
        return root

    def _refuse_depth(self, text: str) -> None:
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                self._refuse_deeper(depth, event)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _refuse_deeper(self, depth: int, where: yaml.Node | yaml.Event) -> None:
        if depth > _DEEPEST:
            raise _unusable(self._path, _line(where), f"is nested more than {_DEEPEST} levels deep")

    def _value(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401 - whatever YAML holds
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            reason = f"holds more than {_MOST_NODES:,} values, its aliases written out"
            raise _unusable(self._path, _line(node), reason)
        self._refuse_deeper(len(place), node)
        self._lines.setdefault(place, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if node.tag not in _PLAIN_TAGS:
            self._complain(node, place, f"the tag {quote(node.tag)} is not allowed")
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, place)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        try:
            return self._constructor.construct_object(node)
        except yaml.MarkedYAMLError:
            reason = f"the tag {quote(node.tag)} is not allowed"
        except ValueError:  # a date in month 13, a number of thousands of digits
            reason = "is no such date or number as it looks like: write text in quotes"
        self._complain(node, place, reason)
        return node.value

    def _mapping(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        own: dict[str, int] = {}
        # What is merged comes first, so that the mapping's own fields, and their lines, win.
        for key, value in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE_TAG):
            inner = (*place, key.value) if isinstance(key, yaml.ScalarNode) else place
            if key.tag == _MERGE_TAG:
                for merged in self._merged(value, place):
                    fields = merged | fields
            elif inner == place:
                self._complain(key, place, "a key must be text, not a list or a mapping")
            elif key.value in own:
                self._complain(key, inner, f"stands twice: first on line {own[key.value]}")
            else:
                own[key.value] = self._lines[inner] = _line(key)
                fields[key.value] = self._value(value, inner)
        return fields

    def _merged(self, node: yaml.Node, place: Place) -> Iterator[dict[str, Any]]:
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if each in self._merging:
                self._complain(each, place, "<< merges a mapping into itself")
            elif isinstance(each, yaml.MappingNode):
                self._merging.append(each)
                yield self._value(each, place)
                self._merging.pop()
            else:
                self._complain(each, place, "<< takes a mapping, or a list of mappings")

    def _complain(self, node: yaml.Node, place: Place, reason: str) -> None:
        self.problems.append(Problem(self._path, _line(node), place_text(place), reason))


def _line(where: yaml.Node | yaml.Event) -> int:
    return where.start_mark.line + 1 if where.start_mark else 1
