"""The diff that people see: our edit with a little of what stands around it.

The lines around an edit come from a manifest that may hold passwords in `env` or in a ConfigMap. Only values of keys
that never carry one are shown; every other line that we did not change keeps its key and loses its value.

Protects invariant 11 (no secrets out).
"""

from __future__ import annotations

import difflib
import re
from itertools import takewhile

_MASK = "***"
_ENTRY = re.compile(r"^(?P<head>\s*(?:- +)*(?P<key>[\w./-]+):)(?:\s+(?P<value>\S.*))?$")
_COMMENT = re.compile(r"^\s*#")
# Keys of a manifest whose values are shape and size, never content.
_HARMLESS = re.compile(
    r"""apiVersion | kind | name | namespace | replicas | image | imagePullPolicy | type | path | restartPolicy
    | memory | cpu | ephemeral-storage | containerPort | port | protocol | targetPort | maxSurge | maxUnavailable
    | \w+Seconds | failureThreshold | successThreshold | serviceAccountName""",
    re.VERBOSE,
)


def unified_diff(before: str, after: str, path: str, *, context: int = 3) -> str:
    """Return the unified diff of one file; unchanged lines show no value that could be a secret."""
    old, new = _lines(before), _lines(after)
    if len(old) == len(new):  # most of our edits neither add nor remove a line
        shown = [_narrowed(*pair) for pair in zip(old, new, strict=True)]
        old, new = [line for line, _ in shown], [line for _, line in shown]
    source = f"a/{path}" if before else "/dev/null"  # a new file
    lines = difflib.unified_diff(old, new, source, f"b/{path}", n=context, lineterm="")
    return "\n".join(_masked(line) if line.startswith(" ") else line for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: Git knows no other line end, and a manifest may hold the others in a text."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _narrowed(old: str, new: str) -> tuple[str, str]:
    """Return a changed line before and after; of one that holds more than its key, only the field that changed."""
    entry = _ENTRY.match(new)
    if old == new or (entry is not None and _HARMLESS.fullmatch(entry["key"])):
        return old, new
    start = _alike(old, new)
    tail = _alike(old[start:][::-1], new[start:][::-1])
    field = re.search(r"(?:[\"']?[\w./-]+[\"']?:\s*)?[\"']?[\w.+-]*$", new[:start])
    rest = re.match(r"[\w.+-]*[\"']?", new[len(new) - tail :])
    kept, end = (field[0] if field else ""), (rest[0] if rest else "")
    indent = new[: len(new) - len(new.lstrip())]
    before, after = (f"{_MASK} {kept}{line[start : len(line) - tail]}{end} {_MASK}" for line in (old, new))
    return indent + before, indent + after


def _alike(left: str, right: str) -> int:
    """Return how many characters two texts have in common at their start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _masked(line: str) -> str:
    """Return an unchanged line of a diff without a value that could be a secret."""
    text = line[1:]
    if not text.strip() or text.strip() == "---":
        return line
    entry = _ENTRY.match(text)
    if entry is None:  # a part of a block of text, a list item, a comment: it could be anything
        return f" {text[: len(text) - len(text.lstrip())]}{'# ' if _COMMENT.match(text) else ''}{_MASK}"
    if entry["value"] is None or _HARMLESS.fullmatch(entry["key"]):
        return line
    return f" {entry['head']} {_MASK}"
