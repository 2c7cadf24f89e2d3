"""A pull request that is opened through a port: the proposal it is made of, and the list that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import Proposal, PullRequest
from tests.worlds import WEBAPP, located_at

if TYPE_CHECKING:
    from tests.contract.forge_worlds import ForgeWorld


BRANCH = "reconciler/webapp-0123abcd"


def proposal(branch: str = BRANCH) -> Proposal:
    """A proposal whose branch is pushed already; of its content, only what the forge sees matters here."""
    return Proposal(
        identity="0123abcd",
        digest="d1",
        branch=branch,
        base="main",
        base_commit=CommitId("0" * 40),
        target=WEBAPP,
        located=located_at("deploy/web.yaml"),
        changes=(),
        edits=(),
        title="webapp: memory 512Mi to 1Gi",
        body="It was OOM killed.\n\n- 3 times",
        message="",
    )


def listed(world: ForgeWorld, prefix: str = "reconciler") -> tuple[PullRequest, ...]:
    """Return what the list says, which must be known."""
    found = world.adapter().pull_requests(prefix=prefix)
    assert not isinstance(found, Unknown), str(found)
    return found
