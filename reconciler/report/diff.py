"""A unified diff in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.report.terminal import Piece, Styled

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_START = (("+++", "head"), ("---", "head"), ("@@", "place"), ("+", "good"), ("-", "bad"))


def diff_lines(diff: str) -> Iterator[Piece]:
    """Yield the lines of a diff, each with the style that its first characters ask for."""
    for line in diff.split("\n"):
        style = next((style for start, style in _BY_START if line.startswith(start)), "")
        yield Styled(line, style) if style else line
