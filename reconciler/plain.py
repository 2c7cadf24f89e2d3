"""Text from elsewhere made fit to be shown: in a terminal, in a commit message, as a part of a Markdown text.

An alert's label, a container's message or a person's comment may hold escape sequences that repaint a terminal, or
bidirectional marks that make a diff read differently from what it says. Every room that shows such text takes it
from here.

Protects: what a person reads is what is there; a character that could say otherwise shows as `�`.
"""

from __future__ import annotations

import re
import unicodedata

from reconciler.errors import foreign_text

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, format (bidi, zero width), unassigned
_REPLACEMENT = "�"
_CUT = "…"
# Letters and marks that show nothing, though they are not of those categories (Unicode, Default_Ignorable_Code_Point,
# and the empty Braille pattern); what picks the look of an emoji may stay behind one.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0d\U000e0100-\U000e01ef]"
    "|(?<=[\\x00-\\x7f])[\ufe0e\ufe0f]"
)
# What a forge turns into a mention, a reference or a closed issue, in commit messages as in comments, and what makes
# it run no checks for a commit.
_REFERENCE = re.compile(
    r"(?P<sign>[@#!](?=\w)|\[(?=(?:skip|no|ci|actions)[ -]?(?:skip|ci|actions)\]))"
    r"|(?P<short>(?<![^\W_])GH)-(?=\d)|(?P<scheme>:)(?=//)",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """Replace every character that does not show itself; line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = "".join(c if c in "\n\t" or unicodedata.category(c) not in _HIDDEN else _REPLACEMENT for c in text)
    return _BLANK.sub(_REPLACEMENT, text)


def cut(text: str, limit: int) -> str:
    """Shorten a text to so many characters and show that it was shortened."""
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def one_line(text: object, limit: int = 256) -> str:
    """Return a text of another system as one line without credentials, hidden characters or undue length."""
    return visible(foreign_text(text, limit))


def inert(text: object, limit: int = 256) -> str:
    """Return one line in which nothing mentions a person, refers to an issue or closes one."""
    return _REFERENCE.sub(_apart, one_line(text, limit))


def _apart(match: re.Match[str]) -> str:
    if match["short"]:
        return f"{match['short']} "
    return f"{match['sign'] or match['scheme']} "


def counted(number: int, noun: str, *, plural: str = "", none: str = "0") -> str:
    """Return how many there are of something: `1 event`, `2 events`; `plural` for a noun whose plural is no mere s."""
    return f"1 {noun}" if number == 1 else f"{number or none} {plural or f'{noun}s'}"
