"""The ApplicationSet behind an Application: its manifest in Git, and what it generates from a state of its files.

Protects: an Application is never in Git itself when it is generated; what is edited is the element or the file that
its values come from, proven by generating and rendering again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.declared import git_files
from reconciler.manifests.declared.applications import with_spec
from reconciler.manifests.declared.applicationsets import generated, git_generators, spec_of
from reconciler.manifests.declared.templates import refuse
from reconciler.manifests.editing.documents import find
from reconciler.manifests.editing.parts import arrange, decode, scan, split_bom
from reconciler.manifests.files.locate import is_read
from reconciler.manifests.rendering.jobs import same_repository
from reconciler.manifests.rendering.objects import same
from reconciler.model.delivery import Application, owning_applications
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import ObjectRef
from reconciler.model.proposal import TreeFile
from reconciler.propose.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.manifests.declared.applicationsets import Json
    from reconciler.model.delivery import Source

_SKIP_MARKER = b"+argocd:skip-file-rendering"  # anywhere in a file, and Argo CD leaves the file out


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """An ApplicationSet as a commit has it."""

    ref: ObjectRef
    file: TreeFile  # its manifest
    document: int
    workshop: Workshop

    @property
    def _manifest(self) -> bytes:
        return self.workshop.repository.read(self.file.blob)

    def inputs(self) -> dict[str, bytes]:
        """Return the files that decide what it generates: its manifest, and those that its git generators read."""
        spec = spec_of(self._manifest, self.ref, max_bytes=self._limit)
        files = [self._read(found, {}) for found in git_generators(spec.get("generators"))]
        return {path: content for read in files for path, content in read.items()} | {self.file.path: self._manifest}

    def applications(self, edited: Mapping[str, bytes]) -> dict[str, Json]:
        """Return what it generates with these files edited, by name.

        Raises Refusal, with a code `locate.appset_…`, where that cannot be said exactly.
        """
        spec = spec_of(edited.get(self.file.path, self._manifest), self.ref, max_bytes=self._limit)
        return generated(spec, lambda found: self._read(found, edited), max_bytes=self._limit)

    def may_read(self, paths: Mapping[str, bytes]) -> bool:
        """Tell whether one of its git generators may read one of these files, or one of them is its manifest."""
        if self.file.path in paths:
            return True
        try:
            spec = spec_of(self._manifest, self.ref, max_bytes=self._limit)
            here = [g["files"] for g in git_generators(spec.get("generators")) if self._is_ours(g)]
        except Refusal:
            return True
        return any(git_files.may_select(files, path) for files in here for path in paths)

    @property
    def _limit(self) -> int:
        return self.workshop.settings.guards.max_file_bytes

    def _is_ours(self, generator: Json) -> bool:
        mine = self.workshop.repository.url
        return same_repository(str(generator.get("repoURL")), mine)

    def _read(self, generator: Json, edited: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files that a git generator reads, from our base branch alone."""
        base, entries = self.workshop.repository.base, generator["files"]
        if not self._is_ours(generator) or generator.get("revision") not in {"HEAD", base, f"refs/heads/{base}"}:
            refuse("other_repository", f"{self.ref} reads its files from another repository or branch")
        folder = git_files.folder_of(entries)
        paths = (file.path for file in self.workshop.repository.files(self.workshop.commit, folder))
        checkout = self.workshop.checkout()
        found = {path: checkout.take(path) or b"" for path in git_files.selected(entries, paths)}
        return found | {path: edited[path] for path in found if path in edited}


def generator_of(
    ref: ObjectRef, applications: Fact[tuple[Application, ...]], workshop: Workshop
) -> tuple[Generator, Application] | None:
    """Return an ApplicationSet from our repository, and the Application that delivers it from a plain directory."""
    if isinstance(applications, Unknown):
        return None
    parents = owning_applications(ref, None, applications)
    found = [(g, parents[0]) for g in _manifests(ref, parents[0], workshop)] if len(parents) == 1 else []
    return found[0] if len(found) == 1 else None


def generator_at(path: str, application: Application, workshop: Workshop) -> Generator | None:
    """Return the Application's ApplicationSet, in a file that is known."""
    entry = workshop.repository.entry(workshop.commit, path)
    if entry is None or application.generated_by is None:
        return None
    return Generator(ref=application.generated_by, file=entry, document=0, workshop=workshop)


def _manifests(ref: ObjectRef, parent: Application, workshop: Workshop) -> Iterator[Generator]:
    try:
        parent, plain = workshop.directories(parent)
    except Refusal:
        return
    for source in (parent.sources[index] for index in plain):
        for file in workshop.repository.files(workshop.commit, source.path):
            if not is_read(source, file):
                continue
            for document in _documents(workshop.repository.read(file.blob), ref, parent, workshop):
                yield Generator(ref=ref, file=file, document=document, workshop=workshop)


def _documents(data: bytes, ref: ObjectRef, parent: Application, workshop: Workshop) -> list[int]:
    if ref.name.encode() not in data or b"ApplicationSet" not in data or _SKIP_MARKER in data:
        return []
    try:
        _, text = split_bom(decode(data, workshop.settings.guards.max_file_bytes))
        return [found.document for found in find(arrange(scan(text)), ref, parent.destination_namespace)]
    except Refusal:
        return []


def as_generated(application: Application, made: Mapping[str, Json]) -> Application:
    """Return the Application with the sources that its ApplicationSet gives it.

    Raises Refusal when it is not among what is generated.
    """
    mine = made.get(application.ref.name)
    if mine is None:
        refuse("not_generated", f"{application.ref} is not among what its ApplicationSet generates")
    return with_spec(application, mine.get("spec") or {})


def require_present(application: Application, made: Mapping[str, Json]) -> None:
    """Require that Git generates the Application as the cluster has it; else delivery is behind, or we read it wrong.

    Raises Conflict when it does not.
    """
    declared = as_generated(application, made)
    spec = made[application.ref.name].get("spec") or {}
    namespace = (spec.get("destination") or {}).get("namespace") or ""
    here = [_comparable(source) for source in application.sources]
    if [_comparable(source) for source in declared.sources] != here or namespace != application.destination_namespace:
        raise Conflict(
            code="propose.git_ahead",
            message=f"what Git generates for {application.ref} is not what the cluster has",
            remedy="nothing to do if Argo CD is about to deliver that; otherwise see why it does not",
        )


def _comparable(source: Source) -> Any:  # noqa: ANN401 - JSON beside a source
    """Return a source with its values as what they say: Argo CD writes them anew, in another order."""
    try:
        values = json.loads(source.helm.values)
    except (ValueError, RecursionError):
        values = source.helm.values
    return replace(source, helm=replace(source.helm, values="")), json.dumps(values, sort_keys=True)


def changed(generator: Generator, before: Mapping[str, Json], edited: Mapping[str, bytes]) -> tuple[ObjectRef, ...]:
    """Return the Applications that an edit changes in any way, comes and goes included."""
    after = generator.applications(edited)
    names = sorted({*before, *after})
    other = [name for name in names if not same(before.get(name), after.get(name))]
    return tuple(replace(generator.ref, kind="Application", name=name) for name in other)


def also_generated(
    edited: Mapping[str, bytes], applications: Fact[tuple[Application, ...]], workshop: Workshop
) -> tuple[ObjectRef, ...]:
    """Return the Applications that an edit changes through the ApplicationSets of our repository; doubts are a yes."""
    if isinstance(applications, Unknown):
        return ()
    found: set[ObjectRef] = set()
    for ref in sorted({a.generated_by for a in applications if a.generated_by is not None}):
        kept = generator_of(ref, applications, workshop)
        if kept is None or not kept[0].may_read(edited):
            continue
        try:
            found.update(changed(kept[0], kept[0].applications({}), edited))
        except Refusal:
            found.update(a.ref for a in applications if a.generated_by == ref)
    return tuple(sorted(found))
