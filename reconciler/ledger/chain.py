"""The hash chain: what the hash of an event covers, and how a broken chain is found. Pure.

Protects: an event that was altered, removed, moved or inserted is found, and named by its sequence number.

Each hash is SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of `{version, sequence, at, operation,
kind, data, previous}`, where `previous` is the hash of the event before. Anybody can recompute it without this code.

What it cannot do: somebody who may write the whole file can rewrite every event, every hash and the head, or put
back an older copy (losing the `-wal` file beside it does the same), and the result is a sound chain. Against that, note
the head's hash somewhere that they cannot write (a ticket, another machine, a signed tag), and compare later:
`reconciler audit verify --head HASH` fails unless the chain still holds the event with that hash, which vouches for it
and for every event before it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import LedgerError
from reconciler.model.operation import Draft, Event, EventKind
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GENESIS = "0" * 64  # the hash before the first event
VERSION = 1  # of the events that we write

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


class Row(NamedTuple):
    """An event as stores keep it: `data` is canonical JSON text, so that the stored bytes are what is hashed."""

    sequence: int
    version: int
    at: str  # RFC 3339, UTC, microseconds
    operation: str
    kind: str
    data: str
    previous: str
    hash: str


class Head(NamedTuple):
    """How many events there are, and the hash of the last: without it a cut tail would go unseen."""

    length: int
    hash: str


START = Head(0, GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One place where the chain does not hold; sequence 0 speaks of the ledger as a whole."""

    sequence: int
    reason: str

    def __str__(self) -> str:
        return f"event {self.sequence} {self.reason}" if self.sequence else f"the ledger {self.reason}"


def canonical(value: object) -> str:
    """Write JSON that has one spelling only.

    Raises LedgerError for what would not read back as the same value: other types, NaN, keys that are not text.
    """
    try:
        text = _ENCODER.encode(value)
        text.encode()  # lone surrogates have no UTF-8
        if _ENCODER.encode(json.loads(text)) == text:
            return text
        reason = "it does not read back as written"
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error).split(":", maxsplit=1)[0]  # what follows a colon may be the value
    raise LedgerError(
        code="ledger.data",
        message=f"event data is not plain JSON: {reason}",
        remedy="this is a fault of reconciler: report it with the output of --debug",
    )


def spelled(value: object) -> str:
    """Write what was read from JSON in its one spelling; for what may be anything else there is `canonical`."""
    return _ENCODER.encode(value)


def timestamp(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC with microseconds; equal times give equal texts."""
    if at.tzinfo is None:
        msg = "a time without a time zone has no place in the ledger"
        raise ValueError(msg)
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def digest(row: Row) -> str:
    """Return the hash that the row ought to carry.

    The text is put together around `data` as it is stored: the same as encoding the whole object, but much faster.
    """
    quoted = _ENCODER.encode
    text = "".join(
        (
            f'{{"at":{quoted(row.at)},"data":',
            row.data,
            f',"kind":{quoted(row.kind)},"operation":{quoted(row.operation)},"previous":{quoted(row.previous)}',
            f',"sequence":{row.sequence:d},"version":{row.version:d}}}',
        )
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def link(drafts: Sequence[Draft], *, at: datetime, after: Head) -> tuple[Row, ...]:
    """Give drafts their places in the chain, after its present head."""
    rows = []
    sequence, previous = after
    when = timestamp(at)
    for draft in drafts:
        sequence += 1
        data = canonical(dict(draft.data))
        row = Row(sequence, VERSION, when, draft.operation, draft.kind.value, data, previous, "")
        previous = digest(row)
        rows.append(row._replace(hash=previous))
    return tuple(rows)


def event(row: Row) -> Event:
    """Read a stored event.

    Raises LedgerError when this release does not know its version, its kind or its notation.
    """
    if row.version == VERSION:
        with suppress(ValueError):
            return Event(
                sequence=row.sequence,
                at=datetime.fromisoformat(row.at),
                operation=row.operation,
                kind=EventKind(row.kind),
                data=json.loads(row.data),
                previous=row.previous,
                hash=row.hash,
                version=row.version,
            )
    raise newer(f"event {row.sequence} ({row.kind}, version {row.version}) is unknown to this release")


def newer(what: str) -> LedgerError:
    """Return the error for something that a newer release wrote."""
    return LedgerError(
        code="ledger.newer",
        message=what,
        remedy="run the release of reconciler that wrote it, or a newer one",
    )


def verify(
    rows: Iterable[Row], head: Head | None, *, after: Head = START, noted: str | None = None
) -> tuple[Broken, ...]:
    """Return every place where the chain does not hold, in order; empty when it is sound.

    `after` is where the rows begin; `noted` is a head's hash that was written down elsewhere.
    """
    broken: list[Broken] = []
    hashes = {after.hash}
    place = after
    for row in rows:
        flaw = _flaw(row, place)
        if flaw:
            broken.append(flaw)
        hashes.add(row.hash)
        place = Head(row.sequence, row.hash)
    if flaw := _head_flaw(place, head):
        broken.append(flaw)
    if noted is not None and noted.strip().lower() not in hashes:
        broken.append(Broken(sequence=0, reason=f"holds no event with the noted head {noted.strip()}"))
    return tuple(broken)


def _flaw(row: Row, before: Head) -> Broken | None:
    """Say what is wrong with one row, first things first: its place, its content, its link."""
    expected = before.length + 1
    if row.sequence > expected:
        return Broken(sequence=expected, reason="is missing")
    if row.sequence < expected:
        return Broken(sequence=row.sequence, reason="stands in the wrong place")
    try:
        sound = digest(row) == row.hash
    except (TypeError, ValueError):  # the column holds another type: the table was rebuilt
        sound = False
    if not sound:
        return Broken(sequence=row.sequence, reason="was altered")
    if row.previous != before.hash:
        return Broken(sequence=row.sequence, reason="does not follow the event before it")
    return None


def _head_flaw(last: Head, head: Head | None) -> Broken | None:
    """Compare the last event with the head that was kept beside the events."""
    if head is None:
        return Broken(sequence=0, reason="has lost its head row")
    if head.length > last.length:
        return Broken(sequence=last.length + 1, reason=f"is missing: the head counts {counted(head.length, 'event')}")
    if head.length < last.length:
        return Broken(sequence=head.length + 1, reason=f"was added: the head counts {counted(head.length, 'event')}")
    if head.hash != last.hash:
        return Broken(sequence=last.length, reason="is not the one that the head names")
    return None
