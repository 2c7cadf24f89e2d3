"""From when on comments are read: nothing is lost to another clock, and much is not read again and again."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from reconciler.book import Book
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.conversation import OVERLAP, Conversation
from reconciler.model.operation import Draft, EventKind
from reconciler.talk.hearing import listen
from tests.talk.talkers import Rights, comment, heard
from tests.worlds import NOW, Story

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.ports import Ledger, Ports

OPEN = Story().pull_request_opened().operation
MINUTE = timedelta(minutes=1)


def test_many_comments_move_the_place_where_reading_begins_once(tmp_path: Path) -> None:
    """A busy repository costs one event for a hundred comments, and a quiet pass none."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    book = Book(cast("Ledger", ledger), lambda: NOW)
    for event in Story().pull_request_opened().events:
        book.record([Draft(operation=event.operation, kind=event.kind, data=event.data)])
    said = [comment("well", number_of=n) for n in range(1, 901, 9)]
    ports = cast("Ports", SimpleNamespace(talk=Rights()))
    for _ in range(3):
        listen(said, book, ports)

    assert [event.kind for event in ledger.events()].count(EventKind.COMMENTS_HEARD) == 1
    assert book.conversation.since == said[-1].updated_at - OVERLAP
    ledger.close()


def test_clock_that_is_not_the_forges_loses_no_comment() -> None:
    """Ours is ahead by minutes when the ledger begins, and a replica shows a comment later than a newer one."""
    begun = Conversation(begun_at=NOW)
    early = comment("/reconciler hold", created_at=NOW - 4 * MINUTE, updated_at=NOW - 4 * MINUTE)
    assert begun.since is not None
    assert early.updated_at >= begun.since

    newer = heard(comment("/reconciler explain", number_of=300), history=[OPEN])
    assert newer.until == begun.since
    busy = [comment("well", number_of=10 * n) for n in range(1, 200)]
    seen_late = comment("/reconciler hold", number_of=1800)
    found = heard(*busy, history=[OPEN])
    assert found.until is not None
    assert begun.since < found.until <= seen_late.updated_at


def test_flood_within_the_overlap_does_not_hide_what_follows() -> None:
    """A forge gives so many comments at once and no more: reading goes on past them, never over what was left."""
    flood = [comment("well", number_of=n // 10) for n in range(10, 1010)]
    found = heard(*flood, history=[OPEN], conversation=Conversation(begun_at=NOW, read_until=NOW))

    assert found.until == flood[-1].updated_at
