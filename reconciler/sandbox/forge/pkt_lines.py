"""How Git frames what it says over the wire: lines with their length in front, and bands beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

END = b"0000"  # of a section
_HEAD = 4  # digits of a length, which counts them too
_BAND = 65_515  # bytes that fit into one line of a band


def line(text: str | bytes) -> bytes:
    """Return a line with its length in front."""
    content = text.encode() if isinstance(text, str) else text
    return b"%04x%b" % (len(content) + _HEAD, content)


def banded(band: int, content: bytes) -> bytes:
    """Return content on one of the bands."""
    return b"".join(line(bytes([band]) + content[at : at + _BAND]) for at in range(0, len(content), _BAND))


def advertisement(lines: Sequence[str], features: str) -> bytes:
    """Return a listing of references, whose first line carries what the server can do."""
    first, *rest = lines or [f"{'0' * 40} capabilities^{{}}"]
    return b"".join(line(f"{text}\n") for text in [f"{first}\0{features}", *rest]) + END


def texts(body: bytes, *, sections: int = 0) -> tuple[list[str], bytes]:
    """Return the lines of a request, "" where a section ends, and what follows the sections asked for (0: all).

    Raises ValueError for what is no such line.
    """
    found: list[str] = []
    at = 0
    while at < len(body):
        size = int(body[at : at + _HEAD], 16)
        if size == 0:
            found.append("")
            at += _HEAD
            if sections and found.count("") == sections:
                break
        elif size < _HEAD or at + size > len(body):
            raise ValueError(f"bad line length {size}")
        else:
            found.append(body[at + _HEAD : at + size].decode())
            at += size
    return found, body[at:]
