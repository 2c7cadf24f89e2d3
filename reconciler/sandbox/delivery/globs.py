"""Glob patterns as Argo CD's library reads them: `*`, `**`, `?`, `[a-z]`, `[!a]`, `{one,two}`."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, text: str, *, separator: str = "") -> bool:
    """Tell whether a text matches a pattern; a pattern that is none matches nothing, as in Argo CD.

    Without a separator `*` crosses everything, slashes too.
    """
    compiled = _compiled(pattern, separator)
    return compiled is not None and compiled.fullmatch(text) is not None


def permits(pattern: str, text: str, *, separator: str = "") -> bool:
    """Tell the same for a project's pattern, where a leading `!` turns the meaning round."""
    if pattern.startswith("!"):
        return not matches(pattern[1:], text, separator=separator)
    return pattern == "*" or matches(pattern, text, separator=separator)


@lru_cache(maxsize=512)
def _compiled(pattern: str, separator: str) -> re.Pattern[str] | None:
    try:
        return re.compile(_translated(pattern, separator), re.DOTALL)
    except (re.error, IndexError, ValueError):
        return None


def _translated(pattern: str, separator: str) -> str:
    one = f"[^{re.escape(separator)}]" if separator else "."
    parts: list[str] = []
    depth = place = 0
    while place < len(pattern):
        character = pattern[place]
        if pattern.startswith("**", place):
            parts.append(".*")
            place += 1
        elif character == "[":
            end = pattern.index("]", place)
            inside = pattern[place + 1 : end]
            parts.append(f"[{'^' + inside[1:] if inside.startswith('!') else inside}]")
            place = end
        elif character == "\\":
            place += 1
            parts.append(re.escape(pattern[place]))
        elif character == "{" or (character in ",}" and depth):
            depth += {"{": 1, ",": 0, "}": -1}[character]
            parts.append({"{": "(?:", ",": "|", "}": ")"}[character])
        else:
            parts.append({"*": f"{one}*", "?": one}.get(character) or re.escape(character))
        place += 1
    return "".join(parts)
