"""What an Application's sources say the cluster should hold.

Plain directories only. Helm, Kustomize, plugins, Jsonnet and hooks are refused by name, never rendered wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery.git import SourceError, folder, not_in_sandbox, open_repository, resolve
from reconciler.sandbox.delivery.manifests import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.sandbox.delivery.git import Folder

Json = dict[str, Any]

_TYPES = {"kustomize": "Kustomize", "helm": "Helm", "directory": "Directory", "plugin": "Plugin"}
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_REMEMBERED = 512  # rendered folders


@dataclass(frozen=True, slots=True)
class Rendered:
    """One source's objects, as they stand in Git: nobody may change them."""

    objects: Sequence[Json]
    revision: str
    kind: str  # the status's sourceType; empty for a source that is only a reference


class Sources:
    """Renders sources from bare repositories; a folder that has not changed is parsed once."""

    def __init__(self, repositories: Callable[[str], Path | None]) -> None:
        self._repositories = repositories
        self._rendered: dict[tuple[object, ...], tuple[Json, ...]] = {}

    def render_all(self, sources: Sequence[Json], revisions: Sequence[str], application: str) -> list[Rendered]:
        """Render every source of an Application. Raises SourceError with the place of the source in its text."""
        found = []
        for number, (source, revision) in enumerate(zip(sources, revisions, strict=True), 1):
            try:
                found.append(self._render(source, revision, application, several=len(sources) > 1))
            except SourceError as error:
                place = f"source {number} of {len(sources)}"
                raise _within(error, f"failed to generate manifest for {place}") from None
        return found

    def _render(self, source: Json, revision: str, application: str, *, several: bool) -> Rendered:
        if source.get("chart") or f"{source['repoURL']}".startswith("oci://"):
            raise not_in_sandbox("render Helm")
        repository = open_repository(self._repositories(source["repoURL"]))
        commit = resolve(repository, revision)
        if several and source.get("ref") and not source.get("path"):
            return Rendered((), commit, "")
        found = folder(repository, commit, source.get("path") or "")
        _refuse_other_types(source, found, application)
        return Rendered(self._objects(found, source.get("directory") or {}), commit, "Directory")

    def _objects(self, found: Folder, directory: Json) -> tuple[Json, ...]:
        key = (found.identity, *(repr(directory.get(k)) for k in ("recurse", "include", "exclude", "jsonnet")))
        if key not in self._rendered:
            while len(self._rendered) >= _REMEMBERED:
                del self._rendered[next(iter(self._rendered))]
            self._rendered[key] = tuple(objects_of(found, directory))
        objects = self._rendered[key]
        _refuse_hooks(objects)
        return objects


def _refuse_other_types(source: Json, found: Folder, application: str) -> None:
    """Refuse what is no plain directory, said by the source or found in the folder as the real server finds it."""
    names = found.names()
    if names & {".argocd-source.yaml", f".argocd-source-{application}.yaml"}:
        raise not_in_sandbox("read parameter overrides from .argocd-source files")
    said = [name for key, name in _TYPES.items() if source.get(key) is not None]
    if len(said) > 1:
        raise SourceError(f"error getting app source type: multiple application sources defined: {','.join(said)}")
    kind = said[0] if said else _discovered(names)
    if kind != "Directory":
        raise not_in_sandbox("run config management plugins" if kind == "Plugin" else f"render {kind}")


def _discovered(names: set[str]) -> str:
    if names & _KUSTOMIZATIONS:
        return "Kustomize"
    return "Helm" if any(name.endswith("Chart.yaml") for name in names) else "Directory"


def _refuse_hooks(objects: Sequence[Json]) -> None:
    for each in objects:
        metadata = each.get("metadata") or {}
        if any(hook in (metadata.get("annotations") or {}) for hook in _HOOKS):
            raise not_in_sandbox(f"run hooks, and {each['kind']} {metadata.get('name')} is one")


def _within(error: SourceError, where: str) -> SourceError:
    placed = SourceError("")
    placed.args = (f"{where}: {error}",)
    return placed
