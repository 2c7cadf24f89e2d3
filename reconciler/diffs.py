"""The diff that people see: our edit with a little of what stands around it.

The lines around an edit come from a manifest that may hold passwords in `env` or in a ConfigMap. Only values of keys
that never carry one are shown; every other line that we did not change keeps its key and loses its value.

Protects invariant 11 (no secrets out).
"""

from __future__ import annotations

import difflib
import re

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
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=context, lineterm="")
    return "\n".join(_masked(line) if line.startswith(" ") else line for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: Git knows no other line end, and a manifest may hold the others in a text."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


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
