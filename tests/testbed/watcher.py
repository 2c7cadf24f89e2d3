"""The testbed's own process beside kwok: serves the exporter's metrics and writes the senses' notes.

Both derive from the same objects, so they share one copy of them: `python -m tests.testbed.watcher CONNECTION PORT`.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reconciler.sandbox.monitoring import exporter
from reconciler.sandbox.monitoring.samples import render
from tests.testbed import senses
from tests.testbed.kube import Kube, KubeError
from tests.testbed.mirror import Mirror
from tests.testbed.processes import LOOPBACK

# Those of the exporter's objects, in their order, and what the senses look at besides.
KINDS = ("Pod", "Deployment", "ReplicaSet", "Node", "HorizontalPodAutoscaler", "ConfigMap")
FAMILIES = {"/metrics": exporter.state, "/metrics/cadvisor": exporter.usage}
RECHECK = 1.0  # a note that could not be written is tried again


class World:
    """The live objects, a mirror a kind."""

    def __init__(self, kube: Kube) -> None:
        self.changed = threading.Event()
        self._versions = itertools.count()  # one never comes back, whatever the mirrors' threads do at once
        self._version = -1
        self._texts: dict[str, tuple[int | None, str]] = {}
        self._mirrors = {kind: Mirror(kube, kind, self._count) for kind in KINDS}
        for mirror in self._mirrors.values():
            mirror.start()

    @property
    def is_fresh(self) -> bool:
        """Whether all copies follow the server."""
        return all(mirror.is_fresh for mirror in self._mirrors.values())

    def text(self, path: str) -> str:
        """Return the metrics of a path; those of a quiet cluster, scraped every second, are rendered once."""
        version, text = self._texts.get(path, (None, ""))
        if version != self._version:
            version = self._version
            text = render(FAMILIES[path](exporter.Objects(*(self._mirrors[kind].objects() for kind in KINDS[:-1]))))
            self._texts[path] = version, text
        return text

    def notes(self) -> list[senses.Note]:
        """Return the notes that pods lack."""
        pods, config_maps, nodes = (self._mirrors[kind].objects() for kind in ("Pod", "ConfigMap", "Node"))
        return list(senses.notes(pods, config_maps, nodes))

    def _count(self) -> None:
        self._version = next(self._versions)
        self.changed.set()


def main() -> None:
    """Serve until ended."""
    connection = json.loads(Path(sys.argv[1]).read_text())
    kube = Kube(connection["server"], connection["token"], Path(connection["authority"]))
    world = World(kube)
    threading.Thread(target=write_notes, args=(kube, world), daemon=True).start()
    ThreadingHTTPServer((LOOPBACK, int(sys.argv[2])), handler(world)).serve_forever()


def write_notes(kube: Kube, world: World) -> None:
    """Keep the pods' notes true, at every change and once a second."""
    while True:
        world.changed.wait(RECHECK)
        world.changed.clear()
        if not world.is_fresh:
            continue
        for note in world.notes():
            patch = {"metadata": {"annotations": note.annotations}}
            try:
                kube.patch("Pod", note.pod, patch, note.namespace, merge=True)
            except KubeError as error:  # the pod may have gone meanwhile
                print(error, file=sys.stderr, flush=True)


def handler(world: World) -> type[BaseHTTPRequestHandler]:
    """Return the request handler that answers from this world."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a scrape, or fail it when the objects are not those of the server."""
            if self.path not in FAMILIES:
                self._answer(404, "not here\n")
            elif not world.is_fresh:
                self._answer(503, "the API server does not answer\n")
            else:
                self._answer(200, world.text(self.path))

        def log_message(self, *_: object) -> None:
            """Two scrapes a second are not worth a log."""

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


if __name__ == "__main__":
    main()
