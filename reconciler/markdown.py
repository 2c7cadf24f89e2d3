"""Markdown made of foreign values: nothing in them can format, mention, refer, close, hide or run on.

A backslash is not enough: forges look for `@name` and `#1` in what Markdown has already rendered. A zero width space,
written as an entity so that a reader of the source sees it, breaks those up. Texts that are ours carry the type
`Ours`; everything else is escaped on its way into a template.

Protects: an alert's text cannot call people, close issues or forge our hidden marker.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.plain import cut, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_APART = "&#8203;"
_MEANINGFUL = re.compile(r"([\\`*_\[\]<>|~$&#!])")
_STARTS_BLOCK = re.compile(r"^(?:([-+=])|(\d+)([.)]))")
_CALLS = (
    (re.compile(r"(@(?=[\w.+-])|\\[#!](?=\w))"), rf"\1{_APART}"),
    (re.compile(r"(?<![^\W_])(GH)-(?=\d)", re.IGNORECASE), rf"\1{_APART}-"),
    (re.compile(r"://"), f":{_APART}//"),
    (re.compile(r"(?<![^\W_])(www)\.", re.IGNORECASE), rf"\1{_APART}."),
)
_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/[\w./~%-]*)?(?:#[\w-]*)?", re.ASCII)


class Ours(str):
    """Markdown that we wrote or made safe; the templates let it through as it is."""

    __slots__ = ()


def prose(value: object, limit: int = 300) -> Ours:
    """Return a foreign value as plain words on one line, fit for a paragraph or a table cell."""
    text = _MEANINGFUL.sub(r"\\\1", one_line(value, limit))
    text = _STARTS_BLOCK.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", text)
    for pattern, replacement in _CALLS:
        text = pattern.sub(replacement, text)
    return Ours(text)


def listed(values: Iterable[object]) -> Ours:
    """Return foreign values as plain words, one after the other: none is cut because there are many."""
    return Ours(", ".join(map(prose, values)))


def code(value: object, limit: int = 200) -> Ours:
    """Return a foreign value as a code span; not for table cells, where a pipe would end the cell."""
    text = one_line(value, limit)
    fence = _fence(text, shortest=1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Ours(f"{fence}{pad}{text}{pad}{fence}") if text else Ours("—")


def fenced(value: object, language: str = "", limit: int = 12_000) -> Ours:
    """Return a foreign text as a code block whose end it cannot write itself."""
    text = cut(visible(str(value)), limit).rstrip("\n")
    fence = _fence(text, shortest=3)
    return Ours(f"{fence}{language}\n{text}\n{fence}")


def link(words: object, address: object) -> Ours:
    """Return a link, or only its words where the address is not a plain web address."""
    text = prose(words)
    return Ours(f"[{text}]({address})") if _URL.fullmatch(str(address)) else text


def _fence(text: str, *, shortest: int) -> str:
    runs = (len(run) for run in re.findall("`+", text))
    return "`" * max(shortest, 1 + max(runs, default=0))
