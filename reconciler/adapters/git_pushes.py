"""Pushes of many callers, carried together: one is on its way, and whoever comes meanwhile goes in the next one.

Nobody waits for company: the first caller pushes at once. A push of several is several pushes to its callers: each
has its own lease and hears its own answer.

Protects: one branch's trouble is no other's. Some rules (pre-receive hooks, a limit of branches in one push, a hook's
words that libgit2's binding cannot read) fail a whole push for one branch in it, so a no that was said to several is
believed only when it is said again to fewer, and at last to each alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING

from reconciler.adapters.git_errors import Lease
from reconciler.errors import Conflict, ReconcilerError, Refusal, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.adapters.git_mirror import Mirror
    from reconciler.adapters.git_remote import Remote


@dataclass(slots=True, eq=False)
class _Call:
    """One caller's push; `error` says nothing before it is settled."""

    lease: Lease
    settled: bool = False
    error: BaseException | None = None


class Pushes:
    """All pushes of one repository; called from many threads."""

    def __init__(self, mirror: Mirror, remote: Remote) -> None:
        self._mirror = mirror
        self._remote = remote
        self._turn = Condition()  # guards the two below, and every call's answer
        self._waiting: list[_Call] = []
        self._under_way = False

    def push(self, lease: Lease) -> None:
        """Point a remote reference to a commit, if it is where the lease expects it or at the commit already.

        Raises Conflict when it moved, Refusal when the server's rules reject it, SourceError when the server does not
        say that it took it: whoever asks again finds it done if it was.
        """
        call = _Call(lease)
        with self._turn:
            self._waiting.append(call)
        while batch := self._taken_for(call):  # again where an earlier caller pushes the same reference
            self._carry(batch)
        if call.error is not None:
            raise call.error

    def _taken_for(self, call: _Call) -> Sequence[_Call]:
        """Wait for our answer, or else for our turn to carry all that wait by then, one a reference."""
        with self._turn:
            self._turn.wait_for(lambda: call.settled or not self._under_way)  # each way has its time limit
            if call.settled:
                return ()
            first: dict[str, _Call] = {}
            for waiting in self._waiting:
                first.setdefault(waiting.lease.reference, waiting)
            self._waiting = [waiting for waiting in self._waiting if first[waiting.lease.reference] is not waiting]
            self._under_way = True
            return tuple(first.values())

    def _carry(self, batch: Sequence[_Call]) -> None:
        errors: dict[str, BaseException | None] = {}
        try:
            errors.update(self._pushed([call.lease for call in batch]))
        except BaseException as surprise:  # noqa: BLE001 - raised by every caller of this batch
            errors = {call.lease.reference: surprise for call in batch}
        with self._turn:
            for call in batch:
                call.error, call.settled = _own(errors[call.lease.reference]), True
            self._under_way = False
            self._turn.notify_all()

    def _pushed(self, leases: Sequence[Lease]) -> dict[str, ReconcilerError | None]:
        """Push all, and those again in halves that may have failed for another's sake: at most 2n - 1 pushes.

        All of it has the time limit of one push (and the last one's own): when it is up, or when the server cannot be
        asked any more, those in doubt are told that, since a refusal would be final.
        """
        began = monotonic()
        errors: dict[str, ReconcilerError | None] = {}
        ahead = [leases]
        while ahead:
            group = ahead.pop()
            try:
                if errors:
                    self._remote.require_time(since=began)
                errors |= self._sent(group)
            except ReconcilerError as error:
                errors |= {lease.reference: error for part in (group, *ahead) for lease in part}
                break
            if len(group) > 1:
                doubtful = [lease for lease in group if _in_doubt(errors[lease.reference])]
                middle = len(doubtful) // 2
                ahead += [part for part in (doubtful[:middle], doubtful[middle:]) if part]
        return errors

    def _sent(self, leases: Sequence[Lease]) -> dict[str, ReconcilerError | None]:
        return self._remote.within_limit(self._mirror, lambda mirror: self._remote.push(mirror, leases))


def not_ours(branch: str, prefix: str) -> Refusal:
    """Return the error for a branch that is never pushed to."""
    return Refusal(
        code="git.not_our_branch",
        message=f"{branch} is not pushed to: only branches below {prefix} are ours, and never base",
        remedy="set forge.branch_prefix to a prefix that belongs to the reconciler alone",
    )


def _in_doubt(error: ReconcilerError | None) -> bool:
    """Tell whether a failure in company may be another's: a lost race is one's own, a refused identity everybody's."""
    return error is not None and not isinstance(error, (Conflict, Unauthorized))


def _own(error: BaseException | None) -> BaseException | None:
    """Return an error for one caller alone; several threads may not raise the same one."""
    if not isinstance(error, ReconcilerError):
        return error
    own = type(error)(code=error.code, message=error.message, remedy=error.remedy)
    own.__cause__ = error.__cause__
    return own
