"""A Deployment and its ReplicaSets, and the arithmetic of a rollout between them. Pure.

Source: `pkg/controller/deployment` of Kubernetes 1.36; where that has a name for something, it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.objects import Json, annotations_of, replicas_of, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
}


@dataclass(slots=True)
class Rollout:
    """A Deployment, the ReplicaSet of its present template if there is one, and those of former templates."""

    deployment: Json
    new: Json | None
    old: list[Json]  # oldest first

    @property
    def every(self) -> list[Json]:
        """All ReplicaSets, the new one last."""
        return [*self.old, self.new] if self.new else list(self.old)

    @property
    def active(self) -> list[Json]:
        """The ReplicaSets that ask for pods."""
        return [each for each in self.every if replicas_of(each)]

    @property
    def wanted(self) -> int:
        """How many pods the Deployment asks for."""
        return replicas_of(self.deployment)

    @property
    def is_rolling(self) -> bool:
        """Whether pods are replaced a few at a time."""
        return bool(self.deployment["spec"].get("strategy", {}).get("type") != "Recreate")

    @property
    def max_surge(self) -> int:
        """How many pods more than wanted may be there."""
        return self._fenceposts()[0]

    @property
    def max_unavailable(self) -> int:
        """How many of the wanted pods may be unavailable."""
        return min(self._fenceposts()[1], self.wanted)

    def _fenceposts(self) -> tuple[int, int]:
        """Surge is rounded up, unavailable down; both zero would let nothing move."""
        if not self.is_rolling:
            return 0, 0
        rolling = self.deployment["spec"].get("strategy", {}).get("rollingUpdate") or {}
        surge = share(rolling.get("maxSurge", "25%"), self.wanted, up=True)
        unavailable = share(rolling.get("maxUnavailable", "25%"), self.wanted, up=False)
        return surge, unavailable or int(surge == 0)

    def replace(self, item: Json) -> None:
        """Take over the next version of one of the ReplicaSets."""
        uid = item["metadata"]["uid"]
        if self.new is not None and self.new["metadata"]["uid"] == uid:
            self.new = item
        self.old = [item if each["metadata"]["uid"] == uid else each for each in self.old]


def rollout_of(deployment: Json, sets: Iterable[Json]) -> Rollout:
    """Sort a Deployment's ReplicaSets: the oldest one of the present template is the new one."""
    ordered = sorted(sets, key=_age)
    template = deployment["spec"]["template"]
    new = next((each for each in ordered if same_template(each["spec"]["template"], template)), None)
    return Rollout(deployment, new, [each for each in ordered if each is not new])


def same_template(one: Json, other: Json) -> bool:
    """Whether two templates are the same but for the hash in their labels."""
    if one["spec"] != other["spec"]:
        return False
    return _bare(one) == _bare(other)


def _bare(template: Json) -> Json:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return {"labels": labels, "annotations": metadata.get("annotations") or {}}


def _age(item: Json) -> tuple[str, str]:
    return item["metadata"]["creationTimestamp"], item["metadata"]["name"]


def revision_of(item: Json) -> int:
    """Return a ReplicaSet's place in the Deployment's history."""
    text = annotations_of(item).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def annotated(rollout: Rollout, former: dict[str, str]) -> dict[str, str]:
    """Return the new ReplicaSet's annotations: the Deployment's, and the next revision where it is not the newest."""
    copied = {k: v for k, v in annotations_of(rollout.deployment).items() if k not in _NOT_COPIED}
    found = {**former, **copied}
    newest = max((revision_of(each) for each in rollout.old), default=0) + 1
    mine = former.get(REVISION, "")
    if not mine.isdigit() or int(mine) < newest:
        found[REVISION] = str(newest)
        if mine:  # back to a former template: what it was then is remembered
            found[HISTORY] = f"{former[HISTORY]},{mine}" if former.get(HISTORY) else mine
    return found


def sizes_noted(rollout: Rollout) -> dict[str, str]:
    """Return the annotations by which ReplicaSets know how large the Deployment was when they were scaled."""
    return {DESIRED: str(rollout.wanted), MOST: str(rollout.wanted + rollout.max_surge)}


def is_scaling(rollout: Rollout) -> bool:
    """Whether the Deployment was scaled since its ReplicaSets were."""
    noted = (annotations_of(each).get(DESIRED, "") for each in rollout.active)
    return any(text.isdigit() and int(text) != rollout.wanted for text in noted)


def total(items: Iterable[Json]) -> int:
    """Return how many pods ReplicaSets ask for."""
    return sum(map(replicas_of, items))


def reported(items: Iterable[Json], count: str) -> int:
    """Return what ReplicaSets report, added up."""
    return sum((item.get("status") or {}).get(count, 0) for item in items)


def new_size(rollout: Rollout) -> int:
    """Return how large the new ReplicaSet may be now."""
    now = replicas_of(rollout.new) if rollout.new else 0
    if not rollout.is_rolling or now > rollout.wanted:
        return rollout.wanted
    room = rollout.wanted + rollout.max_surge - total(rollout.every)
    return now + min(room, rollout.wanted - now) if room > 0 else now


def old_sizes(rollout: Rollout) -> list[tuple[Json, int]]:
    """Return which former ReplicaSets may shrink now, and to what: first by what is broken in them anyway."""
    new = rollout.new
    if new is None or not rollout.is_rolling:
        return [(each, 0) for each in rollout.old if replicas_of(each)]
    least = rollout.wanted - rollout.max_unavailable
    unavailable = replicas_of(new) - reported([new], "availableReplicas")
    spare = total(rollout.every) - least - unavailable
    if spare <= 0:
        return []
    sizes = {each["metadata"]["uid"]: replicas_of(each) for each in rollout.old}
    for each in rollout.old:
        uid = each["metadata"]["uid"]
        broken = min(spare, max(0, sizes[uid] - reported([each], "availableReplicas")))
        sizes[uid] -= broken
        spare -= broken
    surplus = max(0, reported(rollout.every, "availableReplicas") - least)
    for each in rollout.old:
        uid = each["metadata"]["uid"]
        gone = min(sizes[uid], surplus)
        sizes[uid] -= gone
        surplus -= gone
    return [(e, sizes[e["metadata"]["uid"]]) for e in rollout.old if sizes[e["metadata"]["uid"]] != replicas_of(e)]


def scaled_sizes(rollout: Rollout) -> list[tuple[Json, int]]:
    """Return the sizes after the Deployment was scaled: the one active ReplicaSet takes all, several share."""
    active = rollout.active
    if len(active) <= 1:
        one = active[0] if active else rollout.new or (rollout.old[-1] if rollout.old else None)
        return [] if one is None or replicas_of(one) == rollout.wanted else [(one, rollout.wanted)]
    if _is_saturated(rollout):
        return [(each, 0) for each in rollout.old if replicas_of(each)]
    return _proportions(rollout, active) if rollout.is_rolling else []


def _is_saturated(rollout: Rollout) -> bool:
    new, wanted = rollout.new, rollout.wanted
    if new is None:
        return False
    noted = annotations_of(new).get(DESIRED)
    return replicas_of(new) == wanted == reported([new], "availableReplicas") and noted == str(wanted)


def _proportions(rollout: Rollout, active: Sequence[Json]) -> list[tuple[Json, int]]:
    """Share what there is more or less among ReplicaSets by their sizes; the largest takes what rounding leaves."""
    allowed = rollout.wanted + rollout.max_surge if rollout.wanted else 0
    change = allowed - total(active)
    by_age = sorted(active, key=_age, reverse=change > 0)
    ordered = sorted(by_age, key=replicas_of, reverse=True)
    sizes, added = [], 0
    for each in ordered:
        part = _fraction(rollout, each) if change and added != change else 0
        part = min(part, change - added) if change > 0 else max(part, change - added)
        sizes.append(replicas_of(each) + part)
        added += part
    sizes[0] = max(0, sizes[0] + change - added)
    return list(zip(ordered, sizes, strict=True))


def _fraction(rollout: Rollout, item: Json) -> int:
    size = replicas_of(item)
    if not rollout.wanted:
        return -size
    noted = annotations_of(item).get(MOST, "")
    before = int(noted) if noted.isdigit() and int(noted) else reported([rollout.deployment], "replicas")
    if not before:
        return 0
    exact = size * (rollout.wanted + rollout.max_surge) / before
    return int(exact + 0.5) - size
