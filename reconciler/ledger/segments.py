"""How a Git tree holds a ledger: `events/000001.jsonl` and so on, 64 events each, and `head.json` beside them. Pure.

One line is one event as canonical JSON, with the very fields that its hash covers and the hash. Segments are bounded,
so that an append writes little however long the ledger is; a full one is never touched again.

Protects: what is not spelled as we spell it does not pass, not even with a space too many.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeGuard

from reconciler.ledger import chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

FOLDER, HEAD = "events", "head.json"
SIZE = 64  # events in a segment
FORMAT = 1  # of the tree

_PATH = re.compile(rf"{FOLDER}/(\d{{6,}})\.jsonl")
_FIELDS = set(chain.Row._fields)
_TEXTS = ("at", "operation", "kind", "previous", "hash")


def path_of(sequence: int) -> str:
    """Name the segment that holds an event."""
    return f"{FOLDER}/{_number(sequence):06d}.jsonl"


def strangers(paths: Iterable[str]) -> list[str]:
    """Return the files in the folder of events that are no segments."""
    return [path for path in paths if _number_of(path) is None]


def files(rows: Sequence[chain.Row], read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """Return the files that change when the rows are appended, given those that are there."""
    changed: dict[str, bytes] = {}
    for row in rows:
        path = path_of(row.sequence)
        begun = changed[path] if path in changed else read(path) or b""
        changed[path] = begun + _line(row)
    last = rows[-1]
    head = {"format": FORMAT, "length": last.sequence, "hash": last.hash}
    return {**changed, HEAD: chain.canonical(head).encode() + b"\n"}


def rows(paths: Iterable[str], read: Callable[[str], bytes | None], *, after: int = 0) -> Iterator[chain.Row]:
    """Yield the events after a sequence number, in the order in which they stand there."""
    for number, path in sorted((found, path) for path in paths if (found := _number_of(path)) is not None):
        if number < _number(after + 1):
            continue
        first = (number - 1) * SIZE + 1
        for place, line in enumerate((read(path) or b"").splitlines(keepends=True)):
            if first + place > after:
                yield _row(line, first + place)


def head(content: bytes | None) -> chain.Head | None:
    """Read the head; None when it is missing or not spelled as we spell it.

    Raises LedgerError when a newer release wrote it.
    """
    said = _parsed(content) if content else None
    if said is None:
        return None
    if isinstance(said.get("format"), int) and said["format"] > FORMAT:
        raise chain.newer(f"its files have format {said['format']}, this release knows {FORMAT}")
    if set(said) != {"format", "length", "hash"} or type(said["length"]) is not int or type(said["hash"]) is not str:
        return None
    if type(said["format"]) is not int or said["format"] != FORMAT:
        return None
    return chain.Head(said["length"], said["hash"])


def _number(sequence: int) -> int:
    return (sequence - 1) // SIZE + 1


def _number_of(path: str) -> int | None:
    found = _PATH.fullmatch(path)
    return int(found[1]) if found and path == f"{FOLDER}/{int(found[1]):06d}.jsonl" and int(found[1]) else None


def _line(row: chain.Row) -> bytes:
    return chain.canonical({**row._asdict(), "data": json.loads(row.data)}).encode() + b"\n"


def _row(line: bytes, place: int) -> chain.Row:
    """Read one line; what is not an event as we write it becomes one at this place whose hash cannot hold."""
    try:
        said, text = json.loads(line), line.decode()
    except (ValueError, RecursionError):
        said, text = None, ""
    if _is_event(said) and _number(said["sequence"]) == _number(place):  # else it is in the wrong file
        start, end = _around(said)
        if text.startswith(start) and text.endswith(end) and len(text) > len(start) + len(end):
            # The spelling of the data itself is what the hash covers.
            return chain.Row(**{**said, "data": text[len(start) : -len(end)]})
    return chain.Row(place, chain.VERSION, "", "", "", "", "", "")


def _is_event(said: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(said, dict)
        and said.keys() == _FIELDS
        and all(type(said[name]) is str for name in _TEXTS)
        and type(said["sequence"]) is int
        and type(said["version"]) is int
    )


def _around(said: Mapping[str, Any]) -> tuple[str, str]:
    """Return what stands before and after an event's data in its line; the keys are sorted."""
    empty = chain.spelled({**said, "data": 0})
    start = f'{{"at":{chain.spelled(said["at"])},"data":'
    return start, f"{empty[len(start) + 1 :]}\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the head's object if it is written in the one spelling that it has."""
    try:
        said = json.loads(line)
        whole = isinstance(said, dict) and chain.spelled(said).encode() + b"\n" == line
    except (ValueError, RecursionError):
        return None
    return said if whole else None
