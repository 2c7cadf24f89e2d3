"""The Renderer port on the kustomize and helm programs, run as Argo CD runs them.

Protects: a repository is untrusted. The tool sees the files of its job in a temporary folder and nothing else, has no
credentials, no PATH to start anything from, no network that it would use, a time limit, and a limit on what it says.
Renderings are functions of their job, so each is run once a process.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters import rendering_helm, rendering_kustomize
from reconciler.adapters.rendering_output import objects
from reconciler.adapters.rendering_process import Tool
from reconciler.errors import Refusal
from reconciler.model.rendering import HELM, KUSTOMIZE
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.rendering import Rendered, RenderJob
    from reconciler.settings import RenderingSettings

_REMEMBERED = 128  # renderings; a proposal needs a few dozen
_PROGRAMS = {KUSTOMIZE: "kustomize", HELM: "helm"}
_INSTALL = {"kustomize": "kustomize 5 (kustomize.io)", "helm": "Helm 3 (helm.sh)"}


class Renderers:
    """Both tools, each looked for when it is first wanted."""

    def __init__(self, settings: RenderingSettings) -> None:
        self._settings = settings
        self._done: OrderedDict[str, tuple[Rendered, ...]] = OrderedDict()
        self._lock = threading.Lock()  # of the memory, not of the tools

    def render(self, job: RenderJob) -> tuple[Rendered, ...]:
        """Return the objects in the tool's order."""
        key = job.key
        with self._lock:
            if key in self._done:
                self._done.move_to_end(key)
                return self._done[key]
        rendered = self._run(job)
        with self._lock:
            self._done[key] = rendered
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        return rendered

    def archive(self, job: RenderJob) -> bytes:
        """Return the archive of a chart that is not in Git, which somebody pulled."""
        return rendering_helm.archive_of(job, self._settings.charts).read_bytes()

    def examine(self) -> Sequence[Diagnosis]:
        """Say which tools are there; neither is needed where delivery reads plain directories; never raises."""
        return tuple(self._examined(name) for name in _PROGRAMS.values())

    def _examined(self, name: str) -> Diagnosis:
        subject = f"rendering with {name}"
        try:
            return Diagnosis(subject=subject, works=True, detail=str(self._program(name)), required=False)
        except Refusal as error:
            return Diagnosis(subject=subject, works=False, detail=error.message, remedy=error.remedy, required=False)

    def _program(self, name: str) -> Path:
        configured = self._settings.kustomize if name == "kustomize" else self._settings.helm
        found = shutil.which(configured or name)
        if found is None:
            raise Refusal(
                code="rendering.tool_missing",
                message=f"{configured or name} is not installed, so what it renders cannot be proven",
                remedy=f"install {_INSTALL[name]}, or set rendering.{name} to its path",
            )
        return Path(found).resolve()

    def _run(self, job: RenderJob) -> tuple[Rendered, ...]:
        program = self._program(_PROGRAMS[job.tool])
        limit = self._settings.max_bytes
        with tempfile.TemporaryDirectory(prefix="reconciler-render-") as name:
            root = Path(name).resolve()
            files, home = root / "files", root / "home"
            home.mkdir()
            _write(files, job.files)
            timeout, memory = self._settings.timeout, self._settings.max_memory
            tool = Tool(program, root=root, home=home, timeout=timeout, max_output=limit, max_memory=memory)
            if job.tool == KUSTOMIZE:
                output = rendering_kustomize.build(tool, files, job)
            else:
                output = rendering_helm.template(tool, files, home, job, self._settings.charts)
        return objects(output)


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    """Put the job's files into an empty folder; a path cannot lead out of it, because every step is looked at."""
    root.mkdir()
    for path, content in files.items():
        steps = path.split("/")
        if any(step in ("", ".", "..") or "\0" in step for step in steps):
            raise Refusal(
                code="rendering.unsafe_path",
                message=f"{path!r} is not a plain path",
                remedy="rename that file in Git",
            )
        target = root.joinpath(*steps)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
