"""Which files a kustomization reads, its bases, components, patches and generators included.

Protects: nothing is fetched. A base that is not in the commit, and any address where a file is read, is refused before
kustomize runs; so is what would make it start another program.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reconciler.errors import Refusal, foreign_text
from reconciler.manifests.editing.values import first_document, leaves, mappings, texts
from reconciler.manifests.files.checkout import is_below, joined, refuse
from reconciler.manifests.files.contents import Contents, Reading, contents_of, unjudged
from reconciler.manifests.files.tree import REGULAR_MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.manifests.files.folder import Folder

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_FOLDERS = ("resources", "bases", "components", "generators", "transformers", "validators")  # files or kustomizations
_FILES = ("crds", "configurations", "patchesStrategicMerge")
_WITH_PATH = ("patches", "patchesJson6902", "replacements", "openapi")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_STARTS_PROGRAMS = ("helmCharts", "helmChartInflationGenerator")
_MAX_KUSTOMIZATIONS = 200
_CONFIGURE = ("generators", "transformers", "validators")  # with objects that read files themselves
_ENTRIES = ("path", "files", "env", "envs", "valuesFile", "additionalValuesFiles", "name", "chartHome")
_KNOWN = (*_FOLDERS, *_FILES, *_WITH_PATH, *_GENERATORS, *_STARTS_PROGRAMS, "helmGlobals", *_ENTRIES)
_AS_WRITTEN = {key.casefold(): key for key in _KNOWN}
_IN_PLACE = re.compile(r"\n|^\s*\{.*:")  # a patch in YAML or JSON


def named_in(data: bytes, max_bytes: int) -> Contents:
    """Return what a kustomization names, each with whether it may be a folder; never raises."""
    try:
        return contents_of(len(data), list(_entries(first_document(data, max_bytes))))
    except Refusal as refusal:
        return unjudged(len(data), refusal.code)


def is_kustomization(path: str, mode: int) -> bool:
    """Tell whether a file is a folder's kustomization, by its name."""
    return mode in REGULAR_MODES and posixpath.basename(path) in NAMES


KUSTOMIZATIONS = Reading("kustomizations 3", is_kustomization, named_in)


def readers(
    kustomizations: Folder, paths: Collection[str], resolved: Callable[[str], str] = lambda path: path
) -> set[str]:
    """Return the folders whose kustomization reads one of the files, itself or by way of others; doubt counts.

    `kustomizations` are all of the commit, `resolved` returns a path without symbolic links.
    """
    folders = {posixpath.dirname(path) for path in kustomizations.manifests}
    named_by: dict[str, list[str]] = {}
    inflating: list[tuple[str, str]] = []  # (chart, folder)
    for path, (_, contents) in kustomizations.manifests.items():
        here = posixpath.dirname(path)
        for entry, what in contents.words():
            with suppress(Refusal):  # it leads out of the repository
                inflating += [(resolved(joined(here, entry)), here)] if what == "chart" else []
                named_by.setdefault(resolved(joined(here, entry)), []).append(here)
    doubtful = (posixpath.dirname(file.path) for file in kustomizations.unjudged())
    found = {here for here in doubtful if any(is_below(path, here) for path in paths)}
    found |= {posixpath.dirname(path) for path in paths if path in kustomizations.manifests}
    found |= {here for path in paths for here in named_by.get(path, ())}
    found |= {here for chart, here in inflating if any(is_below(path, chart) for path in paths)}
    waiting = list(found)
    while waiting:
        above = {here for here in named_by.get(waiting.pop(), ()) if here in folders} - found
        found |= above
        waiting += above
    return found


def collect(checkout: Checkout, folder: str, max_bytes: int) -> None:
    """Read everything that the kustomization in a folder reads into the checkout.

    Raises Refusal, with a code `rendering.…`, when it reads what is not in the commit.
    """
    waiting = [(folder, False)]  # with whether what it makes configures kustomize
    seen = set(waiting)
    while waiting:
        here, configures = waiting.pop()
        content = _kustomization(checkout, here, max_bytes, configures=configures)
        configured = _configured(content, configures=configures)
        found = [
            (below, entry in configured)
            for entry, what in _entries(content)
            for below in _take(checkout, here, entry, what)
        ]
        waiting += [below for below in dict.fromkeys(found) if below not in seen]
        seen.update(found)
        if len(seen) > _MAX_KUSTOMIZATIONS:
            refuse("too_large", f"{folder} reads more than {_MAX_KUSTOMIZATIONS} kustomizations", "split it")


def kustomization_in(checkout: Checkout, folder: str) -> str | None:
    """Return the path of a folder's kustomization, or None."""
    paths = (joined(folder, name) for name in NAMES)
    return next((path for path in paths if checkout.has(path)), None)


def _kustomization(checkout: Checkout, here: str, max_bytes: int, *, configures: bool) -> dict[str, Any]:
    path = kustomization_in(checkout, here)
    data = checkout.take(path) if path else None
    if data is None:
        refuse("no_kustomization", f"{here or 'the root'} holds no kustomization", "add a kustomization.yaml")
    content = first_document(data, max_bytes)
    configured = _configured(content, configures=configures)
    words = [text for entry in configured for text in _words_of(entry, checkout, here, max_bytes)]
    if any("://" in text for text in (*words, *(leaves(data, max_bytes) if configures else ()))):
        message = f"{path} is configured by an object that names an address, which may be read"
        refuse("remote_base", message, "vendor it into the repository, or edit the field by hand")
    for key in _STARTS_PROGRAMS:
        if content.get(key):
            refuse("helm_in_kustomize", f"{path} inflates a chart ({key}), which is not done here", "edit it by hand")
    return content


def _entries(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a kustomization names, with whether it may be a folder; no patch that is written out in place.

    Raises Refusal where kustomize would read what is not seen here.
    """
    for mapping in (content, *(item for key in _KNOWN for item in mappings(content.get(key)))):
        _refuse_unseen(mapping)
    return ((entry, what) for entry, what in _all_entries(content) if not _IN_PLACE.search(entry))


def _refuse_unseen(mapping: dict[str, Any]) -> None:
    """Refuse keys in other letters than ours, which kustomize takes all the same, and aliases, which it follows."""
    for key, value in mapping.items():
        known = _AS_WRITTEN.get(str(key).casefold())
        if known is not None and known != key:
            refuse("odd_key", f"a kustomization has the key {foreign_text(key)}", f"write it as {known}")
        if (known or key == "<<") and (value is None or (isinstance(value, list) and None in value)):
            refuse("alias", f"a kustomization says by an alias what its {foreign_text(key)} are", "write them out")


def _all_entries(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in _FOLDERS:
        yield from ((entry, "folder") for entry in texts(content.get(key)))
    for key in _FILES:
        yield from ((entry, "file") for entry in texts(content.get(key)))
    for key in _WITH_PATH:
        for item in mappings(content.get(key)):
            yield from ((entry, "file") for entry in texts(item.get("path")))
    for chart in mappings(content.get("helmCharts")):  # not rendered here, but whoever inflates one reads its files
        yield from ((entry, "file") for entry in texts(chart.get("valuesFile")))
        yield from ((entry, "file") for entry in texts(chart.get("additionalValuesFiles")))
        home = mappings(content.get("helmGlobals"))[:1] or [{}]
        yield posixpath.join(str(home[0].get("chartHome") or "charts"), str(chart.get("name") or "")), "chart"
    for key in _GENERATORS:
        for item in mappings(content.get(key)):
            yield from ((entry.partition("=")[2] or entry, "file") for entry in texts(item.get("files")))
            for env in ("env", "envs"):
                yield from ((entry, "file") for entry in texts(item.get(env)))


def _configured(content: dict[str, Any], *, configures: bool) -> list[str]:
    """Return what a kustomization is configured by: objects in place, or the names of their files and folders.

    All that it names does so where what it makes itself configures another one.
    """
    if configures:
        return [entry for entry, _ in _all_entries(content)]
    return [entry for key in _CONFIGURE for entry in texts(content.get(key))]


def _words_of(entry: str, checkout: Checkout, folder: str, max_bytes: int) -> Iterator[str]:
    """Yield every text of the objects; a folder's are looked at with its kustomization."""
    data = entry.encode() if _IN_PLACE.search(entry) else None
    if data is None and "://" not in entry:
        data = checkout.take(joined(folder, entry))
    yield from () if data is None else leaves(data, max_bytes)


def _take(checkout: Checkout, folder: str, entry: str, what: str) -> Iterator[str]:
    """Read a file into the checkout, or yield the folder of another kustomization."""
    path = "" if "://" in entry else joined(folder, entry)
    if path and checkout.take(path) is not None:
        return
    if "://" not in entry and what == "folder" and kustomization_in(checkout, path) is not None:
        yield path
        return
    message = f"{foreign_text(entry)}, which {folder or 'the root'} reads, is not in the repository"
    refuse("remote_base", message, "vendor it into the repository, or edit the field by hand")
