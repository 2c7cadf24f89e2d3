"""Delivery states: each one from its sign in `Application.status`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.facts import Unknown
from reconciler.track import DeliveryState, delivery_of
from tests.worlds import NOW, application

S = DeliveryState


@pytest.mark.parametrize(
    ("changes", "contains", "live", "state"),
    [
        ({}, True, "1Gi", S.LIVE),
        ({}, True, "1024Mi", S.LIVE),
        ({}, True, "512Mi", S.NOT_LIVE_YET),
        ({}, True, None, S.NOT_LIVE_YET),
        ({}, False, "1Gi", S.WAITING_FOR_REVISION),
        ({}, Unknown("git", "shallow"), "1Gi", S.UNKNOWN),
        ({}, None, "1Gi", S.UNKNOWN),
        ({"sources_current": False}, True, "1Gi", S.STALE_STATUS),
        ({"reconciled_at": NOW - timedelta(hours=1)}, True, "1Gi", S.STALE_STATUS),
        ({"reconciled_at": None}, True, "1Gi", S.STALE_STATUS),
        ({"conditions": (("ComparisonError", "rpc"),)}, True, "1Gi", S.SYNC_FAILED),
        ({"conditions": (("OrphanedResourceWarning", "x"),)}, True, "1Gi", S.LIVE),
        ({"operation_phase": "Running"}, True, "1Gi", S.SYNCING),
        (
            {"operation_phase": "Running", "operation_message": "operation is blocked by sync window"},
            True,
            "1Gi",
            S.WAITING_FOR_WINDOW,
        ),
        ({"sync_status": "OutOfSync"}, True, "512Mi", S.SYNCING),
        ({"sync_status": "OutOfSync", "only_leftovers": True}, True, "1Gi", S.LIVE),
        ({"sync_status": "OutOfSync", "only_leftovers": True, "automated": False}, True, "1Gi", S.LIVE),
        ({"sync_status": "OutOfSync", "only_leftovers": True}, True, "512Mi", S.NOT_LIVE_YET),
        ({"sync_status": "Unknown", "only_leftovers": True}, True, "1Gi", S.UNKNOWN),
        ({"sync_status": "OutOfSync", "automated": False}, True, "512Mi", S.AWAITING_MANUAL_SYNC),
        ({"sync_status": "OutOfSync", "operation_phase": "Failed"}, True, "512Mi", S.SYNC_FAILED),
        (
            {"sync_status": "OutOfSync", "operation_phase": "Failed", "operation_revisions": ("f" * 40,)},
            True,
            "512Mi",
            S.SYNCING,
        ),
        ({"sync_status": "Unknown"}, True, "1Gi", S.UNKNOWN),
        ({"hold": "is suspended"}, True, "1Gi", S.LIVE),
        ({"hold": "is suspended"}, False, "512Mi", S.ON_HOLD),
        ({"hold": "is suspended", "sources_current": False}, False, "512Mi", S.ON_HOLD),
        ({"hold": "is suspended", "sync_status": "OutOfSync", "operation_phase": "Failed"}, True, "512Mi", S.ON_HOLD),
        ({"hold": "is suspended"}, Unknown("git", "shallow"), "1Gi", S.UNKNOWN),
    ],
)
def test_delivery_state(changes: dict[str, Any], contains: Any, live: str | None, state: DeliveryState) -> None:  # noqa: ANN401
    """Only a synced descendant with the live field in place counts as live."""
    report = delivery_of(application(**changes), contains_merge=contains, live=(live,), expected=("1Gi",))

    assert report.state is state


def test_unknown_live_field_is_not_live() -> None:
    """Invariant 3: a field that was not read proves nothing."""
    report = delivery_of(application(), contains_merge=True, live=Unknown("kubernetes", "timeout"), expected=("1Gi",))

    assert report.state is DeliveryState.UNKNOWN
