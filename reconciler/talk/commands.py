"""Find the one command in a comment: a line that begins with `/reconciler`, outside of code, quotes and hidden text.

Protects: what somebody merely shows is never obeyed, and of two commands in one comment neither is. A line is what
Markdown takes for one: whoever quotes a stranger's line quotes all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.model.conversation import Word

PREFIX = "/reconciler"
# What a forge does not show, to its end or that of the text, and what is shown as code by HTML.
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![a-z].*?(?:>|\Z)"
    r"|^ {0,3}<(?P<code>pre|code)(?=[\s>]).*?(?:</(?P=code)>|\Z)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_LINE = re.compile(r"\r\n|\n|\r")  # Python's own knows eight more, which Markdown shows within a line
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_LONGEST = 200  # characters of a line that is read


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it was given; `problem` says why it cannot be one, and is empty where it can."""

    word: str
    argument: str = ""
    problem: str = ""


def order_in(body: str) -> Order | None:
    """Return the comment's command, or None when it holds none."""
    lines = [line for line in _plain_lines(body) if line.split(maxsplit=1)[:1] == [PREFIX]]
    if not lines:
        return None
    if len(lines) > 1:
        return Order("", problem="it holds several commands; write each into a comment of its own")
    return _order(lines[0].removeprefix(PREFIX)[:_LONGEST].split())


def _order(words: list[str]) -> Order:
    known = ", ".join(Word)
    if not words:
        return Order("", problem=f"it names no command; there are {known}")
    word, *arguments = words
    if word not in set(Word):
        return Order(word, problem=f"there is no such command; there are {known}")
    if len(arguments) > 1:
        return Order(word, problem="a command takes one argument at most")
    return Order(word, arguments[0] if arguments else "")


def _plain_lines(body: str) -> list[str]:
    """Return the lines that begin with a word of the author's own: no code, no quote, nothing hidden."""
    found, fence = [], ""
    for line in _LINE.split(_HIDDEN.sub("", body)):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
        elif mark is not None:
            fence = mark[1]
        elif line.startswith(PREFIX):
            found.append(line)
    return found
