"""The ledger on a reference of a Git repository: for runners that keep no disk, such as those of GitHub Actions.

Each append is one commit on the last one, pushed with the lease that the reference has not moved: of two runners one
wins, and the other is told `LedgerMoved`. An append is durable when the server took the push. The reference is no
branch, so it starts no workflow and clones do not bring it along; `segments.py` says what its tree looks like.

Protects: nothing is read that the chain does not vouch for; a reference that was rewritten is noticed by this process
and, through the note beside the mirror, by every later one on this machine.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Conflict, LedgerError, LedgerMoved, Refusal, SourceError
from reconciler.ledger import chain, lock, segments
from reconciler.ledger.note import Note
from reconciler.ledger.secrecy import refuse_secret_drafts
from reconciler.plain import counted
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconciler.model.objects import CommitId
    from reconciler.model.operation import Draft, Event
    from reconciler.ports import RefStore

_NAMED = 20  # events that a commit's message names
_STUCK = 4  # refusals in a row by a reference that never moved: nobody else's append can be the reason


class _Seen(NamedTuple):
    """A tip of the reference, and the head of the chain that was verified there."""

    tip: CommitId | None
    head: chain.Head


class _Held(NamedTuple):
    """What the tree at a tip holds, believed or not."""

    head: chain.Head | None
    rows: list[chain.Row]
    strangers: tuple[chain.Broken, ...]


class GitRefLedger:
    """A `Store` on a reference; the neighbours `.lock` and `.head` of the path `beside` are this machine's own.

    `writer` names this process in its commits, so that two that append the same are still told apart.
    """

    def __init__(self, store: RefStore, beside: Path, *, writer: str) -> None:
        self._store = store
        self._lock = beside.with_name(f"{beside.name}.lock")
        self._note = Note(beside.with_name(f"{beside.name}.head"))
        self._writer = writer
        self._seen: _Seen | None = None
        self._refusals = 0
        self._guard = threading.RLock()

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events after a sequence number, in order.

        Raises LedgerError when the chain does not vouch for them, or the server does not answer.
        """
        with self._asking():
            before = self._seen.head.length if self._seen else 0
            seen, rows = self._look()
            if after > seen.head.length:
                raise self._unbelieved(chain.Broken(sequence=after, reason="is missing"))
            if after < before and seen.tip is not None:  # verified before, but in another tree
                before, rows = 0, self._verified(self._held(seen.tip), chain.START).rows
            return tuple(map(chain.event, rows[after - before :]))

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Add events, all or none, if the last sequence number is still `expected`; on the server when it returns.

        Raises LedgerMoved when another process appended first.
        """
        refuse_secret_drafts(drafts)
        if not drafts:
            return ()
        with self._asking():
            seen = self._seen
            if seen is None or seen.head.length != expected:
                seen, _ = self._look()
            if seen.head.length != expected:
                raise self._moved(expected, seen)
            rows = chain.link(drafts, at=at, after=seen.head)
            self._see(_Seen(self._pushed(rows, seen, at), chain.Head(rows[-1].sequence, rows[-1].hash)))
        return tuple(map(chain.event, rows))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the ledger for one pass on this machine; runners elsewhere are kept apart by compare-and-swap alone.

        Raises Busy when another pass on this machine holds it.
        """
        with lock.held(self._lock):
            yield

    def head(self) -> chain.Head:
        """Return the number of events and the hash of the last, to be noted elsewhere."""
        with self._asking():
            seen, _ = self._look()
            if seen.tip is None:
                raise self._missing()
            return seen.head

    def verify(self, *, noted: str | None = None) -> tuple[chain.Broken, ...]:
        """Return every place where the ledger cannot be believed; `noted` is a head written down elsewhere."""
        with self._asking():
            tip = self._store.tip()
            if tip is None:
                raise self._missing()
            held, mine = self._held(tip), self._note.read()
        broken = (*chain.verify(held.rows, held.head, noted=noted), *held.strangers)
        if mine.length and mine not in _heads(held.rows):
            reason = f"no longer holds event {mine.length} as this machine saw it"
            broken += (chain.Broken(sequence=0, reason=reason),)
        return broken

    def examine(self) -> tuple[Diagnosis, ...]:
        """Read the ledger, and let the store try what can be tried without writing; never raises."""
        subject = f"ledger {self._store.name}"
        try:
            with self._asking():
                count = self._look()[0].head.length
        except LedgerError as error:
            return (Diagnosis(subject=subject, works=False, detail=error.message, remedy=error.remedy),)
        detail = counted(count, "event") if count else "not there yet; the first event makes it"
        return (Diagnosis(subject=subject, works=True, detail=detail), *self._store.examine())

    def close(self) -> None:
        """Forget what was seen; the next call asks the server for all of it."""
        with self._guard:
            self._seen = None

    # What the server holds

    def _look(self) -> tuple[_Seen, list[chain.Row]]:
        """Bring what we know up to date; return it, and the events that are new since the last look."""
        tip = self._store.tip()
        if self._seen is not None and tip == self._seen.tip:
            return self._seen, []
        known = self._seen.head if self._seen else chain.START
        noted = known if known.length else self._note.read()
        if tip is None:
            if noted.length:
                raise self._rewritten(noted)
            self._seen = _Seen(None, chain.START)
            return self._seen, []
        held = self._held(tip, after=max(known.length - 1, 0))  # with the last one that we know
        if noted.length and noted not in _heads(held.rows):
            raise self._rewritten(noted)
        held = self._verified(held._replace(rows=held.rows[1:] if known.length else held.rows), known)
        return self._see(_Seen(tip, held.head or known)), held.rows

    def _held(self, tip: CommitId, *, after: int = 0) -> _Held:
        def read(path: str) -> bytes | None:
            return self._store.read(tip, path)

        paths = self._store.paths(tip, segments.FOLDER)
        strangers = tuple(
            chain.Broken(sequence=0, reason=f"holds {path}, which is no segment") for path in segments.strangers(paths)
        )
        return _Held(segments.head(read(segments.HEAD)), list(segments.rows(paths, read, after=after)), strangers)

    def _verified(self, held: _Held, known: chain.Head) -> _Held:
        """Return what is held if the chain vouches for it, from the last event that we know.

        Raises LedgerError.
        """
        if held.head is None and not held.rows and not known.length:
            raise self._foreign()
        broken = (*chain.verify(held.rows, held.head, after=known), *held.strangers)
        if broken:
            raise self._unbelieved(broken[0])
        return held

    def _pushed(self, rows: Sequence[chain.Row], seen: _Seen, at: datetime) -> CommitId:
        """Bring the events to the server, on top of what we saw there."""

        def read(path: str) -> bytes | None:
            return None if seen.tip is None else self._store.read(seen.tip, path)

        try:
            message = _message(rows, self._writer)
            tip = self._store.append(segments.files(rows, read), message, at=at, expected=seen.tip)
        except Conflict as error:
            now, _ = self._look()
            self._refusals = self._refusals + 1 if now.tip == seen.tip else 0
            if self._refusals >= _STUCK:
                raise self._stuck(error) from error
            raise self._moved(seen.head.length, now) from error
        self._refusals = 0
        return tip

    def _see(self, seen: _Seen) -> _Seen:
        self._seen = seen
        self._note.write(seen.head)
        return seen

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Let one thread at a time ask the server; whatever it answers, only errors of the ledger get out."""
        with self._guard:
            try:
                yield
            except (SourceError, Refusal) as error:
                raise LedgerError(
                    code="ledger.remote", message=f"{self._store.name}: {error.message}", remedy=error.remedy
                ) from error

    # What is wrong

    def _moved(self, expected: int, now: _Seen) -> LedgerMoved:
        return LedgerMoved(
            code="ledger.moved",
            message=f"{self._store.name} holds {counted(now.head.length, 'event')} where {expected} were expected:"
            " another process"
            " appended first",
            remedy="nothing was written; the next pass reads again and decides anew",
        )

    def _unbelieved(self, broken: chain.Broken) -> LedgerError:
        return LedgerError(
            code="ledger.broken",
            message=f"{self._store.name}: {broken}",
            remedy="run `reconciler audit verify` and find out who pushed there; then put back the last sound commit",
        )

    def _rewritten(self, noted: chain.Head) -> LedgerError:
        return LedgerError(
            code="ledger.rewritten",
            message=f"{self._store.name} was rewritten: event {noted.length} is not there as this machine saw it",
            remedy="find out who moved or deleted it, and put back the commit that held that event; to accept what is"
            f" there now, delete {self._note.place}",
        )

    def _foreign(self) -> LedgerError:
        return LedgerError(
            code="ledger.foreign",
            message=f"{self._store.name} holds something that is no ledger",
            remedy="name another reference in ledger.ref",
        )

    def _missing(self) -> LedgerError:
        return LedgerError(
            code="ledger.missing",
            message=f"there is no ledger at {self._store.name}",
            remedy="check ledger.ref and repository.url in the configuration; the first pass with something to do"
            " makes it",
        )

    def _stuck(self, error: Conflict) -> LedgerError:
        return LedgerError(
            code="ledger.ref_unusable",
            message=f"{self._store.name} does not move, and takes no event: {error.message}",
            remedy="the server may keep such a reference to itself, or another one stands in its way: name a branch of"
            " its own in ledger.ref, such as refs/heads/reconciler-ledger",
        )


def _heads(rows: Sequence[chain.Row]) -> set[chain.Head]:
    return {chain.Head(row.sequence, row.hash) for row in rows}


def _message(rows: Sequence[chain.Row], writer: str) -> str:
    """Say what was appended, and by which process; everything else in the commit follows from the events."""
    first, last = rows[0].sequence, rows[-1].sequence
    span = f"event {first}" if first == last else f"events {first} to {last}"
    named = [f"{row.kind} {row.operation}" for row in rows[:_NAMED]]
    more = [f"and {len(rows) - _NAMED} more"] if len(rows) > _NAMED else []
    return "\n".join((f"Ledger: {span}", "", *named, *more, "", f"Writer: {writer}", ""))
