"""How the API server merges each kind: the list keys and atomic maps of the real Go types, and of a CRD's schema.

What the table leaves out is the rule: a map is merged field by field, a list is one value. Server-side apply, field
management and strategic merge read the same shapes, but not the same marks: the real types differ there, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.kinds import Kind

Json = dict[str, Any]

# What an item's key is worth that a manifest leaves out: its default, or the zero value of its Go type.
_KEY_DEFAULTS: Json = {"protocol": "TCP", "containerPort": 0, "port": 0}


@dataclass(slots=True, eq=False)
class Shape:
    """How one place of an object is merged; a value of whichever type stands there takes the marks of its type."""

    atomic: bool = False  # a map that is one value
    keys: tuple[str, ...] = ()  # of a list whose items server-side apply tells apart
    key_defaults: Mapping[str, Any] = field(default_factory=dict)  # of those keys that an item may lack
    unique: bool = False  # a list of scalars that is a set to server-side apply
    merge_key: str | None = None  # strategic merge: items match by it; "" unites scalars, None replaces the list
    replaced: bool = False  # strategic merge takes the patch's map as it is
    fields: Mapping[str, Shape] = field(default_factory=dict)  # of a map, or of a list's items
    every: Shape | None = None  # of those values of a map that `fields` does not name
    item_atomic: bool = False  # a list's items are maps that are one value each

    def at(self, name: str) -> Shape:
        """Return the shape of a map's field."""
        return self.fields.get(name) or self.every or PLAIN

    def item(self) -> Shape:
        """Return the shape of a list's items."""
        return ATOMIC if self.item_atomic else self

    def key_of(self, item: Json) -> tuple[Any, ...] | None:
        """Return an item's values of the list's keys, None when it lacks one that has no default."""
        if len(self.keys) == 1 and self.keys[0] in item:
            return (item[self.keys[0]],)
        found = tuple(item.get(key, self.key_defaults.get(key)) for key in self.keys)
        return None if None in found else found


PLAIN = Shape()
ATOMIC = Shape(atomic=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A row of the table: a field that is not merged as the rule says, or that holds such fields (`of` a type)."""

    of: str = ""
    keys: tuple[str, ...] = ()
    merge: str | None = None
    unique: bool = False
    atomic: bool = False
    replaced: bool = False


def _is(of: str) -> _Part:
    return _Part(of=of)


def _by(*keys: str, of: str = "") -> _Part:
    return _Part(of=of, keys=keys, merge=keys[0])


_ONE = _Part(atomic=True)
_SET = _Part(unique=True)
_META = {"metadata": _is("ObjectMeta")}
_CONDITIONS = {"conditions": _by("type")}
_WORKLOAD = {**_META, "spec": _is("WorkloadSpec"), "status": _is("Conditions")}
_SELECTS_PODS = {"selector": _ONE, "template": _is("PodTemplateSpec")}

# Type: its fields that need a word. The names are those of the Go types.
_TABLE: dict[str, dict[str, _Part]] = {
    "ObjectMeta": {
        "finalizers": _Part(unique=True, merge=""),
        "ownerReferences": _by("uid", of="One"),
    },
    "Conditions": _CONDITIONS,
    # Pods
    "PodTemplateSpec": {**_META, "spec": _is("PodSpec")},
    "PodSpec": {
        "affinity": _is("Affinity"),
        "containers": _by("name", of="Container"),
        "ephemeralContainers": _by("name", of="Container"),
        "hostAliases": _by("ip"),
        "imagePullSecrets": _by("name", of="One"),
        "initContainers": _by("name", of="Container"),
        "nodeSelector": _ONE,
        "resourceClaims": _by("name"),
        "resources": _is("ResourceRequirements"),
        "schedulingGates": _by("name"),
        "topologySpreadConstraints": _by("topologyKey", "whenUnsatisfiable", of="TopologySpreadConstraint"),
        "volumes": _by("name", of="Volume"),
    },
    "Affinity": {"nodeAffinity": _is("NodeAffinity")},
    "NodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _ONE},
    "Container": {
        "env": _by("name", of="EnvVar"),
        "ports": _by("containerPort", "protocol"),
        "resources": _is("ResourceRequirements"),
        "volumeDevices": _by("devicePath"),
        "volumeMounts": _by("mountPath"),
    },
    "EnvVar": {"valueFrom": _is("EnvVarSource")},
    "EnvVarSource": dict.fromkeys(
        ("configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"), _ONE
    ),
    "ResourceRequirements": {"claims": _Part(keys=("name",))},
    "TopologySpreadConstraint": {"labelSelector": _ONE},
    "Volume": {
        **dict.fromkeys(
            ("cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"), _is("SecretVolumeSource")
        ),
        "csi": _is("CSIVolumeSource"),
        "ephemeral": _is("EphemeralVolumeSource"),
    },
    "SecretVolumeSource": {"secretRef": _ONE},
    "CSIVolumeSource": {"nodePublishSecretRef": _ONE},
    "EphemeralVolumeSource": {"volumeClaimTemplate": _is("PersistentVolumeClaim")},
    "PodStatus": {
        **_CONDITIONS,
        "hostIPs": _Part(merge="ip"),
        "podIPs": _by("ip"),
        "resourceClaimStatuses": _by("name"),
        "resources": _is("ResourceRequirements"),
    },
    "Pod": {**_META, "spec": _is("PodSpec"), "status": _is("PodStatus")},
    # Workloads
    "WorkloadSpec": _SELECTS_PODS,
    "Deployment": _WORKLOAD,
    "StatefulSet": _WORKLOAD,
    "DaemonSet": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "JobSpec": {**_SELECTS_PODS, "podFailurePolicy": _is("")},
    "JobStatus": {"conditions": _Part(merge="type"), "uncountedTerminatedPods": _is("UncountedTerminatedPods")},
    "UncountedTerminatedPods": {"failed": _SET, "succeeded": _SET},
    "Job": {**_META, "spec": _is("JobSpec"), "status": _is("JobStatus")},
    "JobTemplateSpec": {**_META, "spec": _is("JobSpec")},
    "CronJobSpec": {"jobTemplate": _is("JobTemplateSpec")},
    "CronJob": {**_META, "spec": _is("CronJobSpec")},
    "HorizontalPodAutoscaler": {**_META, "status": _is("Conditions")},
    "PodDisruptionBudgetSpec": {"selector": _Part(atomic=True, replaced=True)},
    "PodDisruptionBudget": {**_META, "spec": _is("PodDisruptionBudgetSpec"), "status": _is("Conditions")},
    # The rest of the core group
    "NodeSpec": {"podCIDRs": _Part(unique=True, merge="")},
    "NodeStatus": {**_CONDITIONS, "addresses": _by("type")},
    "Node": {**_META, "spec": _is("NodeSpec"), "status": _is("NodeStatus")},
    "Namespace": {**_META, "status": _is("Conditions")},
    "ServiceSpec": {"ports": _by("port", "protocol"), "selector": _ONE},
    "Service": {**_META, "spec": _is("ServiceSpec"), "status": _is("Conditions")},
    "ServiceAccount": {**_META, "secrets": _by("name", of="One")},
    "PersistentVolumeClaimSpec": {"dataSource": _ONE, "selector": _ONE},
    "PersistentVolumeClaim": {**_META, "spec": _is("PersistentVolumeClaimSpec"), "status": _is("Conditions")},
    "ResourceQuotaSpec": {"scopeSelector": _ONE},
    "ResourceQuota": {**_META, "spec": _is("ResourceQuotaSpec")},
    "Event": {**_META, **dict.fromkeys(("involvedObject", "related"), _ONE)},
    # Other groups
    "RoleBinding": {**_META, "roleRef": _ONE},
    "ClusterRoleBinding": {**_META, "roleRef": _ONE},
    "CustomResourceDefinitionStatus": {"conditions": _Part(keys=("type",))},
    "CustomResourceDefinition": {**_META, "status": _is("CustomResourceDefinitionStatus")},
    "": {},
    "Any": _META,  # every kind that has no row
}


def _shapes() -> dict[str, Shape]:
    found: dict[str, Shape] = {}

    def shape(part: _Part) -> Shape:
        item_atomic = part.of == "One"
        fields = {} if item_atomic else {name: shape(below) for name, below in _TABLE[part.of].items()}
        return Shape(
            atomic=part.atomic,
            keys=part.keys,
            key_defaults={key: _KEY_DEFAULTS.get(key, "") for key in part.keys},
            unique=part.unique,
            merge_key=part.merge,
            replaced=part.replaced,
            fields=fields,
            item_atomic=item_atomic,
        )

    for name in _TABLE:
        found[name] = shape(_is(name))
    return found


_SHAPES = _shapes()


def shape_of(kind: Kind) -> Shape:
    """Return the shape of a built-in kind, or the one that a CRD's schema describes; without either, of metadata."""
    if kind.custom:
        return kind.shape or _SHAPES["Any"]
    return _SHAPES.get(kind.kind, _SHAPES["Any"])


def shape_of_schema(schema: Json) -> Shape:
    """Return the shape that a CRD's OpenAPI schema describes for its custom resources."""
    made = _of_schema(schema)
    return Shape(fields={**made.fields, "metadata": _SHAPES["ObjectMeta"]}, every=made.every)


def _of_schema(schema: Json) -> Shape:
    fields = {name: _of_schema(below) for name, below in (schema.get("properties") or {}).items()}
    more = schema.get("additionalProperties")
    every = _of_schema(more) if isinstance(more, dict) else None
    items = schema.get("items") or {}
    made = _of_schema(items) if items else Shape(fields=fields, every=every)
    list_type = schema.get("x-kubernetes-list-type")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ()) if list_type == "map" else ()
    known = items.get("properties") or {}
    return Shape(
        atomic=schema.get("x-kubernetes-map-type") == "atomic",
        keys=keys,
        key_defaults={key: known[key]["default"] for key in keys if "default" in known.get(key, {})},
        unique=list_type == "set",
        fields=made.fields,
        every=made.every,
        item_atomic=made.atomic,
    )
