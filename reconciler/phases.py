"""An operation's phases as one table: which event may follow in which phase, and where it leads.

`advance.py` applies it; `docs/architecture.md` shows it as a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.operation import EventKind, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping


def _anywhere(phase: Phase) -> dict[EventKind, Phase]:
    """Events that an open operation may meet in any phase, without leaving it."""
    stays = (
        EventKind.VERDICT_GIVEN,
        EventKind.APPROVAL_REJECTED,
        EventKind.EFFECT_INTENDED,
        EventKind.EFFECT_COMPLETED,
        EventKind.EFFECT_FAILED,
        EventKind.ESCALATED,
        EventKind.RETRY_ASKED,
    )
    return {**dict.fromkeys(stays, phase), EventKind.OPERATION_CLOSED: Phase.CLOSED}


NEXT: Mapping[Phase, Mapping[EventKind, Phase]] = {
    Phase.DECIDED: {
        **_anywhere(Phase.DECIDED),
        EventKind.APPROVAL_REQUESTED: Phase.AWAITING_APPROVAL,
        EventKind.APPROVAL_GIVEN: Phase.DECIDED,  # a second person's, or for a second action
        EventKind.REMEDY_REVISED: Phase.DECIDED,  # another object joins it before it has a pull request
        EventKind.PULL_REQUEST_OPENED: Phase.AWAITING_GIT_PR,
        EventKind.CHANGE_LIVE: Phase.STABILIZING,
    },
    Phase.AWAITING_APPROVAL: {
        **_anywhere(Phase.AWAITING_APPROVAL),
        EventKind.APPROVAL_REQUESTED: Phase.AWAITING_APPROVAL,
        EventKind.APPROVAL_GIVEN: Phase.DECIDED,
        EventKind.PULL_REQUEST_OPENED: Phase.AWAITING_GIT_PR,
        EventKind.CHANGE_LIVE: Phase.STABILIZING,
    },
    Phase.AWAITING_GIT_PR: {
        **_anywhere(Phase.AWAITING_GIT_PR),
        # The other half of a hybrid remedy may still be waiting for a person.
        EventKind.APPROVAL_REQUESTED: Phase.AWAITING_GIT_PR,
        EventKind.APPROVAL_GIVEN: Phase.AWAITING_GIT_PR,
        EventKind.PULL_REQUEST_MERGED: Phase.AWAITING_SYNC,
        EventKind.PULL_REQUEST_CLOSED: Phase.AWAITING_GIT_PR,
        EventKind.PULL_REQUEST_INSPECTED: Phase.AWAITING_GIT_PR,
        EventKind.REMEDY_REVISED: Phase.AWAITING_GIT_PR,
        EventKind.PULL_REQUEST_UPDATED: Phase.AWAITING_GIT_PR,
        EventKind.TROUBLE_WATCHED: Phase.AWAITING_GIT_PR,
    },
    Phase.AWAITING_SYNC: {
        **_anywhere(Phase.AWAITING_SYNC),
        EventKind.CHANGE_LIVE: Phase.STABILIZING,
    },
    Phase.STABILIZING: {
        **_anywhere(Phase.STABILIZING),
        EventKind.CHECKED: Phase.STABILIZING,
        EventKind.VERIFICATION_COMPLETED: Phase.STABILIZING,
        EventKind.VERIFICATION_FAILED: Phase.STABILIZING,
    },
    # A finding that comes back may be handed to a person after its operation ended, who may want another try.
    Phase.CLOSED: {EventKind.ESCALATED: Phase.CLOSED, EventKind.RETRY_ASKED: Phase.CLOSED},
}
