"""Who sets the fields that an action changes: Git, an autoscaler, nobody, or nobody knows.

Protects invariant 4 (Git owns what Git owns, decided field by field) and invariant 3 (a delivery that could not be
asked makes ownership unknown, which is not unowned).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.action import ActionClass
from reconciler.model.delivery import owning_applications, tracked_by
from reconciler.model.facts import Unknown
from reconciler.model.objects import Item, ObjectRef
from reconciler.model.verdict import Ownership, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.action import Action
    from reconciler.model.cluster import Workload
    from reconciler.model.delivery import Application
    from reconciler.model.objects import FieldPath
    from reconciler.model.snapshot import Snapshot

_REPLICAS: FieldPath = ("spec", "replicas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who owns what an action changes, and how we know."""

    ownership: Ownership
    reason: str
    application: ObjectRef | None = None


def claim_on(action: Action, snapshot: Snapshot) -> Claim:
    """Return who owns the fields that the action changes, with the reason; without fields, who owns its target."""
    workloads, applications = snapshot.workloads, snapshot.applications
    if isinstance(workloads, Unknown):
        return _unknown(str(workloads))
    if isinstance(applications, Unknown):
        return _unknown(str(applications))
    workload = workloads.get(action.target)
    if workload is None:
        return _unknown(f"{action.target} was not seen")
    claim, application = _claim_on_object(workload, applications)
    if action.action_class is ActionClass.IMPERATIVE or not action.changes:
        return claim  # a restart's annotation is no field of Git's, but people want to know whose object it is
    if claim.ownership not in (Ownership.OWNED, Ownership.NOT_OWNED):
        return claim
    fields = [_claim_on_field(c.path, workload, claim, application, snapshot) for c in action.changes]
    return _combined(fields)


def route_of(action: Action, ownership: Ownership) -> Route:
    """Return the only way in which the action could be carried out."""
    if action.action_class is ActionClass.IMPERATIVE:
        return Route.RUN
    return Route.APPLY if ownership is Ownership.NOT_OWNED else Route.PULL_REQUEST


def _unknown(reason: str) -> Claim:
    return Claim(ownership=Ownership.UNKNOWN, reason=reason)


def _claim_on_object(workload: Workload, applications: Iterable[Application]) -> tuple[Claim, Application | None]:
    owners = owning_applications(workload.ref, workload.tracking_id, applications)
    tracked = tracked_by(workload.ref, workload.tracking_id)
    names = sorted(str(owner.ref) for owner in owners)
    if len(owners) > 1:
        return Claim(ownership=Ownership.CONFLICT, reason=f"claimed by {' and '.join(names)}"), None
    labelled = sorted("/".join(name) for name in workload.flux_owners)
    of_argo = any(owner.ref.kind == "Application" for owner in owners)
    of_flux = bool(labelled) or any(owner.ref.kind != "Application" for owner in owners)
    if of_flux and (tracked or of_argo):
        return Claim(ownership=Ownership.CONFLICT, reason="claimed by Argo CD and by Flux"), None
    if workload.flux_leaves and of_flux:
        return _unknown("an annotation tells Flux to leave it alone"), None
    if labelled and not owners:
        return _unknown(
            f"it is labelled as of Flux's {' and '.join(labelled)}, which is not read or lists it not"
        ), None
    if not owners and tracked:
        return _unknown(f"it is tracked by Application {tracked}, which does not list it"), None
    if not owners:
        return Claim(ownership=Ownership.NOT_OWNED, reason="no Application lists it"), None
    (owner,) = owners
    if tracked and tracked not in (owner.ref.name, f"{owner.ref.namespace}_{owner.ref.name}"):
        reason = f"listed by {owner.ref} and tracked by Application {tracked}"
        return Claim(ownership=Ownership.CONFLICT, reason=reason), None
    if workload.flux_owners - {(owner.ref.kind, owner.ref.namespace, owner.ref.name)}:
        reason = f"listed by {owner.ref} and labelled as of Flux's {' and '.join(labelled)}"
        return Claim(ownership=Ownership.CONFLICT, reason=reason), None
    return Claim(ownership=Ownership.OWNED, reason=f"{owner.ref} lists it", application=owner.ref), owner


def _claim_on_field(
    path: FieldPath, workload: Workload, on_object: Claim, application: Application | None, snapshot: Snapshot
) -> Claim:
    if path == _REPLICAS:
        if isinstance(snapshot.autoscaled, Unknown):
            return _unknown(str(snapshot.autoscaled))
        if workload.ref in snapshot.autoscaled:
            return Claim(ownership=Ownership.AUTOSCALER, reason="an autoscaler sets the replicas")
    if application is None:
        return on_object
    for ignored in sorted(application.ignored_fields):
        covers = _covers(ignored, path, workload)
        if covers is None:
            return _unknown(f"{application.ref} ignores {ignored}, which may be this field")
        if covers:
            reason = f"{application.ref} ignores differences in {ignored}"
            return Claim(ownership=Ownership.NOT_OWNED, reason=reason, application=application.ref)
    return on_object


def _covers(ignored: str, path: FieldPath, workload: Workload) -> bool | None:
    """Tell whether an ignored field is this one or holds it; None where that cannot be told."""
    if not ignored.startswith("/"):
        return None  # an expression, which we do not evaluate
    segments = [s.replace("~1", "/").replace("~0", "~") for s in ignored[1:].split("/")]
    if len(segments) > len(path):
        return False
    certain = True
    for index, (segment, step) in enumerate(zip(segments, path, strict=False)):
        if isinstance(step, Item):
            position = _position(path[:index], step, workload)
            certain = certain and position is not None
            if not segment.isdigit() or position not in (None, int(segment)):
                return False
        elif segment != step:
            return False
    return True if certain else None


def _position(parent: FieldPath, item: Item, workload: Workload) -> int | None:
    """Return an item's index in its list; JSON pointers count where field paths name."""
    names = [container.name for container in workload.containers]
    known = parent == ("spec", "template", "spec", "containers") and item.key == "name"
    return names.index(item.value) if known and item.value in names else None


def _combined(claims: list[Claim]) -> Claim:
    """Return the one claim on all fields; the most cautious one where they differ."""
    for ownership in (Ownership.UNKNOWN, Ownership.AUTOSCALER):
        for claim in claims:
            if claim.ownership is ownership:
                return claim
    if len({claim.ownership for claim in claims}) > 1:
        return Claim(ownership=Ownership.CONFLICT, reason="its fields have different owners")
    return claims[0]
