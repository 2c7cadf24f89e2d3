"""Where our own requests are tried again: bounded, obedient to Retry-After, for failures that may pass by themselves.

Protects invariant 10 (bounded): a request is tried three times and no longer than its limit, and a server that asks
for a long rest gets it, because the pass gives up and a later one asks again. Only reads, and writes whose repetition
is harmless (idempotent, or with a precondition), may be handed to it. PyGithub alone repeats its reads by itself, as
`github_client.py` tells it to.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from types import ModuleType

    from stamina.instrumentation import RetryDetails

T = TypeVar("T")

_ATTEMPTS = 3
_LONGEST_WAIT = 2.0  # seconds; a pass does not wait for the world any longer
_TRANSIENT = frozenset({408, 429})
_SERVER_ERRORS = 500


class Transient(SourceError):
    """A failure that may pass by itself; `after` is how many seconds the server asked us to wait."""

    def __init__(self, *, code: str, message: str, remedy: str, after: float | None = None) -> None:
        super().__init__(code=code, message=message, remedy=remedy)
        self.after = after


def is_transient(status: int) -> bool:
    """Tell whether an HTTP status may be another one on the next try: 408, 429 and 5xx."""
    return status in _TRANSIENT or status >= _SERVER_ERRORS


def retry_after(header: str | None) -> float | None:
    """Read a Retry-After header's seconds; a date, which none of our servers sends, counts as no wish."""
    return float(header) if header is not None and header.strip().isdecimal() else None


def with_retries(call: Callable[[], T], *, limit: timedelta) -> T:
    """Return what the call returns; on `Transient` try again, at most three times in all and within the limit."""
    for attempt in _stamina().retry_context(
        on=_wait, attempts=_ATTEMPTS, timeout=limit, wait_initial=0.1, wait_max=_LONGEST_WAIT, wait_jitter=0.1
    ):
        with attempt:
            return call()
    raise AssertionError  # the context returns or raises


@cache
def _stamina() -> ModuleType:
    """Return stamina, which would import structlog to tell of each new try."""
    import stamina

    stamina.instrumentation.set_on_retry_hooks([_told])
    return stamina


def _told(details: RetryDetails) -> None:
    """Tell of a new try: a source that did not answer at last is in the report, once, so nobody else needs it."""
    why = {"why": repr(details.caused_by), "seconds": round(details.wait_for, 2), "retry": details.retry_num}
    logging.getLogger(__name__).debug("trying_again", extra=why)


def _wait(error: Exception) -> bool | float:
    """Say whether to try again, and after how long where the server said so."""
    if not isinstance(error, Transient):
        return False
    if error.after is None:
        return True
    return error.after if error.after <= _LONGEST_WAIT else False
