"""The kinds of object that the sandbox's API server knows, in one table, and those that a CRD adds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.shapes import Shape, shape_of_schema
from reconciler.sandbox.cluster.values import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BUILT_IN", "VERBS", "Json", "Kind", "Kinds", "custom_kind"]

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind as the API serves it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    # What makes a new generation: "spec", "all" (everything but metadata), or nothing.
    generation: str = ""
    # Parts with a path of their own: status, scale, eviction, log, …
    subresources: tuple[str, ...] = ()
    custom: bool = False  # of a CustomResourceDefinition: no strategic merge
    schema: Json = field(default_factory=dict, compare=False, repr=False)  # of a CRD's kind, {} where there is none
    shape: Shape | None = field(default=None, compare=False, repr=False)  # how that schema merges
    key: str = ""  # how the store calls it; differs from `kind` only where two groups share a name

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its manifests."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Its plural as messages write it, such as deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def name(self) -> str:
        """How the store calls it."""
        return self.key or self.kind

    @property
    def singular(self) -> str:
        """Its name as kubectl takes it."""
        return self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Tell whether its status is written by a path of its own, and by no other."""
        return "status" in self.subresources


def _core(plural: str, kind: str, **more: Any) -> Kind:  # noqa: ANN401 - a Kind's own fields
    return Kind(group="", version="v1", plural=plural, kind=kind, **more)


def _apps(plural: str, kind: str, *subresources: str, **more: Any) -> Kind:  # noqa: ANN401 - the same
    return Kind(
        group="apps",
        version="v1",
        plural=plural,
        kind=kind,
        generation="spec",
        categories=("all",),
        subresources=("status", *subresources),
        **more,
    )


def _rbac(plural: str, kind: str, *, namespaced: bool) -> Kind:
    group = "rbac.authorization.k8s.io"
    return Kind(group=group, version="v1", plural=plural, kind=kind, namespaced=namespaced)


BUILT_IN = (
    _core("namespaces", "Namespace", namespaced=False, short=("ns",), subresources=("status", "finalize")),
    _core("nodes", "Node", namespaced=False, short=("no",), subresources=("status",)),
    _core(
        "pods",
        "Pod",
        short=("po",),
        categories=("all",),
        generation="spec",
        subresources=("status", "eviction", "log"),
    ),
    _core("services", "Service", short=("svc",), categories=("all",), subresources=("status",)),
    _core("configmaps", "ConfigMap", short=("cm",)),
    _core("secrets", "Secret"),
    _core("events", "Event", short=("ev",)),
    _core("serviceaccounts", "ServiceAccount", short=("sa",)),
    _core("endpoints", "Endpoints", short=("ep",)),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), subresources=("status",)),
    _core("resourcequotas", "ResourceQuota", short=("quota",), subresources=("status",)),
    _apps("deployments", "Deployment", "scale", short=("deploy",)),
    _apps("statefulsets", "StatefulSet", "scale", short=("sts",)),
    _apps("daemonsets", "DaemonSet", short=("ds",)),
    _apps("replicasets", "ReplicaSet", "scale", short=("rs",)),
    Kind(
        group="batch",
        version="v1",
        plural="jobs",
        kind="Job",
        generation="spec",
        categories=("all",),
        subresources=("status",),
    ),
    Kind(
        group="batch",
        version="v1",
        plural="cronjobs",
        kind="CronJob",
        short=("cj",),
        generation="spec",
        categories=("all",),
        subresources=("status",),
    ),
    Kind(
        group="autoscaling",
        version="v2",
        plural="horizontalpodautoscalers",
        kind="HorizontalPodAutoscaler",
        short=("hpa",),
        categories=("all",),
        subresources=("status",),
    ),
    Kind(
        group="policy",
        version="v1",
        plural="poddisruptionbudgets",
        kind="PodDisruptionBudget",
        short=("pdb",),
        generation="spec",
        subresources=("status",),
    ),
    Kind(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease"),
    _rbac("roles", "Role", namespaced=True),
    _rbac("rolebindings", "RoleBinding", namespaced=True),
    _rbac("clusterroles", "ClusterRole", namespaced=False),
    _rbac("clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Kind(
        group="apiextensions.k8s.io",
        version="v1",
        plural="customresourcedefinitions",
        kind="CustomResourceDefinition",
        namespaced=False,
        short=("crd", "crds"),
        generation="spec",
        subresources=("status",),
    ),
)


def custom_kind(definition: Json) -> Kind:
    """Return the kind that a CustomResourceDefinition defines, in its storage version."""
    spec = definition["spec"]
    names = spec["names"]
    version = next(each for each in spec["versions"] if each.get("storage"))
    parts = version.get("subresources") or {}
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    return Kind(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        namespaced=spec.get("scope") == "Namespaced",
        short=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        generation="spec" if "status" in parts else "all",
        subresources=("status",) if "status" in parts else (),
        custom=True,
        schema=schema,
        shape=shape_of_schema(schema) if schema else None,
    )


class Kinds:
    """What is served now: the table's kinds and those of the cluster's CRDs."""

    def __init__(self) -> None:
        self._by_name = {kind.name: kind for kind in BUILT_IN}
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in BUILT_IN}

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Kind:
        """Return a kind by the store's name for it. Raises KeyError."""
        return self._by_name[name]

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind served at a path, or None."""
        return self._by_path.get((group, version, plural))

    def serves(self, group: str) -> bool:
        """Tell whether a group is served in any version."""
        return any(kind.group == group for kind in self)

    def of(self, manifest: Json) -> Kind | None:
        """Return the kind that a manifest says it is, or None when it is not served."""
        name, version = manifest.get("kind"), manifest.get("apiVersion")
        found = self._by_name.get(f"{name}")
        if found is not None and found.api_version == version:
            return found
        return next((k for k in self._by_name.values() if (k.kind, k.api_version) == (name, version)), None)

    def add(self, kind: Kind) -> Kind:
        """Serve one more kind, or a new version of one that is served; a taken name gets its group behind it."""
        former = next((k for k in self if (k.group, k.plural) == (kind.group, kind.plural)), None)
        if former is not None:
            self.remove(former)
        if kind.kind in self._by_name:
            kind = replace(kind, key=f"{kind.kind}.{kind.group}")
        self._by_name[kind.name] = kind
        self._by_path[kind.group, kind.version, kind.plural] = kind
        return kind

    def remove(self, kind: Kind) -> None:
        """Serve a kind no longer."""
        del self._by_name[kind.name]
        del self._by_path[kind.group, kind.version, kind.plural]
