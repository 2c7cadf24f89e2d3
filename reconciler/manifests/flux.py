"""What Flux's kustomize-controller makes of a folder: its kustomization, or one that lists all YAML below it.

Protects the proof: which files Flux takes follows its own generator and source-controller's default ignore list
(fluxcd/pkg kustomize 1.35 and sourceignore 0.18). A `.sourceignore`, which may leave out anything, is refused.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifests import kustomize
from reconciler.manifests.checkout import joined, refuse
from reconciler.manifests.tree import REGULAR_MODES
from reconciler.model.delivery import KustomizeOptions
from reconciler.model.rendering import FLUX, KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.manifests.checkout import Checkout
    from reconciler.model.delivery import Source
    from reconciler.model.proposal import TreeFile

_SUFFIXES = (".yaml", ".yml")
_IGNORED_FOLDERS = frozenset({".git", ".github", ".circleci"})
_IGNORED_FILES = frozenset(
    {
        ".travis.yml",
        ".gitlab-ci.yml",
        "appveyor.yml",
        ".drone.yml",
        "cloudbuild.yaml",
        "codeship-services.yml",
        "codeship-steps.yml",
        ".goreleaser.yml",
        ".sops.yaml",
        ".flux.yaml",
    }
)
_IGNORE_FILE = ".sourceignore"
_GLOB_WORDS = frozenset("*?[]{},\\")


def settled(source: Source, checkout: Checkout) -> Source:
    """Return a Flux source as what this commit makes of it: a plain directory, or a kustomization to render.

    Raises Refusal when the commit changes what Flux reads in a way that is not repeated here.
    """
    if source.kind != FLUX:
        return source
    folder = joined("", source.path)
    entries = checkout.entries(folder)
    _refuse_ignore_file(checkout, folder, entries)
    if kustomize.kustomization_in(checkout, folder) is not None:
        return replace(source, kind=KUSTOMIZE)
    if source.kustomize == KustomizeOptions() and not any(_nested(entries, folder)):
        return _directory(source, entries, folder)
    return replace(source, kind=KUSTOMIZE, kustomize=replace(source.kustomize, generated=True))


def as_directory(source: Source, checkout: Checkout) -> Source:
    """Return a Flux source as the plain directory that it is beside folders with a kustomization of their own.

    What is found in it is found once: kustomize refuses an object that two of its resources describe.
    """
    folder = joined("", source.path)
    if source.kind != FLUX or source.kustomize != KustomizeOptions():
        return source
    entries = checkout.entries(folder)
    _refuse_ignore_file(checkout, folder, entries)
    there = kustomize.kustomization_in(checkout, folder) is not None
    return source if there else _directory(source, entries, folder)


def _directory(source: Source, entries: Iterable[TreeFile], folder: str) -> Source:
    """Return a directory in Argo CD's words: `*` in a glob crosses slashes."""
    entries = tuple(entries)
    left_out = [f"{posixpath.relpath(nested, folder or '.')}/*" for nested in sorted(_nested(entries, folder))]
    below = [posixpath.relpath(entry.path, folder or ".") for entry in entries]
    left_out += [path for path in below if _is_ignored(path)]
    if any(_GLOB_WORDS.intersection(path.removesuffix("/*")) for path in left_out):
        refuse("flux_folder_name", f"a name below {folder or 'the root'} holds a wildcard", "rename it in Git")
    exclude = "{" + ",".join(left_out) + "}" if left_out else None
    return replace(source, kind="Directory", recurse=True, include="{*.yaml,*.yml}", exclude=exclude)


def collect(checkout: Checkout, source: Source, max_bytes: int) -> None:
    """Read everything that a settled source reads into the checkout; as `kustomize.collect`, with Flux's additions."""
    folder = joined("", source.path)
    folders = [folder]
    if source.kustomize.generated:
        entries = checkout.entries(folder)
        folders = sorted(_nested(entries, folder))
        for entry in entries:
            if _is_taken(entry, folder) and not any(entry.path.startswith(f"{nested}/") for nested in folders):
                checkout.take(entry.path)
    for found in (*folders, *(joined(folder, component) for component in source.kustomize.components)):
        kustomize.collect(checkout, found, max_bytes)


def _nested(entries: Iterable[TreeFile], folder: str) -> Iterator[str]:
    """Yield the outermost folders below that have a kustomization of their own: Flux takes each as a whole."""
    own = {posixpath.dirname(e.path) for e in entries if posixpath.basename(e.path) in kustomize.NAMES} - {folder}
    yield from (path for path in own if not any(path.startswith(f"{other}/") for other in own))


def _is_taken(entry: TreeFile, folder: str) -> bool:
    """Tell whether Flux lists a file; it packs no symlink."""
    relative = posixpath.relpath(entry.path, folder or ".")
    return entry.mode in REGULAR_MODES and relative.endswith(_SUFFIXES) and not _is_ignored(relative)


def _is_ignored(path: str) -> bool:
    folders = path.split("/")[:-1]
    name = posixpath.basename(path)
    return bool(_IGNORED_FOLDERS.intersection(folders)) or name in _IGNORED_FILES


def _refuse_ignore_file(checkout: Checkout, folder: str, entries: Iterable[TreeFile]) -> None:
    """Refuse where a `.sourceignore` stands above, in or below the folder."""
    steps = folder.split("/") if folder else []
    above = ["/".join([*steps[:depth], _IGNORE_FILE]) for depth in range(len(steps) + 1)]
    found = next((path for path in above if checkout.has(path)), None)
    found = found or next((e.path for e in entries if posixpath.basename(e.path) == _IGNORE_FILE), None)
    if found is not None:
        refuse("flux_ignore_file", f"{found} decides what Flux reads, which is not repeated here", "edit it by hand")
