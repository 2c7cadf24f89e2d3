"""Parts of `Application.status` as Argo CD writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery.projects import NAMESPACE, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.delivery.comparing import Comparison, Row, Said

Json = dict[str, Any]

REFRESH = "argocd.argoproj.io/refresh"
BY_COMPARISON = frozenset(
    {"ComparisonError", "SharedResourceWarning", "RepeatedResourceWarning", "ExcludedResourceWarning"}
)
BY_SPEC = frozenset({"InvalidSpecError", "UnknownError"})
BY_SYNC = frozenset({"SyncError"})
_OWNED = ("ReplicaSet", "Job", "Pod")  # kinds between an object and its pods
MANAGER = "argocd-application-controller"


def change(store: Store, application: Json, mutate: Callable[[Json], None]) -> None:
    """Change an Application as the controller does."""
    metadata = application["metadata"]
    store.change("Application", metadata["namespace"], metadata["name"], mutate, manager=MANAGER)


def write_comparison(
    store: Store, application: Json, found: Comparison, failure: str | None, reconciled: datetime | None
) -> None:
    """Write what a comparison found, and that a refresh is done; `failure` is what a SyncError says, None unjudged."""
    now = store.clock.stamp()

    def mutate(value: Json) -> None:
        written = _begun(value)
        set_conditions(written, (), BY_SPEC, now)
        set_conditions(written, found.conditions, BY_COMPARISON, now)
        if failure is not None:
            set_conditions(written, [("SyncError", failure)] if failure else (), BY_SYNC, now)
        set_comparison(written, value["spec"], found, store, now)
        if reconciled is not None or "reconciledAt" not in written:
            written["reconciledAt"] = (reconciled or store.clock.now()).strftime("%Y-%m-%dT%H:%M:%SZ")

    change(store, application, mutate)


def write_operation(store: Store, application: Json, operation: Json) -> None:
    """Ask for an operation; that of before is forgotten until this one is taken up."""

    def mutate(value: Json) -> None:
        value["operation"] = operation
        (value.get("status") or {}).pop("operationState", None)

    change(store, application, mutate)


def write_refusal(store: Store, application: Json, kind: str, message: str) -> None:
    """Write that an Application cannot be compared as it is."""
    now = store.clock.stamp()

    def mutate(value: Json) -> None:
        written = _begun(value)
        set_conditions(written, [(kind, message)], BY_SPEC, now)
        nothing = {"comparedTo": {"destination": {}, "source": {"repoURL": ""}}}
        written["sync"] = {**nothing, **(written.get("sync") or {}), "status": "Unknown"}
        set_health(written, "Unknown", now)

    change(store, application, mutate)


def _begun(value: Json) -> Json:
    """Take the request for a refresh away and return the status to write into."""
    (value["metadata"].get("annotations") or {}).pop(REFRESH, None)
    written: Json = value.setdefault("status", {})
    return written


def as_compared(source: Json) -> Json:
    """Return a source as Argo CD writes it back: defaults in, empty parts out."""
    made = {key: value for key, value in source.items() if value not in (None, "", {}, [])}
    directory = {key: value for key, value in (source.get("directory") or {}).items() if value}
    if directory:
        made["directory"] = {"jsonnet": {}, **directory}
    return made


def compared_to(spec: Json) -> Json:
    """Return `status.sync.comparedTo` for a comparison of this spec."""
    sources = [as_compared(source) for source in sources_of(spec)]
    several = bool(spec.get("sources"))
    made: Json = {"destination": spec.get("destination") or {}, "source": {"repoURL": ""} if several else sources[0]}
    if several:
        made["sources"] = sources
    if spec.get("ignoreDifferences"):
        made["ignoreDifferences"] = spec["ignoreDifferences"]
    return made


def speaks_of(status: Json, spec: Json) -> tuple[bool, bool]:
    """Tell whether the status was made of these sources, and of this destination and these ignored differences."""
    compared = (status.get("sync") or {}).get("comparedTo") or {}
    wanted = compared_to(spec) if sources_of(spec) else {}
    sources = all(compared.get(key) == wanted.get(key) for key in ("source", "sources"))
    rest = all(compared.get(key) == wanted.get(key) for key in ("destination", "ignoreDifferences"))
    return sources, rest


def set_conditions(status: Json, said: Iterable[Said], evaluated: Iterable[str], now: str) -> None:
    """Replace the conditions of some types; one that says what it said keeps its time."""
    former, evaluated = status.get("conditions") or [], frozenset(evaluated)
    kept = [each for each in former if each["type"] not in evaluated]
    for kind, message in said:
        same = next((each for each in former if (each["type"], each["message"]) == (kind, message)), None)
        kept.append(same or {"lastTransitionTime": now, "message": message, "type": kind})
    if kept:
        status["conditions"] = sorted(kept, key=lambda each: (each["type"], each["message"]))
    else:
        status.pop("conditions", None)


def set_health(status: Json, health: str, now: str) -> None:
    """Set the health; its time moves only with it."""
    former = status.get("health") or {}
    moved = now if former.get("status") != health else former.get("lastTransitionTime", now)
    status["health"] = {"lastTransitionTime": moved, "status": health}


def set_comparison(status: Json, spec: Json, found: Comparison, store: Store, now: str) -> None:
    """Write what a comparison found."""
    several = bool(spec.get("sources"))
    sync: Json = {"comparedTo": compared_to(spec), "status": found.status}
    if several:
        sync |= {"revisions": found.revisions} if found.revisions else {}
    else:
        sync["revision"] = found.revisions[0]
    status["sync"] = sync
    set_health(status, found.health, now)
    rows = sorted(found.rows, key=lambda row: "/".join(row.key))
    _set(status, "resources", [row.as_status() for row in rows])
    _set(status, "sourceType", "" if several or not found.types else found.types[0])
    _set(status, "sourceTypes", found.types if several else [])
    status["summary"] = {"images": images} if (images := sorted(set(_images(store, found.rows)))) else {}
    status |= {"controllerNamespace": NAMESPACE, "resourceHealthSource": "appTree", "sourceHydrator": {}}


def record_history(status: Json, spec: Json, operation_state: Json, revisions: Sequence[str], now: str) -> None:
    """Add a successful sync to the history, which is bounded."""
    history = list(status.get("history") or ())
    number = history[-1]["id"] + 1 if history else 0
    result = operation_state["syncResult"]
    entry: Json = {
        "deployStartedAt": operation_state["startedAt"],
        "deployedAt": now,
        "id": number,
        "initiatedBy": operation_state["operation"].get("initiatedBy") or {},
    }
    if result.get("sources"):
        entry |= {"revisions": list(revisions), "source": {"repoURL": ""}, "sources": result["sources"]}
    else:
        entry |= {"revision": revisions[0], "source": result["source"]}
    limit = spec.get("revisionHistoryLimit", 10)
    status["history"] = [*history, entry][-limit:] if limit > 0 else []


def _set(status: Json, key: str, value: Any) -> None:  # noqa: ANN401 - JSON of any shape
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def _images(store: Store, rows: Iterable[Row]) -> Iterator[str]:
    """Give the images of all pods of an Application."""
    for row in rows:
        if row.live is not None:
            yield from _pod_images(store, row.live)


def _pod_images(store: Store, live: Json) -> Iterator[str]:
    if live["kind"] == "Pod" and live["apiVersion"] == "v1":
        for containers in ("initContainers", "containers"):
            yield from (each["image"] for each in live["spec"].get(containers) or () if each.get("image"))
        return
    for kind in _OWNED:
        for child in store.owned(kind, live["metadata"]["uid"]):
            yield from _pod_images(store, child)
