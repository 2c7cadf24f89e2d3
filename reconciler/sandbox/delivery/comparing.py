"""Compare what Git says with what lives: the rows of `status.resources`, the sync status, the health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.kinds import Kind
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.delivery import differing, health
from reconciler.sandbox.delivery.git import SourceError
from reconciler.sandbox.delivery.projects import NAMESPACE, permits_destination, permits_kind
from reconciler.sandbox.delivery.sources import Sources
from reconciler.sandbox.delivery.tracking import TRACKING_ID, Tracked, refers_to_itself, tracked_by, tracking_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.delivery.sources import Rendered
    from reconciler.sandbox.delivery.tracking import Place

Json = dict[str, Any]
Key = tuple[str, str, str, str]  # group, kind, namespace, name
Said = tuple[str, str]  # a condition's type and message

WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
_COMPARE = "argocd.argoproj.io/compare-options"
_NO_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
_CUSTOM_KIND = "CustomResourceDefinition"


@dataclass(slots=True, kw_only=True)
class Row:
    """One object that Git wants, that lives, or both."""

    key: Key
    version: str
    served: Kind | None  # None: the cluster knows no such kind
    desired: Json | None
    live: Json | None
    status: str = ""
    different: bool = False  # from Git, in whatever way
    own: bool = True  # not a copy that carries another object's tracking id
    ignored: Sequence[str] = ()

    @property
    def prune(self) -> bool:
        """Tell whether it lives and Git does not want it any more."""
        return self.desired is None and self.live is not None and self.own

    @property
    def present(self) -> Json:
        """The object as Git wants it, else as it lives."""
        return self.desired or self.live or {}

    @property
    def wave(self) -> int:
        """The sync wave that it belongs to."""
        text = annotation(self.present, WAVE)
        return int(text) if text.removeprefix("-").isdecimal() else 0

    def as_status(self) -> Json:
        """Return its entry in `status.resources`, empty values left out as Go does."""
        group, kind, namespace, name = self.key
        confirm = any(o and has_option(o, "Delete=confirm") for o in (self.desired, self.live))
        entry = {
            "group": group,
            "version": self.version,
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "status": self.status,
            "requiresPruning": self.prune,
            "syncWave": self.wave if self.desired else 0,
            "requiresDeletionConfirmation": confirm,
        }
        return {key: value for key, value in entry.items() if value}


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What one comparison found."""

    revisions: list[str]
    types: list[str] = field(default_factory=list)  # of the sources, empty when rendering failed
    rows: list[Row] = field(default_factory=list)
    conditions: list[Said] = field(default_factory=list)
    status: str = "Unknown"
    health: str = "Healthy"
    failed: bool = False  # Git or the diff gave no answer

    def fail(self, message: str) -> None:
        """Note that nothing can be said about what is in sync."""
        self.failed = True
        self.conditions.append(("ComparisonError", message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparer:
    """Compares Applications; writes nothing."""

    store: Store
    sources: Sources
    tracked: Tracked

    def compare(
        self, application: Json, project: Json, server: str, sources: Sequence[Json], revisions: Sequence[str]
    ) -> Comparison:
        """Compare an Application at some revisions of its sources; what cannot be had becomes a condition."""
        asked = [
            revision or source.get("targetRevision") or "" for source, revision in zip(sources, revisions, strict=True)
        ]
        found = Comparison(revisions=asked)
        try:
            rendered = self.sources.render_all(sources, asked, application["metadata"]["name"])
        except SourceError as error:
            rendered = []
            found.fail(f"Failed to load target state: {error}")
            if len(sources) > 1:
                found.revisions = []
        else:
            found.revisions = [each.revision for each in rendered]
            found.types = [each.kind for each in rendered]
        desired = self._desired(application, rendered, found)
        self._rows(application, project, server, desired, found)
        self._judge(application, project, found)
        found.health = health.worst(status for row in found.rows for status in _healths(row))
        return found

    def places(self, rows: Iterable[Row]) -> list[Place]:
        """Return where the store keeps what some rows are about."""
        return [(row.served.name, row.key[2], row.key[3]) for row in rows if row.served is not None]

    def _desired(self, application: Json, rendered: Sequence[Rendered], found: Comparison) -> dict[Key, Json]:
        """Return what Git wants, with namespaces and tracking ids; of twins the last one counts."""
        target: dict[Key, Json] = {}
        times: dict[Key, int] = {}
        for each in rendered:
            for raw in each.objects:
                key, desired = self._as_target(application, raw)
                target[key] = desired
                times[key] = times.get(key, 0) + 1
        for key, count in times.items():
            if count > 1:
                said = f"Resource {'/'.join(key)} appeared {count} times among application resources."
                found.conditions.append(("RepeatedResourceWarning", said))
        return target

    def _as_target(self, application: Json, raw: Json) -> tuple[Key, Json]:
        group, kind = group_of(raw), raw["kind"]
        destination = (application["spec"].get("destination") or {}).get("namespace") or ""
        metadata = {**(raw.get("metadata") or {})}
        said, name = metadata.pop("namespace", None) or "", f"{metadata.get('name') or ''}"
        served = self.served(group, kind)
        namespace = "" if served and not served.namespaced else said or destination
        if namespace:
            metadata["namespace"] = namespace
        if kind != _CUSTOM_KIND:
            here = tracking_id(application["metadata"]["name"], group, kind, namespace or destination, name)
            metadata["annotations"] = {**(metadata.get("annotations") or {}), TRACKING_ID: here}
        return (group, kind, namespace, name), {**raw, "metadata": metadata}

    def served(self, group: str, kind: str) -> Kind | None:
        """Return a kind as the cluster serves it, in whatever version."""
        return next((k for k in self.store.kinds if (k.group, k.kind) == (group, kind)), None)

    def _rows(self, application: Json, project: Json, server: str, desired: dict[Key, Json], found: Comparison) -> None:
        name, live = application["metadata"]["name"], {}
        for place in self.tracked.of(name):
            each = self.store.get(*place)
            if each is not None:
                live[key_of(each)] = each
        for key, target in desired.items():
            served = self.served(*key[:2])
            there = self.store.get(served.name, *key[2:]) if served else None
            if there is not None:
                live[key] = there
            found.rows.append(_row(key, served, target, there))
        for key, each in live.items():
            if key not in desired and _permitted(project, server, key):
                found.rows.append(_row(key, self.served(*key[:2]), None, each))
            other = tracked_by(each)
            if other not in {None, name}:
                said = f"{key[1]}/{key[3]} is part of applications {NAMESPACE}/{name} and {other}"
                found.conditions.append(("SharedResourceWarning", said))

    def _judge(self, application: Json, project: Json, found: Comparison) -> None:
        try:
            for row in found.rows:
                row.status = self._status(application, project, row, found)
        except SourceError as error:
            found.fail(f"Failed to compare desired state to live state: {error}")
        if found.failed:
            for row in found.rows:
                row.status = "Unknown"
            return
        counted = (row for row in found.rows if not (row.prune and _has(row.present, _COMPARE, "IgnoreExtraneous")))
        found.status = "OutOfSync" if any(row.different for row in counted) else "Synced"

    def _status(self, application: Json, project: Json, row: Row, found: Comparison) -> str:
        group, kind, namespace, name = row.key
        namespaced = row.served is None or row.served.namespaced
        if namespaced and not namespace:
            said = f"Namespace for {name} {row.present.get('apiVersion')}, Kind={kind} is missing."
            found.conditions.append(("InvalidSpecError", said))
        row.different = row.own and _is_different(application["spec"], row)
        if not permits_kind(project, group, kind, namespaced=namespaced):
            return "Unknown"
        if not row.own:
            return ""
        return "OutOfSync" if row.different else "Synced"


def _row(key: Key, served: Kind | None, desired: Json | None, live: Json | None) -> Row:
    version = f"{(live or desired or {}).get('apiVersion', '')}".rpartition("/")[2]
    own = live is None or refers_to_itself(live, desired=desired is not None)
    return Row(key=key, version=version, served=served, desired=desired, live=live, own=own)


def _is_different(spec: Json, row: Row) -> bool:
    if row.desired is None or row.live is None or row.served is None:
        return True
    row.ignored = differing.ignored_pointers(spec.get("ignoreDifferences") or (), row.served, row.desired)
    server_side = is_server_side(spec, row.desired)
    return differing.differs(row.served, row.desired, row.live, row.ignored, server_side=server_side)


def _permitted(project: Json, server: str, key: Key) -> bool:
    group, kind, namespace, _ = key
    allowed = permits_kind(project, group, kind, namespaced=bool(namespace))
    return allowed and (not namespace or permits_destination(project, server, "", namespace))


def _healths(row: Row) -> list[str]:
    """Return the object's health for the Application's, if it counts."""
    if row.live is None:
        return ["Missing"] if health.has_check(*row.key[:2]) else []
    found = None if annotation(row.live, _NO_HEALTH) == "true" else health.health_of(row.live)
    return [found[0]] if found else []


def is_server_side(spec: Json, desired: Json) -> bool:
    """Tell whether an object is synced by server-side apply."""
    if has_option(desired, "ServerSideApply=false"):
        return False
    options = (spec.get("syncPolicy") or {}).get("syncOptions") or ()
    return "ServerSideApply=true" in options or has_option(desired, "ServerSideApply=true")


def has_option(value: Json, option: str) -> bool:
    """Tell whether an object carries a sync option."""
    return _has(value, OPTIONS, option)


def _has(value: Json, name: str, option: str) -> bool:
    return option in [each.strip() for each in annotation(value, name).split(",")]


def annotation(value: Json, name: str) -> str:
    """Return an annotation, empty when there is none."""
    return f"{((value.get('metadata') or {}).get('annotations') or {}).get(name) or ''}"


def group_of(value: Json) -> str:
    """Return the API group of an object."""
    return f"{value.get('apiVersion') or ''}".rpartition("/")[0]


def key_of(value: Json) -> Key:
    """Return what names an object within the cluster."""
    metadata = value["metadata"]
    return group_of(value), value["kind"], metadata.get("namespace", ""), metadata["name"]
