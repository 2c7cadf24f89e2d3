"""Deployments: one ReplicaSet a template, pods moved from the former ones to the new one as the strategy says.

Source: `pkg/controller/deployment` of Kubernetes 1.36. A turn scales at most once and writes the status; the changes
that it made bring the next turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.controllers import progress, rollouts
from reconciler.sandbox.controllers.control import Controller, mark_owner
from reconciler.sandbox.controllers.objects import (
    Json,
    Key,
    annotations_of,
    is_controlled,
    is_deleting,
    key_of,
    owner_reference,
    replicas_of,
)
from reconciler.sandbox.controllers.pods import hash_of, pods_of
from reconciler.sandbox.controllers.rollouts import HASH, REVISION, Rollout

if TYPE_CHECKING:
    from collections.abc import Callable

COMPONENT = "deployment-controller"


class Deployments(Controller):
    """Rolls out what Deployments say."""

    watches: ClassVar[tuple[str, ...]] = ("Deployment", "ReplicaSet")

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a Deployment when it or one of its ReplicaSets changed."""
        if kind == "ReplicaSet":
            mark_owner(self, "Deployment", (old, new))
        elif new is not None:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Take the next step of a rollout, and report."""
        deployment = self.store.get("Deployment", *key)
        if deployment is None:
            self.wake(key, None)
            return
        uid = deployment["metadata"]["uid"]
        owned = (each for each in self.store.owned("ReplicaSet", uid) if is_controlled(each, uid))
        rollout = rollouts.rollout_of(deployment, owned)
        if is_deleting(deployment):
            self._report(rollout, judge=False)
        elif deployment["spec"].get("paused") or rollouts.is_scaling(rollout):
            self._scale(rollout)
        else:
            self._roll(rollout)

    def _scale(self, rollout: Rollout) -> None:
        """Follow a changed number of replicas, or rest because it is paused."""
        self._annotate_new(rollout)
        sharing = len(rollout.active) > 1
        for item, size in rollouts.scaled_sizes(rollout):
            self._resize(rollout, item, size, note=sharing)
        if rollout.deployment["spec"].get("paused"):
            self._clean_up(rollout)
        self._report(rollout, judge=False)

    def _roll(self, rollout: Rollout) -> None:
        """Move pods to the new ReplicaSet: up where there is room, else down where others can be spared."""
        created = False
        if rollout.new is None and (rollout.is_rolling or not self._old_pods_left(rollout)):
            if not self._create_new(rollout):
                return
            created = True
        self._annotate_new(rollout)
        if rollout.is_rolling:
            moved = self._grow(rollout) or self._shrink(rollout)
        else:
            moved = self._shrink_all(rollout) or (not self._old_pods_left(rollout) and self._grow(rollout))
        if not moved and progress.is_complete(rollout, rollout.deployment.get("status") or {}):
            self._clean_up(rollout)
        self._report(rollout, judge=True, created=created)

    def _grow(self, rollout: Rollout) -> bool:
        if rollout.new is None:
            return False
        size = rollouts.new_size(rollout)
        return size != replicas_of(rollout.new) and self._resize(rollout, rollout.new, size)

    def _shrink(self, rollout: Rollout) -> bool:
        sizes = rollouts.old_sizes(rollout)
        moved = [self._resize(rollout, item, size) for item, size in sizes]
        return any(moved)

    def _shrink_all(self, rollout: Rollout) -> bool:
        """Recreate: all former pods end before the first new one starts."""
        moved = [self._resize(rollout, item, 0) for item in rollout.old if replicas_of(item)]
        return any(moved)

    def _old_pods_left(self, rollout: Rollout) -> bool:
        pods = (pod for item in rollout.old for pod in pods_of(self.store, item))
        ended = ("Succeeded", "Failed")
        return any(replicas_of(item) for item in rollout.old) or any(
            (pod.get("status") or {}).get("phase") not in ended for pod in pods
        )

    def _create_new(self, rollout: Rollout) -> bool:
        """Create the ReplicaSet of the present template; a name that another template has taken is avoided."""
        deployment = rollout.deployment
        manifest = _replica_set(rollout)
        try:
            created = self.store.create(manifest, manager=self.manager)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                count = (deployment.get("status") or {}).get("collisionCount", 0) + 1
                self._write(key_of(deployment), lambda it: it.setdefault("status", {}).update(collisionCount=count))
            return False
        rollout.new = created
        if size := replicas_of(created):
            text = f"Scaled up replica set {created['metadata']['name']} from 0 to {size}"
            self.events.normal(deployment, "ScalingReplicaSet", text, by=COMPONENT)
        return True

    def _annotate_new(self, rollout: Rollout) -> None:
        """Let the new ReplicaSet bear the Deployment's annotations, its revision and its patience."""
        new = rollout.new
        if new is None:
            return
        wanted = rollouts.annotated(rollout, annotations_of(new))
        patience = rollout.deployment["spec"].get("minReadySeconds") or 0
        if wanted == annotations_of(new) and patience == (new["spec"].get("minReadySeconds") or 0):
            return

        def mutate(item: Json) -> None:
            item["metadata"]["annotations"] = wanted
            item["spec"]["minReadySeconds"] = patience

        rollout.replace(self.store.change("ReplicaSet", *key_of(new), mutate, manager=self.manager))

    def _resize(self, rollout: Rollout, item: Json, size: int, *, note: bool = False) -> bool:
        """Scale a ReplicaSet; `note`: write the Deployment's size on it even where its own stays."""
        before = replicas_of(item)
        if before == size and not note:
            return False

        def mutate(it: Json) -> None:
            it["spec"]["replicas"] = size
            annotations = it["metadata"].get("annotations") or {}
            it["metadata"]["annotations"] = annotations | rollouts.sizes_noted(rollout)

        rollout.replace(self.store.change("ReplicaSet", *key_of(item), mutate, manager=self.manager))
        if before == size:
            return False
        way = "up" if size > before else "down"
        text = f"Scaled {way} replica set {item['metadata']['name']} from {before} to {size}"
        self.events.normal(rollout.deployment, "ScalingReplicaSet", text, by=COMPONENT)
        return True

    def _clean_up(self, rollout: Rollout) -> None:
        """Forget the oldest former ReplicaSets beyond the limit."""
        limit = rollout.deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        living = sorted((e for e in rollout.old if not is_deleting(e)), key=rollouts.revision_of)
        for item in living[: max(0, len(living) - limit)]:
            status = item.get("status") or {}
            seen = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
            if not status.get("replicas") and not replicas_of(item) and seen:
                self.store.delete("ReplicaSet", *key_of(item))

    def _report(self, rollout: Rollout, *, judge: bool, created: bool = False) -> None:
        deployment, key = rollout.deployment, key_of(rollout.deployment)
        status = progress.status_of(rollout, self.clock.now(), judge=judge, created=created)
        revision = annotations_of(rollout.new).get(REVISION) if rollout.new else None

        def mutate(item: Json) -> None:
            item["status"] = status
            if revision is not None:
                item["metadata"].setdefault("annotations", {})[REVISION] = revision

        stale = revision is not None and annotations_of(deployment).get(REVISION) != revision
        if stale or status != deployment.get("status"):
            self._write(key, mutate)
        self.wake(key, progress.hangs_at(rollout, status) if judge else None)

    def _write(self, key: Key, mutate: Callable[[Json], None]) -> None:
        self.store.change("Deployment", *key, mutate, manager=self.manager, subresource="status")


def _replica_set(rollout: Rollout) -> Json:
    deployment, spec = rollout.deployment, rollout.deployment["spec"]
    template = spec["template"]
    mark = {HASH: hash_of(template, (deployment.get("status") or {}).get("collisionCount", 0))}
    metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), **mark}
    selector = spec["selector"]
    namespace, name = key_of(deployment)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name}-{mark[HASH]}",
            "namespace": namespace,
            "labels": labels,
            "annotations": rollouts.annotated(rollout, {}) | rollouts.sizes_noted(rollout),
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": rollouts.new_size(rollout),
            "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **mark}},
            "template": {**template, "metadata": {**metadata, "labels": labels}},
            **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
        },
    }
