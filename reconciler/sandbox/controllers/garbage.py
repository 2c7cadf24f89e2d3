"""Garbage: what belonged to an object that is gone, goes too; or stays, freed, when that was asked for."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.cluster.deletion import FOREGROUND, ORPHAN, DeleteOptions
from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.controllers.control import Controller
from reconciler.sandbox.controllers.objects import Json, Key, is_deleting


class Garbage(Controller):
    """Follows owner references; its queue holds uids of owners, and those of objects that name an owner."""

    watches: ClassVar[tuple[str, ...]] = ("*",)
    manager: ClassVar[str] = "kube-controller-manager"

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at what an object owned when it is gone or waits for that, and at its own owners when it is new."""
        del kind
        if old is not None and (new is None or old["metadata"]["uid"] != new["metadata"]["uid"]):
            self.mark(("owner", old["metadata"]["uid"]))
            for owner in old["metadata"].get("ownerReferences") or ():  # one may wait for the end of what it owns
                self.mark(("owner", owner["uid"]))
        if new is None:
            return
        if is_deleting(new) and new["metadata"].get("finalizers"):
            self.mark(("owner", new["metadata"]["uid"]))
        if old is None and new["metadata"].get("ownerReferences"):
            self.mark(("item", new["metadata"]["uid"]))

    def sync(self, key: Key) -> None:
        """Delete or free what an owner left, or an object that came after its owner had gone."""
        what, uid = key
        if what == "item":
            self._delete_if_abandoned(uid)
            return
        owner = self.store.find(uid)
        if owner is None:
            for place in self.store.dependents(uid):
                item = self.store.get(*place)
                if item is not None:
                    self._delete_if_abandoned(item["metadata"]["uid"])
            return
        finalizers = owner["metadata"].get("finalizers") or ()
        if is_deleting(owner) and ORPHAN in finalizers:
            self._free(owner)
        elif is_deleting(owner) and FOREGROUND in finalizers:
            self._delete_first(owner)

    def _delete_if_abandoned(self, uid: str) -> None:
        """Delete an object none of whose owners is there any more."""
        item = self.store.find(uid)
        if item is None or is_deleting(item):
            return
        owners = item["metadata"].get("ownerReferences") or ()
        if owners and all(self.store.find(owner["uid"]) is None for owner in owners):
            self._delete(item)

    def _free(self, owner: Json) -> None:
        """Take the owner's name off what it owned, and let it go alone."""
        uid = owner["metadata"]["uid"]

        def mutate(item: Json) -> None:
            rest = [each for each in item["metadata"]["ownerReferences"] if each["uid"] != uid]
            item["metadata"]["ownerReferences"] = rest
            if not rest:
                del item["metadata"]["ownerReferences"]

        for place in self.store.dependents(uid):
            self.store.change(*place, mutate, manager=self.manager)
        self._release(owner, ORPHAN)

    def _delete_first(self, owner: Json) -> None:
        """Delete what the owner owns, and let it go when that is gone."""
        uid = owner["metadata"]["uid"]
        blocking = False
        for place in self.store.dependents(uid):
            item = self.store.get(*place)
            if item is None:
                continue
            blocking = blocking or any(
                each["uid"] == uid and each.get("blockOwnerDeletion") for each in item["metadata"]["ownerReferences"]
            )
            if not is_deleting(item):
                self._delete(item, "Foreground")
        if not blocking or not self.store.dependents(uid):
            self._release(owner, FOREGROUND)

    def _delete(self, item: Json, propagation: str = "") -> None:
        kind = self.store.kinds.of(item)
        if kind is not None:
            place = (kind.name, item["metadata"].get("namespace", ""), item["metadata"]["name"])
            self.store.delete(*place, options=DeleteOptions(propagation=propagation))

    def _release(self, owner: Json, finalizer: str) -> None:
        kind, metadata = self.store.kinds.of(owner), owner["metadata"]
        if kind is None:
            return

        def mutate(item: Json) -> None:
            item["metadata"]["finalizers"].remove(finalizer)

        try:
            place = (kind.name, metadata.get("namespace", ""), metadata["name"])
            self.store.change(*place, mutate, manager=self.manager)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
