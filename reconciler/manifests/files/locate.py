"""Find the file and the document in it that define a live object, below a directory source of its Application.

Protects invariant 5 before any edit: the file is the only one that Argo CD reads the object from, or there is a
refusal that names the candidates.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, Refusal, foreign_text
from reconciler.manifests.files.contents import described_in
from reconciler.manifests.files.folder import may_be_manifest
from reconciler.manifests.files.tree import matches_glob, refuse_unsafe_entry
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.manifests.files.folder import Folder, OwningFile
    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import ObjectRef
    from reconciler.model.proposal import TreeFile

_SHOWN = 5  # candidates named in a message


def locate(
    target: ObjectRef,
    application: Application,
    source_index: int,
    manifests: Callable[[Source], Folder],
    beside: Callable[[str], Iterable[TreeFile]],
    read: Callable[[str], bytes],
    *,
    max_bytes: int,
    allowed_paths: Sequence[str],
) -> OwningFile:
    """Return where Git defines the target: the one document that the Application's source reads it from.

    `manifests` returns those below a source's path, `beside` what stands in the folders that lead to a path, `read` a
    blob. Raises Refusal, with a code `locate.…`, when there is no such document, more than one, or one that must not
    change; Conflict while the Application's status speaks of older sources.
    """
    source = _directory_source(application, source_index)
    folder = manifests(source)
    unjudged = [file for file in folder.unjudged() if is_read(source, file)]
    for file in unjudged:
        _refuse_if_named(target, file, read(file.blob), max_bytes)
    described = folder.describing(target, application.destination_namespace)
    found = _only([owning for owning in described if is_read(source, owning.file)], target, source, unjudged)
    refuse_unsafe_entry(found.file, beside(found.file.path), allowed_paths)
    return found


def require_current(application: Application) -> None:
    """Require that the Application's status speaks of its present sources; else Conflict, which passes by itself."""
    if not application.sources_current:
        raise Conflict(
            code="locate.source_changing",
            message=f"{application.ref} has not compared its present sources yet",
            remedy="wait for delivery to compare; the next pass tries again",
        )


def _directory_source(application: Application, source_index: int) -> Source:
    require_current(application)
    source = application.sources[source_index]
    if source.kind != "Directory":
        tool = source.kind or "an unknown tool"
        raise Refusal(
            code="locate.unsupported_source",
            message=f"{application.ref} renders {source.path} with {tool}; only plain directories are edited",
            remedy="change the field by hand",
        )
    return source


def is_read(source: Source, file: TreeFile) -> bool:
    """Tell whether Argo CD reads this file as a manifest: by folder, suffix, and include and exclude globs."""
    folder = posixpath.normpath(source.path)
    relative = file.path if folder == "." else file.path.removeprefix(f"{folder}/")
    if not may_be_manifest(file.path, file.mode) or (folder != "." and relative == file.path):
        return False
    if "/" in relative and not source.recurse:
        return False
    if source.exclude and matches_glob(source.exclude, relative):
        return False
    return not source.include or matches_glob(source.include, relative)


def _refuse_if_named(target: ObjectRef, file: TreeFile, data: bytes, max_bytes: int) -> None:
    """Refuse a file that nobody can judge, if it names the target: it could be another definition of it."""
    if target.name.encode() not in data or target.kind.encode() not in data:
        return
    try:
        described_in(data, max_bytes)
    except Refusal as error:
        raise Refusal(
            code="locate.unreadable",
            message=f"{file.path} names {target} but cannot be judged: {error.message}",
            remedy=error.remedy,
        ) from error


def _only(
    candidates: Sequence[OwningFile], target: ObjectRef, source: Source, unjudged: Sequence[TreeFile]
) -> OwningFile:
    if not candidates:
        doubtful = f"; {_shown([f.path for f in unjudged])} there cannot be judged" if unjudged else ""
        raise Refusal(
            code="locate.not_found",
            message=f"no manifest in {source.path or '.'} describes {target}{doubtful}",
            remedy="look for it behind symlinks or generated files, and change it by hand",
        )
    if len(candidates) > 1:
        raise Refusal(
            code="locate.ambiguous",
            message=f"{target} is described {counted(len(candidates), 'time')}: {_shown(list(map(str, candidates)))}",
            remedy="keep one of these manifests",
        )
    return candidates[0]


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(map(foreign_text, names[:_SHOWN]))}{more}"
