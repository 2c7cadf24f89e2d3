"""A pull request that is opened through a port: the proposal it is made of, and the list that tells of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown
from tests.adapters import forge_answers

if TYPE_CHECKING:
    from reconciler.model.proposal import Proposal, PullRequest
    from tests.contract.forge_worlds import ForgeWorld


BRANCH = forge_answers.BRANCH


def proposal(branch: str = BRANCH) -> Proposal:
    """A proposal whose branch is pushed already; its text has lines, which a forge must not change."""
    return replace(forge_answers.proposal(), branch=branch, body="It was OOM killed.\n\n- 3 times")


def listed(world: ForgeWorld, prefix: str = "reconciler") -> tuple[PullRequest, ...]:
    """Return what the list says, which must be known."""
    found = world.adapter().pull_requests(prefix=prefix)
    assert not isinstance(found, Unknown), str(found)
    return found
