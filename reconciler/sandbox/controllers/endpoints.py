"""Endpoints: the addresses behind each Service, those of ready pods apart from the others."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, Selections, Tools
from reconciler.sandbox.controllers.objects import ENDED, Json, Key, is_deleting, is_ready, key_of, phase_of


class EndpointsOfServices(Controller):
    """Keeps the Endpoints of Services that select pods."""

    watches: ClassVar[tuple[str, ...]] = ("Service", "Pod", "Endpoints")

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._selected = Selections(self.store)

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a Service when it, its Endpoints or one of its pods changed."""
        if kind == "Pod":
            for key in self._selected.note(old, new):
                self.mark(key)
            return
        item = new or old
        if item is None:
            return
        if kind == "Service":
            if new is not None and new["spec"].get("selector"):
                self._selected.define(key_of(new), {"matchLabels": new["spec"]["selector"]})
            else:
                self._selected.forget(key_of(item))
        self.mark(key_of(item))

    def sync(self, key: Key) -> None:
        """Write a Service's Endpoints, or take them away with it."""
        service = self.store.get("Service", *key)
        found = self.store.get("Endpoints", *key)
        if service is None:
            if found is not None:
                self.store.delete("Endpoints", *key)
            return
        if not service["spec"].get("selector"):
            return  # whoever made it looks after its Endpoints
        subsets = self._subsets(key, service)
        if found is None:
            name = {"name": key[1], "namespace": key[0]}
            manifest = {"apiVersion": "v1", "kind": "Endpoints", "metadata": name}
            self.store.create(manifest | ({"subsets": subsets} if subsets else {}), manager=self.manager)
        elif subsets != (found.get("subsets") or []):

            def mutate(item: Json) -> None:
                item["subsets"] = subsets
                if not subsets:
                    del item["subsets"]

            self.store.change("Endpoints", *key, mutate, manager=self.manager)

    def _subsets(self, key: Key, service: Json) -> list[Json]:
        ready: list[Json] = []
        unready: list[Json] = []
        for pod in self._selected.pods(key):
            address = (pod.get("status") or {}).get("podIP")
            if not address or is_deleting(pod) or phase_of(pod) in ENDED:
                continue
            metadata = pod["metadata"]
            names = {"namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
            found = {"ip": address, "nodeName": pod["spec"].get("nodeName", ""), "targetRef": {"kind": "Pod", **names}}
            (ready if is_ready(pod) else unready).append(found)
        if not ready and not unready:
            return []
        return [
            {
                **({"addresses": ready} if ready else {}),
                **({"notReadyAddresses": unready} if unready else {}),
                "ports": [_port(each) for each in service["spec"].get("ports") or ()],
            }
        ]


def _port(port: Json) -> Json:
    """Return a port of an endpoint; a target by name is taken to be the Service's own number."""
    target = port.get("targetPort", port["port"])
    return {
        **({"name": port["name"]} if port.get("name") else {}),
        "port": target if isinstance(target, int) else port["port"],
        "protocol": port.get("protocol", "TCP"),
    }
