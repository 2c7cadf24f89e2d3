"""Callers that push at the same time: the first is held at the server until all others wait, so no test is a race.

And a server that deals out fates by branch, for what git's own would take long to show.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum, auto
from functools import partial
from threading import Condition, Event, Lock, Semaphore
from typing import TYPE_CHECKING, TypeVar, cast

from reconciler.adapters.git_errors import Access, Lease, failed, moved, rejected, timed_out
from reconciler.adapters.git_pushes import Pushes
from reconciler.adapters.git_remote import Remote
from reconciler.adapters.tokens import secret
from reconciler.errors import Conflict, ReconcilerError, Refusal, SourceError, Unauthorized
from reconciler.model.objects import CommitId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pygit2

    from reconciler.adapters.git_mirror import Mirror

T = TypeVar("T")

SECONDS = 20


class _Turn(Condition):
    """The pushers' turn, which counts who comes to it; a caller that is counted is in the batch that waits."""

    def __init__(self, come: Semaphore) -> None:
        super().__init__()
        self._come = come

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Count, and wait."""
        self._come.release()
        return super().wait_for(predicate, timeout)


@dataclass
class Company:
    """One who pushes first and is held, and others who come meanwhile."""

    callers: int
    _come: Semaphore = field(default_factory=lambda: Semaphore(0))
    _led: Event = field(default_factory=Event)

    def watch(self, pushes: Pushes) -> None:
        """Count the callers of these pushes from now on."""
        pushes._turn = _Turn(self._come)

    def hold(self) -> None:
        """Hold the first push, from the server's side, until everybody has come; later pushes pass."""
        if not self._led.is_set():
            self._led.set()
            for _ in range(self.callers):
                assert self._come.acquire(timeout=SECONDS), "not everybody came"

    def push(self, calls: Sequence[Callable[[], object]]) -> list[ReconcilerError | None]:
        """Make all calls, the first of them first; return what each raised."""
        with ThreadPoolExecutor(len(calls)) as pool:
            first = pool.submit(_outcome, calls[0])
            assert self._led.wait(SECONDS), "the first never reached the server"
            return [future.result() for future in (first, *[pool.submit(_outcome, call) for call in calls[1:]])]


def _outcome(call: Callable[[], object]) -> ReconcilerError | None:
    try:
        call()
    except ReconcilerError as error:
        return error
    return None


ACCESS = Access(url="http://shop", username="bot", token="", hint="$TOKEN", timeout=timedelta(seconds=20))


class Fate(StrEnum):
    """What becomes of a branch that is pushed."""

    TAKEN = auto()
    MOVED = auto()
    REFUSED = auto()  # itself alone
    TAINTED = auto()  # refused, and with it the whole push that it is in
    BREAKING = auto()  # the whole push that it is in ends without an answer
    STRANGE = auto()  # the server does not let us in any more


EXPECTED = {
    Fate.TAKEN: type(None),
    Fate.MOVED: Conflict,
    Fate.REFUSED: Refusal,
    Fate.TAINTED: Refusal,
    Fate.BREAKING: SourceError,
    Fate.STRANGE: Unauthorized,
}


class Scripted(Remote):
    """A server that deals out fates by branch; holds the first push until all have come."""

    def __init__(self, fates: dict[str, Fate], company: Company) -> None:
        super().__init__(ACCESS, secret(""))
        self.fates, self.company = fates, company
        self.pushes: list[list[str]] = []
        self.patience = 1000  # pushes
        self._one = Lock()

    def within_limit(self, mirror: Mirror, exchange: Callable[[pygit2.Repository], T]) -> T:
        """Run it here, and let no two run at once."""
        del mirror
        assert self._one.acquire(blocking=False), "two pushes at once"
        try:
            return exchange(cast("pygit2.Repository", None))
        finally:
            self._one.release()

    def require_time(self, *, since: float) -> None:
        """Count pushes in the place of seconds."""
        del since
        if len(self.pushes) >= self.patience:
            raise timed_out(ACCESS)

    def push(self, mirror: pygit2.Repository, leases: Sequence[Lease]) -> dict[str, ReconcilerError | None]:
        """Answer for each branch, as far as the others in the push let it."""
        del mirror
        self.pushes.append([lease.reference for lease in leases])
        self.company.hold()
        fates = {self.fates[lease.reference] for lease in leases}
        if Fate.STRANGE in fates:
            raise Unauthorized(code="git.unauthorized", message="no", remedy="-")
        return {lease.reference: self._answer(lease, fates) for lease in leases}

    def _answer(self, lease: Lease, fates: set[Fate]) -> ReconcilerError | None:
        mine = self.fates[lease.reference]
        if mine is Fate.MOVED:
            return moved(lease, "it is elsewhere")
        if Fate.BREAKING in fates:
            return failed(ACCESS, ValueError("it hung up"))
        if mine is Fate.REFUSED or Fate.TAINTED in fates:
            return rejected(ACCESS, lease, "declined", ())
        return None


def lease(name: str) -> Lease:
    """Return a lease on a branch that does not exist yet."""
    return Lease(reference=f"refs/heads/{name}", commit=CommitId("1" * 40), expected=None)


def meet(fates: Sequence[Fate], *, patience: int = 1000) -> tuple[list[ReconcilerError | None], Scripted]:
    """Push a branch a fate after one that is held till all have come; return what each was told, and the server."""
    leases = [lease("first"), *(lease(f"b{number}") for number in range(len(fates)))]
    company = Company(len(leases))
    every = dict(zip((one.reference for one in leases), (Fate.TAKEN, *fates), strict=True))
    server = Scripted(every, company)
    server.patience = patience
    pushes = Pushes(cast("Mirror", None), server)
    company.watch(pushes)
    return company.push([partial(pushes.push, one) for one in leases])[1:], server
