"""One sync of an Application's objects: in which order they are written, wave by wave, and what came of each.

Source: `sync_context.go` of gitops-engine. A step does what can be done now; while it says Running, another follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.delivery import health
from reconciler.sandbox.delivery.applying import apply_object, create_namespace, images_of, prune_object
from reconciler.sandbox.delivery.comparing import Key, Row, has_option
from reconciler.sandbox.delivery.projects import permits_destination, permits_kind

if TYPE_CHECKING:
    from collections.abc import Iterable


Json = dict[str, Any]
Outcome = tuple[str, str]  # phase and message of the operation

# Kinds that are written early, in this order; all others come last.
_ORDER = (
    *("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget"),
    *("ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume"),
    *("PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding"),
    *("ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod"),
    *("ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob"),
    *("IngressClass", "Ingress", "APIService"),
)
_RANK = {kind: number - len(_ORDER) for number, kind in enumerate(_ORDER)}
_PHASES = {"Synced": "Running", "SyncFailed": "Failed", "Pruned": "Succeeded", "PruneSkipped": "Succeeded"}
_POLICIES = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}
_KNOWN_OPTIONS = frozenset(
    {"CreateNamespace", "ServerSideApply", "PruneLast", "ApplyOutOfSyncOnly", "RespectIgnoreDifferences", "Validate"}
    | {"PrunePropagationPolicy", "SkipDryRunOnMissingResource", "ClientSideApplyMigration"}
)


@dataclass(slots=True)
class Task:
    """One object to write or to delete."""

    row: Row
    wave: int
    result: Json | None = None

    @property
    def state(self) -> str:
        """How far it is: empty, Running, Succeeded or Failed."""
        return f"{(self.result or {}).get('hookPhase', '')}"


@dataclass(slots=True, kw_only=True)
class Sync:
    """A sync under way; `results` are those of its earlier steps, by object."""

    store: Store
    spec: Json  # the Application's
    project: Json
    server: str
    operation: Json  # what was asked for: prune, resources, syncOptions
    rows: Sequence[Row]
    results: dict[Key, Json] = field(default_factory=dict)

    def step(self) -> Outcome:
        """Do what can be done now."""
        tasks = self._tasks()
        if not self._check(tasks):
            return "Failed", "one or more synchronization tasks are not valid"
        if not self.results and (failure := self._namespace()):
            return "Failed", f"the namespace failed to apply, reason: {failure}"
        self._follow(tasks)
        waves = {task.wave for task in tasks}
        if len(waves) > 1 and (running := [task for task in tasks if task.state == "Running"]):
            return "Running", _waiting("healthy state", running)
        if dying := [task for task in tasks if task.state == "Succeeded" and _is_dying(task)]:
            return "Running", _waiting("deletion", dying)
        if any(task.state == "Failed" for task in tasks):
            return "Failed", _failed(tasks, "one or more synchronization tasks completed unsuccessfully")
        pending = [task for task in tasks if not task.state and self._is_due(task)]
        if not pending:
            return "Succeeded", "successfully synced (no more tasks)"
        return self._run(pending)

    def _run(self, pending: Sequence[Task]) -> Outcome:
        """Write the first wave of those that wait: deletions first."""
        now = [task for task in pending if task.wave == pending[0].wave]
        later = [task for task in pending if task.wave != pending[0].wave]
        for task in sorted(now, key=lambda each: not each.row.prune):
            self._record(task, *self._do(task.row))
        if any(task.state == "Failed" for task in now):
            return "Failed", _failed(now, "one or more objects failed to apply")
        if later:
            return "Running", _waiting("healthy state", later)
        return "Succeeded", "successfully synced (all tasks run)"

    def _do(self, row: Row) -> Outcome:
        if not row.prune:
            return apply_object(self.store, row, {"syncPolicy": {"syncOptions": self.options}})
        policy = next((o.partition("=")[2] for o in self.options if o.startswith("PrunePropagationPolicy=")), "")
        return prune_object(
            self.store, row, prune=self.operation.get("prune") is True, policy=_POLICIES.get(policy, "Foreground")
        )

    def _tasks(self) -> list[Task]:
        chosen = [row for row in self.rows if row.own and self._is_asked_for(row)]
        waves = _waves(chosen, prune_last="PruneLast=true" in self.options)
        tasks = [Task(row, wave, self.results.get(row.key)) for row, wave in zip(chosen, waves, strict=True)]
        return sorted(tasks, key=lambda task: (task.wave, _RANK.get(task.row.key[1], 0), task.row.key[3]))

    @property
    def options(self) -> Sequence[str]:
        """The operation's sync options."""
        return self.operation.get("syncOptions") or ()

    def unknown_options(self) -> list[str]:
        """Return the options that the sandbox does not have, of the operation and of the objects."""
        switched_on = [option for option in self.options if not option.endswith("=false")]
        found = [option for option in switched_on if option.partition("=")[0] not in _KNOWN_OPTIONS]
        for option in ("Replace=true", "Force=true", "Prune=confirm", "Delete=confirm"):
            found.extend(option for row in self.rows if row.present and has_option(row.present, option))
        return found

    def _is_asked_for(self, row: Row) -> bool:
        group, kind, namespace, name = row.key
        asked = self.operation.get("resources") or ()
        return not asked or any(
            (each.get("group") or "", each["kind"], each["name"]) == (group, kind, name)
            and each.get("namespace") in {None, "", namespace}
            for each in asked
        )

    def _is_due(self, task: Task) -> bool:
        """Tell whether an object is to be written although it is in sync."""
        return task.row.different or "ApplyOutOfSyncOnly=true" not in self.options

    def _check(self, tasks: Iterable[Task]) -> bool:
        """Record why an object cannot even be tried; True when all can."""
        valid = True
        for task in tasks:
            refusal = self._refusal(task.row)
            if refusal:
                self._record(task, "SyncFailed", refusal)
                valid = False
        return valid

    def _refusal(self, row: Row) -> str:
        group, kind, namespace, name = row.key
        if row.served is None:
            return (
                f"The Kubernetes API could not find {group}/{kind} for requested resource {namespace}/{name}. "
                f'Make sure the "{kind}" CRD is installed on the destination cluster.'
            )
        if row.desired is not None and row.served.api_version != row.desired.get("apiVersion"):
            return (
                f'The Kubernetes API could not find version "{row.version}" of {group}/{kind} for requested resource '
                f'{namespace}/{name}. Version "{row.served.version}" of {group}/{kind} is installed on the '
                "destination cluster."
            )
        project = self.project["metadata"]["name"]
        if not permits_kind(self.project, group, kind, namespaced=row.served.namespaced):
            return f"resource {group}:{kind} is not permitted in project {project}"
        if namespace and not permits_destination(self.project, self.server, "", namespace):
            return f"namespace {namespace} is not permitted in project '{project}'"
        return ""

    def _namespace(self) -> str:
        """Create the destination's namespace where asked to; return what went wrong."""
        name = (self.spec.get("destination") or {}).get("namespace") or ""
        wanted = "CreateNamespace=true" in self.options and name
        if not wanted or any(row.key == ("", "Namespace", "", name) for row in self.rows):
            return ""
        if self.store.get("Namespace", "", name) is not None:
            return ""
        code, message = create_namespace(self.store, name, self.options)
        key = ("", "Namespace", "", name)
        self.results[key] = _result(key, "v1", code, message) | {"syncPhase": "PreSync"}
        return message if code == "SyncFailed" else ""

    def _follow(self, tasks: Iterable[Task]) -> None:
        """Note of each object that was written whether it has become healthy, or fails."""
        for task in tasks:
            if task.state != "Running" or task.row.live is None or task.result is None:
                continue
            found = health.health_of(task.row.live) or ("Healthy", task.result["message"])
            state = {"Healthy": "Succeeded", "Degraded": "Failed"}.get(found[0])
            if state:
                task.result |= {"hookPhase": state, "message": found[1] or task.result["message"]}

    def _record(self, task: Task, code: str, message: str) -> None:
        row = task.row
        group, kind, namespace, name = row.key
        if row.desired is not None and not namespace:  # the real one sets it even where the kind has none
            namespace = (self.spec.get("destination") or {}).get("namespace") or ""
        task.result = _result((group, kind, namespace, name), row.version, code, message)
        if images := images_of(row.present):
            task.result["images"] = list(images)
        self.results[row.key] = task.result


def _result(key: Key, version: str, code: str, message: str) -> Json:
    group, kind, namespace, name = key
    return {
        "group": group,
        "version": version,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "status": code,
        "message": message,
        "hookPhase": _PHASES[code],
        "syncPhase": "Sync",
    }


def _waves(rows: Sequence[Row], *, prune_last: bool) -> list[int]:
    """Return each object's wave; deletions go through the waves backwards, or after everything."""
    pruned = sorted({row.wave for row in rows if row.prune})
    swapped = dict(zip(pruned, reversed(pruned), strict=True))
    waves = [swapped[row.wave] if row.prune else row.wave for row in rows]
    last = max([0, *waves]) + 1
    return [
        last if row.prune and (prune_last or has_option(row.present, "PruneLast=true")) else wave
        for row, wave in zip(rows, waves, strict=True)
    ]


def _is_dying(task: Task) -> bool:
    pruned = (task.result or {}).get("status") == "Pruned"
    return pruned and task.row.live is not None and bool(task.row.live["metadata"].get("deletionTimestamp"))


def _waiting(what: str, tasks: Sequence[Task]) -> str:
    group, kind, _, name = tasks[0].row.key
    more = f" and {len(tasks) - 1} more resources" if len(tasks) > 1 else ""
    return f"waiting for {what} of {group}/{kind}/{name}{more}"


def _failed(tasks: Iterable[Task], what: str) -> str:
    reasons = [task.result["message"] for task in tasks if task.result and task.result["status"] == "SyncFailed"]
    return f"{what}, reason: {','.join(reasons)}" if reasons else what
