"""The chain by itself: what is hashed, and what verification names."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger import chain
from reconciler.model.operation import Draft, EventKind
from tests.ledger.examples import NOON, intent


def rows(count: int = 4) -> list[chain.Row]:
    """Link a few events."""
    return list(chain.link([intent(n) for n in range(count)], at=NOON, after=chain.START))


def head_of(linked: list[chain.Row]) -> chain.Head:
    """Name the last row."""
    return chain.Head(linked[-1].sequence, linked[-1].hash)


def test_anybody_can_recompute_a_hash_from_the_documented_json() -> None:
    """The hash is SHA-256 over the canonical JSON of the seven fields, with nothing of ours needed."""
    draft = Draft(operation='op-"é"\n', kind=EventKind.CHECKED, data={"z": [1, 2.5, None], "a": "ünï\x01"})
    (row,) = chain.link([draft], at=NOON, after=chain.START)
    fields = row._asdict() | {"data": json.loads(row.data)}
    fields.pop("hash")
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert row.hash == hashlib.sha256(text.encode()).hexdigest()


def test_events_are_linked_from_zero() -> None:
    """The first event follows sixty-four zeros, each other one its forerunner."""
    first, second, *_ = rows()

    assert (first.previous, second.previous) == ("0" * 64, first.hash)


def test_a_sound_chain_has_no_flaw() -> None:
    """Verification is silent about what we wrote."""
    linked = rows()

    assert chain.verify(linked, head_of(linked)) == ()


def test_an_empty_chain_is_sound() -> None:
    """Nothing written, nothing broken."""
    assert chain.verify((), chain.START) == ()


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_a_missing_event_is_named(sequence: int) -> None:
    """The first broken place is the event that is gone, first and last included."""
    linked = rows(3)
    head = head_of(linked)
    del linked[sequence - 1]

    assert chain.verify(linked, head)[0].sequence == sequence
    assert "is missing" in chain.verify(linked, head)[0].reason


def test_reordered_events_are_found() -> None:
    """Rows that swapped places do not pass."""
    linked = rows()
    head = head_of(linked)
    linked[1], linked[2] = linked[2], linked[1]

    assert chain.verify(linked, head)[0].sequence == 2


def test_an_event_added_past_the_head_is_found() -> None:
    """A well-linked event that the head does not count is named."""
    linked = rows()

    assert str(chain.verify(linked, head_of(linked[:-1]))[0]) == "event 4 was added: the head counts 3 events"


def test_a_rewritten_chain_fails_against_a_noted_head() -> None:
    """Who rewrites everything makes a sound chain, which a head that was noted elsewhere gives away."""
    noted = rows()[2].hash
    rewritten = list(chain.link([intent(n, forged=True) for n in range(4)], at=NOON, after=chain.START))

    assert chain.verify(rewritten, head_of(rewritten)) == ()
    assert chain.verify(rewritten, head_of(rewritten), noted=noted)[0].sequence == 0


def test_a_noted_head_holds_while_the_chain_grows() -> None:
    """The noted event need not be the last one."""
    linked = rows()

    assert chain.verify(linked, head_of(linked), noted=linked[1].hash.upper() + "\n") == ()


def test_times_are_utc_with_microseconds() -> None:
    """The same moment has one spelling, wherever it was read."""
    cet = timezone(timedelta(hours=1))

    assert chain.timestamp(datetime(2026, 3, 1, 13, 0, tzinfo=cet)) == "2026-03-01T12:00:00.000000Z"
    assert chain.timestamp(datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) == "2026-03-01T12:00:00.000000Z"


def test_a_time_without_a_zone_is_refused() -> None:
    """A guess about the zone would be hashed for ever."""
    with pytest.raises(ValueError, match="time zone"):
        chain.timestamp(datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {"at": NOON}, {2: "b", 10: "a"}, "\ud800", {1, 2}],
    ids=["nan", "infinite", "a datetime", "numbers as keys", "a lone surrogate", "a set"],
)
def test_data_that_would_not_read_back_the_same_is_refused(value: object) -> None:
    """What cannot be written in one way only cannot be vouched for."""
    with pytest.raises(LedgerError, match=r"ledger\.data"):
        chain.canonical(value)


def test_the_refusal_of_data_does_not_quote_it() -> None:
    """A value that cannot be stored may still be a secret."""
    with pytest.raises(LedgerError) as caught:
        chain.canonical({"password": b"hunter2"})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("change", [{"version": 2}, {"kind": "operation_dreamt"}])
def test_an_event_of_a_newer_release_is_refused(change: dict[str, object]) -> None:
    """We do not fold what we do not know."""
    with pytest.raises(LedgerError, match="unknown to this release"):
        chain.event(rows()[0]._replace(**change))  # type: ignore[arg-type]
