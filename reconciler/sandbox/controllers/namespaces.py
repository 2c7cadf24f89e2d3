"""Namespaces: one that is being deleted loses its contents first, and goes when nothing is left in it."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.objects import Json, Key, is_deleting


class Namespaces(Controller):
    """Empties dying namespaces."""

    watches: ClassVar[tuple[str, ...]] = ("*",)

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._dying: set[str] = set()

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a dying namespace when it or something in it changed."""
        item = new or old
        if item is None:
            return
        if kind == "Namespace":
            name = item["metadata"]["name"]
            if new is not None and is_deleting(new):
                self._dying.add(name)
                self.mark(("", name))
            else:
                self._dying.discard(name)
        elif item["metadata"].get("namespace") in self._dying:
            self.mark(("", item["metadata"]["namespace"]))

    def sync(self, key: Key) -> None:
        """Delete what is in a dying namespace; take the last hold off it when it is empty."""
        namespace = self.store.get("Namespace", *key)
        if namespace is None or not is_deleting(namespace):
            return
        left = 0
        for kind in list(self.store.kinds):
            if not kind.namespaced:
                continue
            for item in self.store.list(kind.name, key[1]):
                if not is_deleting(item):
                    self.store.delete(kind.name, key[1], item["metadata"]["name"])
                left += self.store.get(kind.name, key[1], item["metadata"]["name"]) is not None
        if not left:
            self.store.update(
                "Namespace", *key, {**namespace, "spec": {}}, manager=self.manager, subresource="finalize"
            )
