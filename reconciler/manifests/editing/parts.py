"""Read a YAML text as parts with positions, and as a tree of them; never construct what it says.

A file is untrusted: it is capped, and read as a stream of parser events, which is safe at any depth where a composer
crashes the process. Aliases are never followed. Marks count code points of the decoded text, so positions are only
ever used on `str`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from reconciler.errors import Refusal, foreign_text
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_DEPTH = 100  # of nesting; real manifests stay below 20, parsers crash far above
BLOCKS = ("|", ">")  # styles of scalars that are blocks of text
MAX_ALIASES = 100  # we follow none, but whoever reads the file after us does

_BOM = "\ufeff"
_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)
DEPTHS = {"document": 1, "mapping": 1, "sequence": 1, "end": -1, "alias": 0}  # a scalar neither opens nor closes
_DISPUTED_BREAK = re.compile("[\x85\u2028\u2029]")
_ACTION = re.compile(r"""^[ ]*(?:-[ ]+)*(?:[\w./"'-]+[ ]*:[ ]+)?\{\{""", re.MULTILINE)  # of a template
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


Content: TypeAlias = tuple[str, str | None, str | None, str | None, str | None]


class Part(NamedTuple):
    """One event of the parser: what it is, and which characters of the text it covers."""

    role: str  # document, mapping, sequence, scalar, alias, end
    anchor: str | None
    tag: str | None
    style: str | None  # quotes of a scalar, flow or block, explicit
    value: str | None
    start: int
    end: int
    number: int  # in the file


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode:
    """A mapping with its keys as text; keys are unique."""

    part: Part
    entries: dict[str, Node]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceNode:
    """A list."""

    part: Part
    items: list[Node]


Node: TypeAlias = MappingNode | SequenceNode | Part


def is_alias(node: Node) -> bool:
    """Tell whether a node only points at another one, whose marks the parser would give us."""
    return isinstance(node, Part) and node.role == "alias"


def start_of(node: Node) -> Part:
    """Return the part that a node begins with."""
    return node if isinstance(node, Part) else node.part


def refuse(reason: str, message: str, remedy: str) -> NoReturn:
    """Decline an edit; every reason has its own code."""
    raise Refusal(code=f"edit.{reason}", message=message, remedy=remedy)


def decode(data: bytes, max_bytes: int) -> str:
    """Return the text of a file, its byte order mark included, if it is text of a size that we judge."""
    if len(data) > max_bytes:
        refuse(
            "too_large",
            f"the file has {counted(len(data), 'byte')}, more than {max_bytes}",
            "edit it by hand, or split it",
        )
    if b"\0" in data:
        refuse("binary", "the file holds a NUL byte", "store the manifest as plain UTF-8 text")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        refuse("not_utf8", "the file is not valid UTF-8", "store the manifest as UTF-8")
    if _BOM in text[1:]:
        refuse("stray_bom", "the file holds a byte order mark inside its text", "remove the invisible U+FEFF")
    return text


def split_bom(text: str) -> tuple[str, str]:
    """Return the byte order mark, if any, and the text after it; with it, libyaml's marks are one short."""
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def refuse_generated(text: str) -> None:
    """Refuse text that is not plainly the manifest itself: templates, directives, tabs, line ends of YAML 1.1 only."""
    if "{{" in text and _is_template(text):
        refuse(
            "template", "`{{` stands in the file where a value begins: it is a template", "edit the template by hand"
        )
    if _DIRECTIVE.search(text):
        refuse("directive", "the file holds a YAML directive (`%…`)", "remove the directive")
    if _TAB_INDENT.search(text):
        refuse("tabs", "a line of the file is indented with a tab", "indent with spaces")
    if _DISPUTED_BREAK.search(text):
        refuse("line_separator", "the file holds U+0085, U+2028 or U+2029", "remove the invisible character")


def _is_template(text: str) -> bool:
    """Tell whether `{{` stands outside values and comments, where it is nothing to YAML but a template's action.

    Inside them it belongs to whoever reads the value: alert rules, workflows, and Helm's `tpl`.
    """
    try:
        parts = scan(text)
    except Refusal:  # for the braces, or for another reason, which is the one to name then
        return _ACTION.search(text) is not None
    return any(p.role == "mapping" and p.style and text.startswith("{{", p.start) for p in parts)


def scan(text: str) -> list[Part]:
    """Parse a text once into its parts; text has no byte order mark."""
    from yaml.events import ScalarEvent

    parts: list[Part] = []
    readers, counts = _readers(), Counts()
    with parsing(text) as events:
        for event in events:
            kind, start, end, number = type(event), event.start_mark.index, event.end_mark.index, len(parts)
            if kind is ScalarEvent:  # most of them, and this loop is most of an edit's time
                style = event.style or None
                parts.append(Part("scalar", event.anchor, event.tag, style, event.value, start, end, number))
            elif kind in readers:  # all but the stream's own start and end
                content = readers[kind](event)
                parts.append(Part(*content, start, end, number))
                counts.meet(content[0])
    return parts


class Counts:
    """What is capped, so that reading stops before anything deep is built."""

    def __init__(self) -> None:
        self._depth = 0
        self._aliases = 0

    def meet(self, role: str) -> None:
        """Count one part of this role.

        Raises Refusal when that is one too many.
        """
        self._depth += DEPTHS[role]
        self._aliases += role == "alias"
        if self._depth > MAX_DEPTH:
            refuse("too_deep", f"the file nests deeper than {MAX_DEPTH} levels", "flatten the manifest")
        if self._aliases > MAX_ALIASES:
            refuse("too_many_aliases", f"the file holds more than {MAX_ALIASES} aliases", "write the values out")


@contextmanager
def parsing(text: str) -> Iterator[Iterator[Any]]:
    """Lend the parser's events; text has no byte order mark.

    Raises Refusal when it is not YAML.
    """
    import yaml

    try:
        loader = _loader()(text)
        try:
            yield iter(loader.get_event, None)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Only the problem and its line: the error's own text quotes the file.
        problem = foreign_text(getattr(error, "problem", None) or "unreadable characters")
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        message = f"the file is not valid YAML{where}: {problem}"
        raise Refusal(code="edit.unparsable", message=message, remedy="mend the file in Git") from error


def part_of(event: Any) -> Part:  # noqa: ANN401 - the parser's event
    """Return an event as a part that stands nowhere."""
    return Part(*_readers()[type(event)](event), 0, 0, 0)


@cache
def roles() -> dict[type[Any], str]:
    """Return, by type of event, its role; the stream's own start and end have none."""
    from yaml import events

    return {
        events.ScalarEvent: "scalar",
        events.AliasEvent: "alias",
        events.MappingStartEvent: "mapping",
        events.SequenceStartEvent: "sequence",
        events.DocumentStartEvent: "document",
        events.MappingEndEvent: "end",
        events.SequenceEndEvent: "end",
        events.DocumentEndEvent: "end",
    }


@cache
def _loader() -> type[Any]:
    """Return libyaml's loader, or the pure one where libyaml is missing: slower, with the same marks."""
    import yaml

    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@cache
def _readers() -> dict[type[Any], Callable[[Any], Content]]:
    """Return, by type of event, how its content is read."""
    from yaml import events

    return {
        events.ScalarEvent: lambda e: ("scalar", e.anchor, e.tag, e.style or None, e.value),
        events.AliasEvent: lambda e: ("alias", e.anchor, None, None, None),
        events.MappingStartEvent: lambda e: ("mapping", e.anchor, e.tag, _flow(e), None),
        events.SequenceStartEvent: lambda e: ("sequence", e.anchor, e.tag, _flow(e), None),
        events.MappingEndEvent: lambda _: ("end", None, None, None, None),
        events.SequenceEndEvent: lambda _: ("end", None, None, None, None),
        events.DocumentStartEvent: lambda e: ("document", None, None, _explicit(e), None),
        events.DocumentEndEvent: lambda e: ("end", None, None, _explicit(e), None),
    }


def _flow(event: Any) -> str | None:  # noqa: ANN401 - the parser's event
    return "flow" if event.flow_style else None


def _explicit(event: Any) -> str | None:  # noqa: ANN401 - the parser's event
    return "explicit" if event.explicit else None


def content(parts: Sequence[Part]) -> list[Content]:
    """Return everything that the parts say, without where they say it."""
    return [part[:5] for part in parts]


def arrange(parts: Sequence[Part]) -> list[Node]:
    """Return the root node of each document.

    Recursion is bounded, because `scan` has capped the depth.
    """
    rest = iter(parts)
    return [_node(next(rest), rest) for part in rest if part.role == "document"]


def _node(first: Part, rest: Iterator[Part]) -> Node:
    if first.role == "mapping":
        return MappingNode(first, _entries(rest))
    if first.role == "sequence":
        return SequenceNode(first, _items(rest))
    return first


def _items(rest: Iterator[Part]) -> list[Node]:
    items: list[Node] = []
    while (part := next(rest)).role != "end":
        items.append(_node(part, rest))
    return items


def _entries(rest: Iterator[Part]) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    while (key := next(rest)).role != "end":
        word = new_key(key, entries)
        entries[word] = _node(next(rest), rest)
    return entries


def new_key(key: Part, entries: Mapping[str, Node]) -> str:
    """Return a key of a mapping that has these already.

    Raises Refusal when it is no plain word, or there twice.
    """
    if key.role != "scalar" or key.value is None:
        refuse("complex_key", "a key in the file is not a plain word", "write every key as a string")
    if key.value in entries:
        refuse("duplicate_key", f"a mapping in the file has the key {foreign_text(key.value)} twice", "keep one")
    return key.value
