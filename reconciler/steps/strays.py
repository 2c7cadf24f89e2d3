"""Pull requests of ours that are open, and that no operation follows: of a lost ledger, or opened again by a person.

Nothing is lost: each is named in every pass, until somebody merges or closes it. Where its trouble is there again, the
new operation adopts it. Costs no request: the forge's list is in the snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.facts import known
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.texts import UNNAMED, read_marker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Snapshot


def strays(snapshot: Snapshot, history: Sequence[Operation]) -> tuple[PullRequest, ...]:
    """Return those of this cluster; `history` is that of the pass's end, which may have adopted or closed some."""
    followed = [o for o in history if o.closed_at is None or o.closed_at >= snapshot.taken_at]
    numbers = {o.pull_request.number for o in followed if o.pull_request is not None}
    # Of an operation that goes on, it may be there already; one that was refused adopted nothing.
    announced = {effect.data.get("branch") for o in followed if o.is_open for effect in o.effects.values()}
    nobody: tuple[PullRequest, ...] = ()
    return tuple(
        found
        for found in known(snapshot.pull_requests, default=nobody)
        if found.state is PullRequestState.OPEN
        and found.number not in numbers
        and found.branch not in announced
        and _is_of(snapshot.cluster, found)
    )


def _is_of(cluster: str, found: PullRequest) -> bool:
    """Tell by the hidden marker: a person may have a branch below our prefix, and so may another cluster."""
    said = read_marker(found.body)
    return said is not None and said.get("cluster", UNNAMED) == cluster


def nobody_follows(found: PullRequest, history: Sequence[Operation]) -> str:
    """Say why, and what to do."""
    ended = [o for o in history if o.outcome and o.pull_request is not None and o.pull_request.number == found.number]
    why = f"{ended[-1].id} ended {ended[-1].outcome}" if ended else "the ledger does not know it"
    return f"open, and nothing follows it ({why}): merge or close it"
