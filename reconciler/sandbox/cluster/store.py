"""The objects of one cluster: every write stamps, completes, checks, counts and remembers.

Protects: a stored object never changes; a write replaces it by its next version. Whatever nobody would see as a change
is not one: no new resourceVersion, no event.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import admission, definitions, deletion, managed, preparation, quota, validation
from reconciler.sandbox.cluster.deletion import DeleteOptions
from reconciler.sandbox.cluster.errors import already_exists, conflict, not_found, path_not_found
from reconciler.sandbox.cluster.history import Change, History, Stored
from reconciler.sandbox.cluster.kinds import Kinds, custom_kind
from reconciler.sandbox.cluster.owners import Owners
from reconciler.sandbox.cluster.shelf import Shelf
from reconciler.sandbox.cluster.values import Json, copied

if TYPE_CHECKING:
    import builtins  # `list` is a method here
    import random
    from collections.abc import Callable, Iterable

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.history import Place
    from reconciler.sandbox.cluster.kinds import Kind

__all__ = ["DeleteOptions", "Json", "Store"]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system", "argocd")  # there from the start


class Store:
    """Objects of one cluster. Returned objects are the stored ones: never change them; go through `change`.

    Kinds go by their names (Deployment, Application); a cluster-scoped object's namespace is "".
    Refusals are ApiError with the real reasons.
    """

    def __init__(self, clock: SandboxClock, ids: random.Random) -> None:
        self.clock = clock
        self.ids = ids
        self.revision = 0  # the newest resourceVersion
        self.kinds = Kinds()
        self.history = History()
        self.news = threading.Condition(clock.lock)  # notified of every write
        self._lock = clock.lock
        self._shelves: dict[str, Shelf] = {}
        self._owners = Owners()
        for name in NAMESPACES:
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="kube-apiserver")
        for definition in definitions.argo_cd():
            self.create(definition, manager="argocd")

    # Reading

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return an object, or None."""
        stored = self.shelf(kind).get((namespace, name))
        return None if stored is None else stored.value

    def list(self, kind: str, namespace: str = "") -> builtins.list[Json]:
        """Return the objects of a kind in a namespace ("" is all), ordered by namespace and name."""
        with self._lock:
            return self.shelf(kind).values(namespace)

    def owned(self, kind: str, uid: str) -> builtins.list[Json]:
        """Return the objects of a kind that name an object as an owner."""
        with self._lock:
            places = sorted(place for place in self._owners.dependents(uid) if place[0] == kind)
            return [self._at(*place).value for place in places]

    def dependents(self, uid: str) -> builtins.list[tuple[str, str, str]]:
        """Return kind, namespace and name of every object that names an object as an owner."""
        with self._lock:
            return sorted(self._owners.dependents(uid))

    def find(self, uid: str) -> Json | None:
        """Return the object of a uid, or None."""
        with self._lock:
            place = self._owners.place(uid)
            return None if place is None else self._at(*place).value

    def changed_since(self, revision: int) -> builtins.list[tuple[str, str, str]]:
        """Return kind, namespace and name of all that was written or deleted after a revision, each once."""
        with self._lock:
            return self.history.places_since(revision)

    def shelf(self, kind: str) -> Shelf:
        """Return all objects of a kind. Raises KeyError when no such kind is served."""
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[self.kinds[kind].name] = Shelf()
        return shelf

    # Writing

    def create(
        self,
        manifest: Json,
        *,
        manager: str,
        dry_run: bool = False,
        applied: bool = False,
        keep_status: bool = False,
    ) -> Json:
        """Create an object from a manifest, which stays as it is, and return what is stored.

        `applied`: its managedFields are those of a server-side apply. `keep_status`: its status is not dropped, as
        if its controllers had been there already.
        """
        with self._lock:
            kind = self.kinds.of(manifest)
            if kind is None:
                raise path_not_found()
            value = copied(manifest)
            metadata = value.setdefault("metadata", {})
            validation.decode(kind, value)
            name = preparation.name_it(kind, metadata, self.ids)
            namespace = self._namespace_for(kind, name, metadata)
            if self.shelf(kind.name).get((namespace, name)) is not None:
                raise already_exists(kind.resource, name)
            at = self.clock.stamp()
            preparation.stamp(kind, value, self.ids, at)
            if not (applied and metadata.get("managedFields")):
                metadata.pop("managedFields", None)
            if not applied:
                managed.stamp(kind, value, None, manager=manager, at=at)
            preparation.begin(kind, value, self.ids, keep_status=keep_status)
            admission.admit_new(self, kind, value)
            if dry_run:
                return value
            return self._put(kind, value, None)

    def seed(self, manifests: Iterable[Json], *, manager: str = "seed") -> builtins.list[Json]:
        """Create many objects with the status that their manifests hold."""
        return [self.create(manifest, manager=manager, keep_status=True) for manifest in manifests]

    def change(
        self,
        kind: str,
        namespace: str,
        name: str,
        mutate: Callable[[Json], None],
        *,
        manager: str,
        subresource: str = "",
    ) -> Json:
        """Change a copy of an object by a function and store it; raises ValueError for a change of the wrong part."""
        with self._lock:
            before = self._at(kind, namespace, name).value
            value = copied(before)
            mutate(value)
            if value == before:
                return before
            preparation.refuse_wrong_part(self.kinds[kind], value, before, subresource)
            return self._write((kind, namespace, name), value, manager=manager, subresource=subresource)

    def update(
        self,
        kind: str,
        namespace: str,
        name: str,
        value: Json,
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
        applied: bool = False,
    ) -> Json:
        """Store a whole new version of an object, which stays as it is; parts that the path is not for are kept.

        A resourceVersion in it must be the current one. `applied`: its managedFields are those of an apply.
        """
        with self._lock:
            return self._write(
                (kind, namespace, name),
                copied(value),
                manager=manager,
                subresource=subresource,
                dry_run=dry_run,
                applied=applied,
            )

    def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        grace: int | None = None,
        options: DeleteOptions | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Delete an object: gone, or only marked where a kubelet, a finalizer or a controller has to act first.

        Returns it as it is then, or as it last was.
        """
        with self._lock:
            served = self.kinds[kind]
            stored = self._at(kind, namespace, name)
            options = options or DeleteOptions(grace=grace)
            deletion.check(served, stored.value, options)
            value = deletion.marked(served, stored.value, options, self.clock.now())
            if dry_run or value == stored.value:
                return value or stored.value
            if value is None:
                return self._remove(served, stored, deletion.finished(served, stored.value, self.clock.now()))
            return self._put(served, value, stored)

    def purge(self, kind: str, namespace: str, name: str) -> None:
        """Let an object be gone now, whatever it waits for; one that is gone already is no error."""
        with self._lock:
            stored = self.shelf(kind).get((namespace, name))
            if stored is not None:
                self._remove(self.kinds[kind], stored)

    # Inside

    def _at(self, kind: str, namespace: str, name: str) -> Stored:
        stored = self.shelf(kind).get((namespace, name))
        if stored is None:
            raise not_found(self.kinds[kind].resource, name)
        return stored

    def _namespace_for(self, kind: Kind, name: str, metadata: Json) -> str:
        if not kind.namespaced:
            metadata.pop("namespace", None)
            return ""
        namespace: str = metadata.setdefault("namespace", "default")
        found = self.get("Namespace", "", namespace)
        if found is None:
            raise not_found("namespaces", namespace)
        preparation.refuse_dying_namespace(kind, name, found)
        return namespace

    def _write(
        self,
        place: Place,
        value: Json,
        *,
        manager: str,
        subresource: str,
        dry_run: bool = False,
        applied: bool = False,
    ) -> Json:
        kind, stored = self.kinds[place[0]], self._at(*place)
        before = stored.value
        if value["metadata"].get("resourceVersion") not in (None, "", before["metadata"]["resourceVersion"]):
            raise conflict(kind.resource, place[2])
        if not subresource:
            validation.decode(kind, value)
        value = preparation.next_version(kind, value, before, subresource, applied=applied)
        if value == before or (applied and managed.differ_in_times_only(value, before)):
            return before
        admission.admit_change(kind, value, before)
        if not applied:
            at = self.clock.stamp()
            managed.stamp(kind, value, before, manager=manager, at=at, subresource=subresource)
        if dry_run:
            return value
        if deletion.is_over(kind, value):
            return self._remove(kind, stored, value)
        return self._put(kind, value, stored)

    def _put(self, kind: Kind, value: Json, before: Stored | None) -> Json:
        stored = self._next(value)
        place = self._place(kind, value)
        self.shelf(kind.name).put(place[1:], stored, self.revision)
        self._owners.put(place, value, before.value if before else None)
        self._remember(Change(self.revision, "MODIFIED" if before else "ADDED", place, stored, before))
        if kind.name == admission.DEFINITION:
            self.kinds.add(custom_kind(value))
        return value

    def _remove(self, kind: Kind, before: Stored, value: Json | None = None) -> Json:
        last = {**(value or before.value)}
        last["metadata"] = {**last["metadata"]}
        stored = self._next(last)
        place = self._place(kind, last)
        self.shelf(kind.name).remove(place[1:], self.revision)
        self._owners.remove(place, before.value)
        self._remember(Change(self.revision, "DELETED", place, stored, before))
        if kind.name == admission.DEFINITION:
            self._serve_no_longer(custom_kind(last))
        return last

    def _next(self, value: Json) -> Stored:
        self.revision += 1
        value["metadata"]["resourceVersion"] = str(self.revision)
        return Stored(value)

    def _place(self, kind: Kind, value: Json) -> Place:
        return kind.name, value["metadata"].get("namespace", ""), value["metadata"]["name"]

    def _remember(self, change: Change) -> None:
        self.history.add(change)
        self.news.notify_all()
        kind, namespace, _ = change.place
        if namespace and (change.type != "MODIFIED" or kind in ("Pod", admission.QUOTA)):
            self._count_again(namespace)

    def _count_again(self, namespace: str) -> None:
        """Let a namespace's quotas say what it uses now."""
        for each in self.list(admission.QUOTA, namespace):
            place = admission.QUOTA, namespace, each["metadata"]["name"]
            value = {**each, "status": quota.status(self, each)}
            self._write(place, value, manager="kube-controller-manager", subresource="status")

    def _serve_no_longer(self, gone: Kind) -> None:
        kind = self.kinds.at(gone.group, gone.version, gone.plural)
        if kind is not None:
            for stored in self.shelf(kind.name).everything():
                self._remove(kind, stored)
            self.kinds.remove(kind)
