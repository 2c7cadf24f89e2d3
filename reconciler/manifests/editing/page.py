"""A parsed text and where things stand on its lines.

The parser's end marks of block collections run on over blank lines and comments to the next token, so the end of a
node is found from its last visible part. An empty value has no width, and stands behind its colon or anywhere later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifests.editing.parts import BLOCKS, DEPTHS, MappingNode, Part, SequenceNode, refuse, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifests.editing.parts import Node

_LONE_RETURN = re.compile(r"\r(?!\n)")
_LINE_START = re.compile(r" *(?:- +)*")  # what may stand before the first key of a mapping
_LINE_REST = re.compile(r"[ \t]*(?:(?<=[ \t])#.*)?\r?$", re.MULTILINE)
_STEP = 2  # the indent of most files


@dataclass(frozen=True, slots=True)
class Page:
    """A text without its byte order mark, and its parts."""

    text: str
    parts: Sequence[Part]

    def line_start(self, position: int) -> int:
        """Return where the line of a position begins."""
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Return where the line of a position ends, before its line break."""
        end = self.text.find("\n", position)
        if end < 0:
            return len(self.text)
        return end - 1 if self.text[end - 1 : end] == "\r" and end > position else end

    def next_line(self, position: int) -> int:
        """Return where the line after that of a position begins, or the end of the text."""
        end = self.text.find("\n", position)
        return len(self.text) if end < 0 else end + 1

    def line_break(self, position: int) -> str:
        """Return how the line of a position is ended; on the last line, how the one before it is."""
        end = self.text.find("\n", position)
        end = self.text.rfind("\n") if end < 0 else end
        return "\r\n" if end > 0 and self.text[end - 1] == "\r" else "\n"

    def column(self, position: int) -> int:
        """Return how many characters stand before a position on its line."""
        return position - self.line_start(position)

    def key_of(self, value: Node) -> Part:
        """Return the key of a mapping's value."""
        return self.parts[start_of(value).number - 1]

    def last_number(self, node: Node) -> int:
        """Return the number of a node's last part."""
        number = start_of(node).number
        if isinstance(node, Part):
            return number
        depth = 1
        while depth:
            number += 1
            depth += DEPTHS.get(self.parts[number].role, 0)
        return number

    def end_of(self, node: Node) -> int:
        """Return the position behind a node's last visible character."""
        return self._end_of_part(self._visible(self.last_number(node)))

    def ends_in_block(self, number: int) -> bool:
        """Tell whether what ends with a part ends in a block scalar that holds its last line break."""
        part = self.parts[self._visible(number)]
        return part.role == "scalar" and part.style in BLOCKS and "-" not in self._header(part)

    def _header(self, part: Part) -> str:
        """Return the indicators of a block scalar."""
        return self.text[part.start : part.end].partition("\n")[0].partition("#")[0]

    def _visible(self, number: int) -> int:
        """Return the number of a part, or of the one before it that is more than the end of a block."""
        while self.parts[number].role == "end" and self.parts[number].start == self.parts[number].end:
            number -= 1
        return number

    def _end_of_part(self, number: int) -> int:
        part = self.parts[number]
        if part.style in BLOCKS and part.role == "scalar":
            return self._end_of_block(part)
        if part.start < part.end or self.text[part.start - 1 : part.start] in (":", "-"):
            return part.end
        return self._end_of_part(number - 1)  # an empty value behind a bare key

    def _end_of_block(self, part: Part) -> int:
        """Return the end of a block scalar's last line; blank lines after it belong to it only where it keeps them."""
        block = self.text[part.start : part.end]
        header = self._header(part)
        if not block.endswith("\n"):
            if "-" not in header:
                message = "the file ends inside a block of text without a line break, which would become part of it"
                refuse("open_block", message, "end the file with a line break")
            return part.end
        if "+" in header:
            return part.end - (2 if block.endswith("\r\n") else 1)
        return self.line_end(part.start + len(block.rstrip(" \r\n")))

    def refuse_lone_returns(self) -> None:
        """Refuse text in which a carriage return alone ends a line: our lines would not be the parser's."""
        if "\r" in self.text and _LONE_RETURN.search(self.text):
            refuse("line_ends", "a carriage return in the file stands without a line feed", "end lines alike")

    def indent_of(self, first: int) -> int:
        """Return the indent of the mapping or list that begins at a position, where only dashes stand before it."""
        if not _LINE_START.fullmatch(self.text, self.line_start(first), first):
            _refuse_layout()
        return self.column(first)

    def after_line(self, end: int) -> int:
        """Return the end of a line where nothing but a comment follows what ends at this position."""
        if not _LINE_REST.match(self.text, end):
            _refuse_layout()
        return self.line_end(end)

    def step(self, chain: Sequence[Node]) -> int:
        """Return by how much the nearest mapping inside another one is indented."""
        return next((s for node in reversed(chain) for s in self._steps(node, MappingNode) if s > 0), _STEP)

    def dash_step(self, chain: Sequence[Node]) -> int:
        """Return by how much the dashes of the nearest list are indented."""
        return next((s for node in reversed(chain) for s in self._steps(node, SequenceNode)), self.step(chain))

    def _steps(self, node: Node, kind: type[MappingNode | SequenceNode]) -> Iterator[int]:
        """Yield the indents, from key to content, of the blocks that are a mapping's values."""
        if not isinstance(node, MappingNode):
            return
        for value in node.entries.values():
            if isinstance(value, kind) and value.part.style is None:
                key = self.key_of(value)
                if self.line_start(key.start) != self.line_start(value.part.start):
                    yield self.column(value.part.start) - self.column(key.start)


def _refuse_layout() -> None:
    refuse("layout", "something else stands on the line where the change would go", "edit it by hand")
