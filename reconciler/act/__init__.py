"""Imperative actions and direct applies, run against the cluster port. Every one is safe to run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.model.action import Action, ActionName

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.ports import ApplyReport, Cluster


def run(action: Action, cluster: Cluster, *, at: datetime) -> None:
    """Run an imperative action; `at` is the time of its first intent, so that a repeat writes the same.

    Raises Refusal for an action that has no executor, and what the port raises.
    """
    if action.name is not ActionName.RESTART_DEPLOYMENT:
        raise Refusal(
            code="act.unsupported",
            message=f"{action.name} has no executor",
            remedy="do it by hand, then let the next pass look again",
        )
    cluster.restart(action.target, uid=action.uid, at=at)


def apply(action: Action, cluster: Cluster) -> ApplyReport:
    """Set the fields of an object that no Git owns: first as a dry run, then for real.

    Raises what the port raises; a failed dry run leaves the object as it was.
    """
    cluster.apply(action.target, uid=action.uid, changes=action.changes, dry_run=True)
    return cluster.apply(action.target, uid=action.uid, changes=action.changes, dry_run=False)
