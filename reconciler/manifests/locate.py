"""Find the file and the document in it that define a live object, below a directory source of its Application.

Protects invariant 5 before any edit: the file is the only one that Argo CD reads the object from, or there is a
refusal that names the candidates.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.documents import find
from reconciler.manifests.parts import arrange, decode, scan, split_bom
from reconciler.manifests.tree import REGULAR_MODES, matches_glob, refuse_unsafe_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import ObjectRef
    from reconciler.model.proposal import TreeFile

_MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")  # Argo CD's, in this case only; its .jsonnet is a program
_SKIP_MARKER = b"+argocd:skip-file-rendering"  # anywhere in a file, and Argo CD leaves the file out
_SHOWN = 5  # candidates named in a message


class OwningFile(NamedTuple):
    """A document of a file that describes the object."""

    file: TreeFile
    document: int

    def __str__(self) -> str:
        return f"{self.file.path} (document {self.document + 1})"


def locate(
    target: ObjectRef,
    application: Application,
    source_index: int,
    files: Iterable[TreeFile],
    read: Callable[[str], bytes],
    *,
    max_bytes: int,
    allowed_paths: Sequence[str],
) -> OwningFile:
    """Return where Git defines the target: the one document that the Application's source reads it from.

    `files` are the entries below the source's path, symlinks and submodules included; `read` returns a blob.
    Raises Refusal, with a code `locate.…`, when there is no such document, more than one, or one that must not change;
    Conflict while the Application's status speaks of older sources.
    """
    source = _directory_source(application, source_index)
    entries = tuple(files)
    manifests = [file for file in entries if is_read(source, file)]
    namespace = application.destination_namespace
    candidates = [c for file in manifests for c in _candidates(file, target, namespace, read, max_bytes)]
    found = _only(candidates, target, source)
    refuse_unsafe_entry(found.file, entries, allowed_paths)
    _refuse_json(found.file)
    return found


def _directory_source(application: Application, source_index: int) -> Source:
    if not application.sources_current:
        raise Conflict(  # passes by itself, where a refusal would stand
            code="locate.source_changing",
            message=f"{application.ref} has not compared its present sources yet",
            remedy="wait for delivery to compare; the next pass tries again",
        )
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
    """Tell whether Argo CD reads this file as a manifest: by folder, suffix, and include and exclude globs.

    A symlink is not followed, and so never a candidate.
    """
    folder = posixpath.normpath(source.path)
    relative = file.path if folder == "." else file.path.removeprefix(f"{folder}/")
    if file.mode not in REGULAR_MODES or (folder != "." and relative == file.path):
        return False
    if not relative.endswith(_MANIFEST_SUFFIXES) or ("/" in relative and not source.recurse):
        return False
    if source.exclude and matches_glob(source.exclude, relative):
        return False
    return not source.include or matches_glob(source.include, relative)


def _candidates(
    file: TreeFile, target: ObjectRef, default_namespace: str, read: Callable[[str], bytes], max_bytes: int
) -> Iterator[OwningFile]:
    """Yield the documents of a file that describe the target; only a file that names it is parsed."""
    data = read(file.blob)
    if not (target.name.encode() in data and target.kind.encode() in data) or _SKIP_MARKER in data:
        return
    try:
        _, text = split_bom(decode(data, max_bytes))
        found = find(arrange(scan(text)), target, default_namespace)
    except Refusal as error:
        raise Refusal(
            code="locate.unreadable",
            message=f"{file.path} names {target} but cannot be judged: {error.message}",
            remedy=error.remedy,
        ) from error
    for document, _ in found:
        yield OwningFile(file, document)


def _only(candidates: Sequence[OwningFile], target: ObjectRef, source: Source) -> OwningFile:
    if not candidates:
        raise Refusal(
            code="locate.not_found",
            message=f"no manifest in {source.path or '.'} describes {target}",
            remedy="look for it behind symlinks or generated files, and change it by hand",
        )
    if len(candidates) > 1:
        shown = ", ".join(str(c) for c in candidates[:_SHOWN])
        more = f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else ""
        raise Refusal(
            code="locate.ambiguous",
            message=f"{target} is described {len(candidates)} times: {shown}{more}",
            remedy="keep one of these manifests",
        )
    return candidates[0]


def _refuse_json(file: TreeFile) -> None:
    if file.path.endswith(".json"):
        raise Refusal(
            code="locate.json_file",
            message=f"{file.path} is JSON, which is not edited",
            remedy="write the manifest as YAML, or change it by hand",
        )
