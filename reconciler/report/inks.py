"""What every drawing is made with: our styles in rich's words, and texts that rich never parses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.report.blocks import Styled
from reconciler.report.written import shown

if TYPE_CHECKING:
    from rich.console import Console

    from reconciler.report.blocks import Line

# The sixteen named colours are the reader's own, and fit a light terminal as well as a dark one.
STYLES = {"good": "green", "bad": "red", "warn": "yellow", "head": "bold", "faint": "dim", "place": "cyan", "": ""}
_PLAINER = {"✓": "+", "✗": "x", "…": "~", "·": "-", "●": "*"}


def text(line: Line) -> Text:
    """Return a line with its styles; hidden characters are replaced, and `[bold]` is six characters."""
    pieces = (line,) if isinstance(line, str | Styled) else line
    made = Text()
    for piece in pieces:
        words, style = piece if isinstance(piece, Styled) else (piece, "")
        made.append(shown(words), style=STYLES[style])
    return made


def symbol(sign: str, console: Console) -> str:
    """Return a symbol, or its nearest letter where the terminal's encoding has none."""
    return _PLAINER.get(sign, sign) if console.options.ascii_only else sign
