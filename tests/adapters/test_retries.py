"""The one place that tries again."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from reconciler.adapters import retries
from reconciler.errors import SourceError


def transient(after: float | None = None) -> retries.Transient:
    """Return a failure that may pass, with the server's wish."""
    return retries.Transient(code="x.failing", message="busy", remedy="wait", after=after)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), (None, None)]
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    """A date or nonsense counts as not said."""
    assert retries.retry_after(header) == seconds


def test_server_decides_how_long_we_wait_up_to_a_limit() -> None:
    """Invariant 10: a short rest is taken, a long one ends the attempt."""
    assert retries._wait(transient(0.5)) == 0.5
    assert retries._wait(transient(60)) is False
    assert retries._wait(transient()) is True


def test_other_errors_are_raised_at_once() -> None:
    """Only what may pass by itself is tried again."""
    calls = []

    def call() -> None:
        calls.append(1)
        raise SourceError(code="x.no", message="no", remedy="none")

    with pytest.raises(SourceError):
        retries.with_retries(call, limit=timedelta(seconds=5))

    assert len(calls) == 1


def test_last_failure_is_the_one_that_is_raised() -> None:
    """After the third attempt the caller gets the server's own error."""
    calls = []

    def call() -> None:
        calls.append(1)
        raise transient(0.01)

    with pytest.raises(retries.Transient, match="busy"):
        retries.with_retries(call, limit=timedelta(seconds=5))

    assert len(calls) == 3


def test_nothing_is_tried_again_after_the_limit() -> None:
    """Retrying takes no longer than one request may."""
    calls = []

    def call() -> None:
        calls.append(1)
        threading.Event().wait(0.02)
        raise transient()

    with pytest.raises(retries.Transient):
        retries.with_retries(call, limit=timedelta(milliseconds=10))

    assert len(calls) == 1


def test_a_new_try_is_told_to_whoever_debugs(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody else needs it: a source that did not answer at last is in the report."""
    answers = iter([transient(0.01), None])

    def call() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "done"

    with caplog.at_level(logging.DEBUG, logger=retries.__name__):
        assert retries.with_retries(call, limit=timedelta(seconds=5)) == "done"

    assert [(r.levelname, r.getMessage(), vars(r)["retry"]) for r in caplog.records] == [("DEBUG", "trying_again", 1)]
