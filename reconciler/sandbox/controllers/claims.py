"""Volume claims: each is bound to a volume at once, as with a provisioner that always has room."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller
from reconciler.sandbox.controllers.objects import Json, Key, is_deleting, key_of


class Claims(Controller):
    """Binds claims; there are no volume objects."""

    watches: ClassVar[tuple[str, ...]] = ("PersistentVolumeClaim",)

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a claim that changed."""
        del kind, old
        if new is not None:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Bind a claim that is not bound."""
        claim = self.store.get("PersistentVolumeClaim", *key)
        if claim is None or is_deleting(claim) or (claim.get("status") or {}).get("phase") == "Bound":
            return
        volume = f"pvc-{claim['metadata']['uid']}"
        status = {
            "phase": "Bound",
            "accessModes": claim["spec"].get("accessModes") or [],
            "capacity": (claim["spec"].get("resources") or {}).get("requests") or {},
        }
        kind, manager = "PersistentVolumeClaim", self.manager
        self.store.change(kind, *key, lambda it: it["spec"].setdefault("volumeName", volume), manager=manager)
        self.store.change(kind, *key, lambda it: it.update(status=status), manager=manager, subresource="status")
