"""Whether Argo CD begins a sync by itself, by the Application's policy.

Source: `autoSync` of the application controller. A revision that was tried is not tried again, unless the
Application heals itself; a revision that failed is final until a new commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery.status import as_compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.delivery.comparing import Comparison

Json = dict[str, Any]

_RETRIES = 5
_FIRST_WAIT, _FACTOR, _LONGEST_WAIT = 2, 3, 300  # seconds between a drift's repairs
_COOLDOWN = timedelta(seconds=330)  # in sync for so long, the next repair comes at once again


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do about an Application's state; at most one of these is set."""

    operation: Json | None = None  # begin this
    error: str = ""  # say this in a SyncError condition
    again: timedelta | None = None  # look again after this time


NOTHING = Decision()


def is_automatic(spec: Json) -> bool:
    """Tell whether Argo CD syncs by itself; the block may be there and switched off."""
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return automated is not None and automated.get("enabled") is not False


def decide(application: Json, found: Comparison, now: datetime) -> Decision:
    """Decide whether to begin a sync after a comparison."""
    spec = application["spec"]
    idle = not application.get("operation") and not application["metadata"].get("deletionTimestamp")
    if not is_automatic(spec) or not idle or found.status != "OutOfSync":
        return NOTHING
    policy = spec["syncPolicy"]
    automated = policy["automated"]
    prunes = automated.get("prune") is True
    if not prunes and all(row.status == "Synced" or row.prune for row in found.rows):
        return NOTHING
    operation = _operation(spec, policy, found, prunes=prunes)
    tried = _tried(application, found)
    if tried is not None:
        decision = _after_try(application, found, tried, operation, now)
        if decision is not None:
            return decision
    if prunes and not automated.get("allowEmpty") and all(row.prune for row in found.rows):
        shown = f"[{' '.join(found.revisions)}]"
        return Decision(error=f"Skipping sync attempt to {shown}: auto-sync will wipe out all resources")
    return Decision(operation=operation)


def _operation(spec: Json, policy: Json, found: Comparison, *, prunes: bool) -> Json:
    sync: Json = {"prune": True} if prunes else {}
    if spec.get("sources"):
        sync |= {"revisions": found.revisions, "sources": [as_compared(each) for each in spec["sources"]]}
    else:
        sync |= {"revision": found.revisions[0], "source": as_compared(spec["source"])}
    if policy.get("syncOptions"):
        sync["syncOptions"] = policy["syncOptions"]
    return {"initiatedBy": {"automated": True}, "retry": policy.get("retry") or {"limit": _RETRIES}, "sync": sync}


def _tried(application: Json, found: Comparison) -> Sequence[str] | None:
    """Return the revisions of the last sync if it was of these revisions and sources, else None."""
    state = (application.get("status") or {}).get("operationState")
    if state is None:
        return None
    result = state.get("syncResult")
    if result is None:
        return () if state["phase"] in {"Succeeded", "Failed", "Error"} else None
    spec = application["spec"]
    if spec.get("sources"):
        revisions = result.get("revisions") or []
        same = result.get("sources") == [as_compared(each) for each in spec["sources"]]
    else:
        revisions, same = [result.get("revision")], result.get("source") == as_compared(spec["source"])
    return revisions if same and revisions == found.revisions else None


def _after_try(
    application: Json, found: Comparison, tried: Sequence[str], operation: Json, now: datetime
) -> Decision | None:
    """Decide about revisions that were synced before; None: go on, to repair the drift."""
    state = application["status"]["operationState"]
    if state["phase"] != "Succeeded":
        return Decision(error=f"Failed last sync attempt to [{' '.join(tried)}]: {state.get('message', '')}")
    if not application["spec"]["syncPolicy"]["automated"].get("selfHeal"):
        return NOTHING
    since = now - datetime.fromisoformat(state["finishedAt"])
    attempts = 0
    if since < _COOLDOWN:
        attempts = (state["operation"].get("sync") or {}).get("autoHealAttemptsCount", 0)
    if (left := _wait(attempts) - since) > timedelta():
        return Decision(again=left)
    operation["sync"]["autoHealAttemptsCount"] = attempts + 1
    operation["sync"]["resources"] = [_short(row.key) for row in found.rows if row.status != "Synced"]
    return None


def _wait(attempts: int) -> timedelta:
    if not attempts:
        return timedelta()
    return timedelta(seconds=min(_FIRST_WAIT * _FACTOR ** (attempts - 1), _LONGEST_WAIT))


def _short(key: tuple[str, str, str, str]) -> Json:
    group, kind, _, name = key
    return {"kind": kind, "name": name} | ({"group": group} if group else {})
