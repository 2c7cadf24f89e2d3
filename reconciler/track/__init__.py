"""Follow a merged change until it is live. Pure.

Equality of revisions is wrong in both directions on a shared branch, so the test is ancestry: a descendant of the
merge commit is synced, and the live field holds the expected value. Everything else is a reason to wait, by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.action import shown
from reconciler.model.facts import Fact, Unknown
from reconciler.model.quantity import same_quantities

if TYPE_CHECKING:
    from reconciler.model.delivery import Application

_BAD_CONDITIONS = frozenset({"ComparisonError", "InvalidSpecError", "SyncError", "UnknownError"})


class DeliveryState(StrEnum):
    """How far delivery has brought a merge commit; values are stable codes."""

    LIVE = "live"
    WAITING_FOR_REVISION = "waiting_for_revision"  # the only one that a refresh can help
    SYNCING = "syncing"
    WAITING_FOR_WINDOW = "waiting_for_window"
    AWAITING_MANUAL_SYNC = "awaiting_manual_sync"
    ON_HOLD = "on_hold"  # suspended, or waiting for a dependency or a source
    SYNC_FAILED = "sync_failed"
    STALE_STATUS = "stale_status"
    NOT_LIVE_YET = "not_live_yet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """Where delivery stands, with a sentence for people."""

    state: DeliveryState
    message: str


def delivery_of(
    application: Application,
    *,
    contains_merge: Fact[bool] | None,
    live: tuple[str | None, ...] | Unknown,
    expected: tuple[str | None, ...],
) -> DeliveryReport:
    """Tell how far the Application has brought the merge commit.

    Sources: `Application.status` of Argo CD 3; the status of Kustomizations and HelmReleases of Flux 2.
    """
    report = (
        _blocked(application)
        or _revision(application, contains_merge)
        or _operation(application)
        or _fields(live, expected)
        or DeliveryReport(state=DeliveryState.LIVE, message=f"{application.ref.name} is synced and the field is live")
    )
    if application.hold and report.state not in (DeliveryState.LIVE, DeliveryState.UNKNOWN):
        return DeliveryReport(state=DeliveryState.ON_HOLD, message=f"{application.ref.name} {application.hold}")
    return report


def _blocked(application: Application) -> DeliveryReport | None:
    name = application.ref.name
    if not application.sources_current:
        return DeliveryReport(state=DeliveryState.STALE_STATUS, message=f"the status of {name} describes an older spec")
    errors = [f"{kind}: {text}" for kind, text in application.conditions if kind in _BAD_CONDITIONS]
    if errors:
        return DeliveryReport(state=DeliveryState.SYNC_FAILED, message=f"{name}: {errors[0]}")
    return None


def _revision(application: Application, contains_merge: Fact[bool] | None) -> DeliveryReport | None:
    if contains_merge is None or isinstance(contains_merge, Unknown):
        reason = str(contains_merge) if contains_merge else "ancestry was not asked"
        return DeliveryReport(state=DeliveryState.UNKNOWN, message=reason)
    if contains_merge:
        return None
    return DeliveryReport(
        state=DeliveryState.WAITING_FOR_REVISION,
        message=f"{application.ref.name} has not compared a descendant of the merge commit yet",
    )


def _operation(application: Application) -> DeliveryReport | None:
    name, message = application.ref.name, application.operation_message
    if application.operation_phase == "Running":
        if "sync window" in message.lower():
            return DeliveryReport(state=DeliveryState.WAITING_FOR_WINDOW, message=f"{name}: {message}")
        return DeliveryReport(state=DeliveryState.SYNCING, message=f"{name} is syncing")
    if application.sync_status == "Synced" or (application.sync_status == "OutOfSync" and application.only_leftovers):
        return _settled(application)
    if application.sync_status != "OutOfSync":
        return DeliveryReport(state=DeliveryState.UNKNOWN, message=f"{name} is {application.sync_status}")
    if not application.automated:
        return DeliveryReport(
            state=DeliveryState.AWAITING_MANUAL_SYNC, message=f"{name} is OutOfSync and does not sync by itself"
        )
    if application.operation_phase in {"Failed", "Error"} and _tried_this(application):
        return DeliveryReport(state=DeliveryState.SYNC_FAILED, message=f"{name}: {message or 'the sync failed'}")
    return DeliveryReport(state=DeliveryState.SYNCING, message=f"{name} is OutOfSync and will sync")


def _tried_this(application: Application) -> bool:
    """A failed sync of an older revision says nothing about ours."""
    return application.operation_revisions == application.revisions


def _settled(application: Application) -> DeliveryReport | None:
    """Argo may still report the state of before its last sync (argo-cd: reconciledAt older than finishedAt)."""
    finished, reconciled = application.operation_finished_at, application.reconciled_at
    if finished is not None and (reconciled is None or reconciled < finished):
        return DeliveryReport(
            state=DeliveryState.STALE_STATUS, message=f"{application.ref.name} has not compared since its last sync"
        )
    return None


def _fields(live: tuple[str | None, ...] | Unknown, expected: tuple[str | None, ...]) -> DeliveryReport | None:
    if isinstance(live, Unknown):
        return DeliveryReport(state=DeliveryState.UNKNOWN, message=str(live))
    if same_quantities(live, expected):
        return None
    present, wanted = (", ".join(map(shown, values)) for values in (live, expected))
    return DeliveryReport(
        state=DeliveryState.NOT_LIVE_YET, message=f"the live object still holds {present}, not {wanted}"
    )
