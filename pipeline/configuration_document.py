"""A configuration as YAML: plain values, the line of every place, and what YAML itself refuses."""

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from pipeline.configuration_error import Problem, unusable
from transforms.refusals import Refusal, place_text, quote

Place = tuple[str | int, ...]

_DEEPEST: Final = 32  # levels; the deepest field of ours is at 5, and libyaml crashes far below
_MOST_NODES: Final = 1_000_000  # aliases can make a small file endless ("billion laughs")
_PLAIN_TAGS: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C is seven times as fast


class ConfigurationDocument:
    """A YAML document, read.

    Keys are taken as they are written: YAML 1.1 would turn `on` and `1` into other things.

    Args:
        path: The file's, for what is said of it.
        text: The file's.

    Attributes:
        data: The document as plain values.
        problems: What YAML refuses of it, but can be read over.

    Raises:
        ConfigurationError: It is not YAML, no mapping, or too large.
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
            raise unusable(path, 1, "is empty; it needs connections and destinations")
        if not isinstance(root, yaml.MappingNode):
            raise unusable(path, _line(root), "must be a mapping with connections, destinations")
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
            raise unusable(self._path, line, reason)
        try:
            self._refuse_depth(text)
            root: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # The C parser finds the end of a file behind its last line.
            last = min(mark.line, text.count("\n")) + 1 if mark else None
            reason = " ".join(filter(None, ("is not YAML:", error.context, error.problem)))
            raise unusable(self._path, last, reason) from None
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
            raise unusable(self._path, _line(where), f"is nested more than {_DEEPEST} levels deep")

    def _value(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401 - whatever YAML holds
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            reason = f"holds more than {_MOST_NODES:,} values, its aliases written out"
            raise unusable(self._path, _line(node), reason)
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
