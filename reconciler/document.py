"""Read a YAML file of the user's into plain values, with the line and column of every key.

Protects: an answer to every mistake that has a place; a hostile or accidental monster of a file costs nothing (its
size and depth are capped before any value is made, and it can make no objects); no key is given twice unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError, foreign_text

if TYPE_CHECKING:
    import yaml
    import yaml._yaml

Location = tuple[str | int, ...]  # keys and list positions from the top

_MAX_BYTES = 262_144
_MAX_DEPTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML mapping with the places of its keys; `mistakes` are those that do not stop the reading."""

    file: Path
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Location, tuple[int, int]] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def place(self, location: Location) -> str:
        """Write file, line and column the way editors and terminals follow them."""
        line, column = self.places.get(location, (1, 1))
        return f"{self.file}:{line}:{column}"


def read_document(file: Path) -> Document:
    """Read the file.

    Raises ConfigurationError when it is absent, unreadable, too large or not a YAML mapping.
    """
    import yaml

    text = _text(file)
    document = Document(file=file)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        _refuse_monsters(text, type(loader), file)
        node = loader.get_single_node()
        if node is not None and not isinstance(node, yaml.MappingNode):
            raise _syntax(file, _place(node.start_mark), "the top must be sections, such as `metrics:`")
        if node is not None:
            document.data.update(_Walk(loader, document).mapping(node, ()))
    except yaml.YAMLError as error:
        parts = (getattr(error, name, None) for name in ("context", "problem", "reason"))
        what = foreign_text(", ".join(part for part in parts if part) or "not YAML")
        if _at_a_tab(text, getattr(error, "problem_mark", None)):
            what = "YAML is indented with spaces, and here is a tab"
        raise _syntax(file, _place(getattr(error, "problem_mark", None)), what) from None
    finally:
        loader.dispose()
    return document


def _at_a_tab(text: str, mark: yaml.Mark | None) -> bool:
    """Say whether the reader stopped at a tab, which it does not name."""
    lines = text.splitlines()
    return mark is not None and mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t"


class _Walk:
    """Turn nodes into values, writing down places and doubled keys."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self.loader = loader
        self.document = document

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """Read a mapping; of a key that is given twice the first one counts, and the second is a mistake."""
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):  # a list or a mapping
                raise _syntax(self.document.file, _place(key_node.start_mark), "a key must be a word")
            here = (*location, key)
            if key in values:
                line, column = _place(key_node.start_mark)
                first = self.document.places[here][0]
                self.document.mistakes.append(
                    f"{self.document.file}:{line}:{column}: {key} is given twice, first on line {first}"
                )
                continue
            self.document.places[here] = _place(key_node.start_mark)
            values[key] = self.value(value_node, here)
        return values

    def value(self, node: yaml.Node, location: Location) -> Any:  # noqa: ANN401 - YAML has no narrower type
        """Read any node."""
        import yaml

        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.document.places[*location, index] = _place(item.start_mark)
            return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        try:
            return self.loader.construct_object(node)
        except ValueError:  # a date such as 2026-13-45
            raise _syntax(self.document.file, _place(node.start_mark), "not a value; put it in quotes") from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            code="configuration.missing",
            message=f"there is no configuration file {file}",
            remedy="write one with `reconciler init`, or name yours with --config",
        ) from None
    except OSError as error:
        raise _unreadable(file, error.strerror or "not a file") from error
    if len(raw) > _MAX_BYTES:
        raise _unreadable(file, f"it is larger than {_MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable(file, "it is not UTF-8 text") from None


def _refuse_monsters(text: str, loader: type[yaml.SafeLoader], file: Path) -> None:
    """Look at the stream of events, which is flat, before anything that recurses or multiplies."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise _syntax(file, _place(event.start_mark), "aliases are not supported; write the value out")
        if getattr(event, "tag", None) is not None:  # some tags run code, others fail on unfit text
            raise _syntax(file, _place(event.start_mark), "tags are not supported; write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _syntax(file, _place(event.start_mark), f"nested more than {_MAX_DEPTH} levels deep")


def _place(mark: yaml.Mark | yaml._yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _syntax(file: Path, place: tuple[int, int], what: str) -> ConfigurationError:
    return ConfigurationError(
        code="configuration.syntax",
        message=f"{file}:{place[0]}:{place[1]}: {what}",
        remedy="mend that line; `reconciler init` writes a file to compare with",
    )


def _unreadable(file: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="configuration.unreadable",
        message=f"{file} cannot be read: {why}",
        remedy="check the name and that this user may read the file",
    )
