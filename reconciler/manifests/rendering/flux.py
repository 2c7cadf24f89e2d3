"""What Flux's kustomize-controller makes of a folder: its kustomization, or one that lists all YAML below it.

Protects the proof: which files Flux takes follows its own generator (fluxcd/pkg kustomize 1.35), of what
source-controller hands on; what that leaves out is hidden in the checkout.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifests.files.checkout import joined, refuse
from reconciler.manifests.files.tree import REGULAR_MODES
from reconciler.manifests.rendering import kustomize
from reconciler.model.delivery import KustomizeOptions
from reconciler.model.rendering import FLUX, KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.delivery import Source
    from reconciler.model.proposal import TreeFile

_SUFFIXES = (".yaml", ".yml")
_GLOB_WORDS = frozenset("*?[]{},\\")


def settled(source: Source, checkout: Checkout) -> Source:
    """Return a Flux source as what this commit makes of it: a plain directory, or a kustomization to render.

    Raises Refusal when the commit changes what Flux reads in a way that is not repeated here.
    """
    if source.kind != FLUX:
        return source
    folder = joined("", source.path)
    entries = checkout.entries(folder)
    if kustomize.kustomization_in(checkout, folder) is not None:
        return replace(source, kind=KUSTOMIZE)
    if source.kustomize == KustomizeOptions() and not any(_nested(entries, folder)):
        return _directory(source, checkout, folder)
    return replace(source, kind=KUSTOMIZE, kustomize=replace(source.kustomize, generated=True))


def as_directory(source: Source, checkout: Checkout) -> Source:
    """Return a Flux source as the plain directory that it is beside folders with a kustomization of their own.

    What is found in it is found once: kustomize refuses an object that two of its resources describe.
    """
    folder = joined("", source.path)
    if source.kind != FLUX or source.kustomize != KustomizeOptions():
        return source
    there = kustomize.kustomization_in(checkout, folder) is not None
    return source if there else _directory(source, checkout, folder)


def _directory(source: Source, checkout: Checkout, folder: str) -> Source:
    """Return a directory in Argo CD's words: `*` in a glob crosses slashes."""
    nested = sorted(_nested(checkout.entries(folder), folder))
    left_out = [f"{posixpath.relpath(path, folder or '.')}/*" for path in nested]
    left_out += [posixpath.relpath(p, folder or ".") for p in checkout.hidden(folder) if p.endswith(_SUFFIXES)]
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
            if _is_taken(entry) and not any(entry.path.startswith(f"{nested}/") for nested in folders):
                checkout.take(entry.path)
    for found in (*folders, *(joined(folder, component) for component in source.kustomize.components)):
        kustomize.collect(checkout, found, max_bytes)


def _nested(entries: Iterable[TreeFile], folder: str) -> Iterator[str]:
    """Yield the outermost folders below that have a kustomization of their own: Flux takes each as a whole."""
    own = {posixpath.dirname(e.path) for e in entries if posixpath.basename(e.path) in kustomize.NAMES} - {folder}
    yield from (path for path in own if not any(path.startswith(f"{other}/") for other in own))


def _is_taken(entry: TreeFile) -> bool:
    """Tell whether Flux lists a file; it packs no symlink."""
    return entry.mode in REGULAR_MODES and entry.path.endswith(_SUFFIXES)
