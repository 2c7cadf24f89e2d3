"""Change one line `KEY=value` of a file that a generator reads as an environment."""

from __future__ import annotations

from reconciler.manifests.editing.parts import decode, refuse
from reconciler.manifests.editing.scalars import writable


def with_line(data: bytes, key: str, before: str, after: str, *, max_bytes: int) -> bytes:
    """Return the file with the key's value replaced.

    Raises Refusal, with a code `edit.…`, unless exactly one line sets the key, to exactly the present value.
    """
    if not writable(after) or after != after.strip() or not writable(key):
        refuse("unprintable_value", f"the new value of {key} is not one visible line", "propose another")
    lines = decode(data, max_bytes).split("\n")
    setting = [number for number, line in enumerate(lines) if line.partition("=")[0].strip() == key]
    if len(setting) != 1 or lines[setting[0]].removesuffix("\r") != f"{key}={before}":
        refuse("stale", f"not exactly one line says {key}={before}", "edit it by hand")
    ending = "\r" if lines[setting[0]].endswith("\r") else ""
    lines[setting[0]] = f"{key}={after}{ending}"
    return "\n".join(lines).encode()
