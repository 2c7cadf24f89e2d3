"""Raw Kubernetes JSON to values of the model; pure.

Protects invariant 11 (no secrets out): only what the model names is taken over; environment values, annotations and
managed fields stay behind and are dropped with the page that they came in. A raw object of the wrong shape raises
KeyError, TypeError, ValueError or AttributeError (`SHAPE_ERRORS`), which the caller turns into unknown.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.errors import Refusal
from reconciler.manifests.editing.texts import taken_apart, value_in
from reconciler.model.cluster import Container, ContainerStatus, Namespace, Pod, Termination, Workload
from reconciler.model.objects import Inner, Item, ObjectRef, format_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.objects import FieldPath

Json = dict[str, Any]

SHAPE_ERRORS = (KeyError, TypeError, ValueError, AttributeError)

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
TRACKING_ID = "argocd.argoproj.io/tracking-id"
_FLUX_KINDS = {"kustomize.toolkit.fluxcd.io": "Kustomization", "helm.toolkit.fluxcd.io": "HelmRelease"}
_FLUX_LEAVES = {
    "kustomize.toolkit.fluxcd.io/reconcile": {"disabled"},
    "kustomize.toolkit.fluxcd.io/ssa": {"ignore", "ifnotpresent"},
}
_FLAGS = {"reconciler.dev/paused": "paused", "reconciler.dev/escalate": "escalate"}
_NONE: Mapping[str, Any] = {}


def moment(text: str | None) -> datetime | None:
    """Read an RFC 3339 time; Kubernetes writes `Z`, which becomes UTC."""
    return datetime.fromisoformat(text) if text else None


def group_of(api_version: str) -> str:
    """Return the group of an `apiVersion`: `apps/v1` is of `apps`, `v1` of the core group."""
    group, _, version = api_version.rpartition("/")
    return group if version else ""


def flags_of(annotations: Mapping[str, str]) -> frozenset[str]:
    """Return which of our own annotations are set; anything but "true" is not."""
    return frozenset(flag for key, flag in _FLAGS.items() if annotations.get(key) == "true")


def namespace_of(raw: Json, environment_label: str) -> Namespace:
    """Map a Namespace."""
    metadata = raw["metadata"]
    return Namespace(
        name=metadata["name"],
        environment=(metadata.get("labels") or _NONE).get(environment_label),
        flags=flags_of(metadata.get("annotations") or _NONE),
    )


def ref_of(raw: Json, cluster: str, group: str, kind: str) -> ObjectRef:
    """Name an object; items of a list do not say their kind themselves."""
    metadata = raw["metadata"]
    return ObjectRef(
        cluster=cluster, group=group, kind=kind, namespace=metadata.get("namespace") or "", name=metadata["name"]
    )


def workload_of(raw: Json, ref: ObjectRef, *, managers: bool = False) -> Workload:
    """Map a Deployment, StatefulSet or DaemonSet; field managers only on request, they are most of the object."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or _NONE
    annotations = metadata.get("annotations") or _NONE
    labels = metadata.get("labels") or _NONE
    template = spec["template"]
    counts = _daemon_counts(status) if ref.kind == "DaemonSet" else _replica_counts(spec, status)
    return Workload(
        ref=ref,
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        **counts,
        containers=tuple(_container_of(c) for c in template["spec"]["containers"]),
        paused=spec.get("paused") is True,
        restarted_at=((template.get("metadata") or _NONE).get("annotations") or _NONE).get(RESTARTED_AT),
        tracking_id=annotations.get(TRACKING_ID),
        flux_owners=frozenset(_flux_owners(labels)),
        flux_leaves=any(str(annotations.get(key)).lower() in words for key, words in _FLUX_LEAVES.items()),
        flags=flags_of(annotations),
        field_managers=field_managers(raw) if managers else {},
    )


def _flux_owners(labels: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what Flux v2's labels name; they can be copied, so they own nothing by themselves."""
    for group, kind in _FLUX_KINDS.items():
        if f"{group}/name" in labels:
            yield kind, str(labels.get(f"{group}/namespace") or ""), str(labels[f"{group}/name"])


def _replica_counts(spec: Json, status: Mapping[str, Any]) -> dict[str, int]:
    return {
        "desired": spec.get("replicas", 1),
        "updated": status.get("updatedReplicas", 0),
        "ready": status.get("readyReplicas", 0),
        "available": status.get("availableReplicas", 0),
        "replicas": status.get("replicas", 0),
    }


def _daemon_counts(status: Mapping[str, Any]) -> dict[str, int]:
    return {
        "desired": status.get("desiredNumberScheduled", 0),
        "updated": status.get("updatedNumberScheduled", 0),
        "ready": status.get("numberReady", 0),
        "available": status.get("numberAvailable", 0),
        "replicas": status.get("currentNumberScheduled", 0),
    }


def _container_of(raw: Json) -> Container:
    resources = raw.get("resources") or _NONE
    return Container(
        name=raw["name"],
        image=raw.get("image", ""),
        memory_request=(resources.get("requests") or _NONE).get("memory"),
        memory_limit=(resources.get("limits") or _NONE).get("memory"),
    )


def controller_of(raw: Json, cluster: str) -> ObjectRef | None:
    """Return the object that controls this one, or None."""
    metadata = raw["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return ObjectRef(
                cluster=cluster,
                group=group_of(owner["apiVersion"]),
                kind=owner["kind"],
                namespace=metadata.get("namespace") or "",
                name=owner["name"],
            )
    return None


def pod_of(raw: Json, cluster: str, owners: Mapping[ObjectRef, ObjectRef]) -> Pod:
    """Map a Pod; `owners` leads from a ReplicaSet to what controls it."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw["status"]
    controller = controller_of(raw, cluster)
    limits = {
        c["name"]: ((c.get("resources") or _NONE).get("limits") or _NONE).get("memory") for c in spec["containers"]
    }
    return Pod(
        ref=ref_of(raw, cluster, "", "Pod"),
        uid=metadata["uid"],
        owner=None if controller is None else owners.get(controller, controller),
        phase=status.get("phase") or "Unknown",
        node=spec.get("nodeName"),
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        containers=tuple(_status_of(s, limits.get(s["name"])) for s in status.get("containerStatuses") or ()),
    )


def _status_of(raw: Json, memory_limit: str | None) -> ContainerStatus:
    state, last = raw.get("state") or _NONE, raw.get("lastState") or _NONE
    return ContainerStatus(
        name=raw["name"],
        ready=raw.get("ready") is True,
        restarts=raw.get("restartCount", 0),
        terminated=_termination_of(state.get("terminated") or last.get("terminated")),
        memory_limit=memory_limit,
    )


def _termination_of(raw: Json | None) -> Termination | None:
    """Map how a container ended; `state.terminated` is always newer than `lastState.terminated`."""
    if raw is None:
        return None
    return Termination(
        reason=raw.get("reason") or "", exit_code=raw["exitCode"], finished_at=moment(raw.get("finishedAt"))
    )


def scaled_by(raw: Json, cluster: str) -> ObjectRef:
    """Return the workload whose replicas a HorizontalPodAutoscaler sets."""
    target = raw["spec"]["scaleTargetRef"]
    return ObjectRef(
        cluster=cluster,
        group=group_of(target.get("apiVersion") or ""),
        kind=target["kind"],
        namespace=raw["metadata"]["namespace"],
        name=target["name"],
    )


def raw_at(raw: Any, path: FieldPath) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the JSON at a field path, or None where there is none."""
    for step in path:
        if isinstance(step, Item):
            items = raw if isinstance(raw, list) else ()
            raw = next((i for i in items if isinstance(i, dict) and str(i.get(step.key)) == step.value), None)
        elif isinstance(step, Inner):
            raise Refusal(
                code="kubernetes.inner_field",
                message=f"{format_path(path)} lies in a text, which is not written to the cluster",
                remedy="name the whole field",
            )
        else:
            raw = raw.get(step) if isinstance(raw, dict) else None
    return raw


def value_at(raw: Json, path: FieldPath) -> str | None:
    """Return the scalar at a field path as YAML would write it, or None where the field is absent."""
    found = raw_at(raw, path)
    return found if found is None or isinstance(found, str) else json.dumps(found, sort_keys=True)


def values_of(raw: Json, ref: ObjectRef, paths: Iterable[FieldPath]) -> dict[tuple[ObjectRef, FieldPath], str | None]:
    """Return the wanted fields of one object, and keys inside the texts that they hold.

    Raises Refusal when such a text cannot be judged.
    """
    return {(ref, path): _value_in(raw, path) for path in paths}


def _value_in(raw: Json, path: FieldPath) -> str | None:
    holder, names = taken_apart(path)
    text = value_at(raw, holder)
    return value_in(text, path) if names and text is not None else text


def field_managers(raw: Json) -> dict[str, frozenset[str]]:
    """Return, for each field that somebody manages, the managers' names."""
    found: dict[str, set[str]] = {}
    for entry in raw["metadata"].get("managedFields") or ():
        for path in managed_paths(entry):
            found.setdefault(format_path(path), set()).add(entry.get("manager") or "")
    return {path: frozenset(names) for path, names in found.items()}


def managed_paths(entry: Json) -> Iterator[FieldPath]:
    """Yield the fields of one `managedFields` entry: the leaves of its FieldsV1 tree."""
    return _leaves(entry.get("fieldsV1") or {}, ())


def _leaves(tree: Json, path: FieldPath) -> Iterator[FieldPath]:
    for key, below in tree.items():
        step = _step(key)
        if step is None:
            continue  # `.` is the item itself, `v:` a member of a set, `i:` a position: not fields by name
        if below:
            yield from _leaves(below, (*path, step))
        else:
            yield (*path, step)


def _step(key: str) -> str | Item | None:
    kind, _, text = key.partition(":")
    if kind == "f":
        return text
    if kind == "k":
        name, value = next(iter(json.loads(text).items()))  # ports have two merge keys; the first names them for us
        return Item(name, str(value))
    return None
