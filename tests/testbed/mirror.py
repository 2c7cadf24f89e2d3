"""A local copy of all objects of one kind, kept by LIST and WATCH as Kubernetes' own informers do."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import urllib3

from tests.testbed.kube import Json, Kube, KubeError, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

RELIST_AFTER = 0.3


class Mirror:
    """The objects of a kind; `is_fresh` tells whether the copy follows the server at this moment."""

    def __init__(self, kube: Kube, kind: str, changed: Callable[[], None]) -> None:
        self._kube = kube
        self._kind = kind
        self._changed = changed
        self._objects: dict[tuple[str, str], Json] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.is_fresh = False

    def start(self) -> None:
        """Follow the server on a thread of its own."""
        threading.Thread(target=self._follow, name=f"mirror {self._kind}", daemon=True).start()

    def stop(self) -> None:
        """End the thread at the next change or the end of the stream."""
        self._stopped.set()

    def objects(self) -> list[Json]:
        """Return the objects as they are now; they are shared and must not be changed."""
        with self._lock:
            return list(self._objects.values())

    def _follow(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(KubeError, urllib3.exceptions.HTTPError, OSError, ValueError):
                self._list_and_watch()
            self.is_fresh = False
            self._stopped.wait(RELIST_AFTER)

    def _list_and_watch(self) -> None:
        answer = self._kube.call("GET", path_of(self._kind))
        with self._lock:
            self._objects = {_key(item): item for item in answer["items"]}
        self.is_fresh = True
        self._changed()
        for event in self._kube.watch(self._kind, answer["metadata"]["resourceVersion"], self._stopped):
            if event["type"] == "ERROR":  # usually 410: the version is too old, list again
                return
            if event["type"] == "BOOKMARK":
                continue
            with self._lock:
                if event["type"] == "DELETED":
                    self._objects.pop(_key(event["object"]), None)
                else:
                    self._objects[_key(event["object"])] = event["object"]
            self._changed()


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
