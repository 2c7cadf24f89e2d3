"""Which files Helm reads for a source: the chart, and the value files in their order.

Protects: nothing is fetched. A dependency that is not vendored and a value file that is an address are refused before
Helm runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import foreign_text
from reconciler.manifests.editing.values import first_document, mappings
from reconciler.manifests.files.checkout import joined, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.delivery import Source

_DECLARING = ("Chart.yaml", "requirements.yaml")
_LOCAL = "file://"
_GLOB = frozenset("*?[")


def collect_chart(checkout: Checkout, folder: str, max_bytes: int) -> None:
    """Read a chart of the repository into the checkout.

    A dependency that is not vendored, but a chart of the repository (`file://…`), is put where `helm dependency build`
    puts it, as Argo CD runs that. Raises Refusal when it is no chart, or lacks a dependency.
    """
    paths = checkout.take_below(folder)
    declared = joined(folder, "Chart.yaml")
    if declared not in paths:
        refuse("no_chart", f"{folder or 'the root'} holds no Chart.yaml", "add one")
    for name, local in _missing(checkout, folder, paths, max_bytes):
        below = checkout.take_below(local) if local else ()
        if joined(local, "Chart.yaml") not in below or any(_missing(checkout, local, below, max_bytes)):
            message = (
                f"the chart {folder or 'in the root'} depends on {foreign_text(name)}, which is not below its charts/"
            )
            refuse("dependency_missing", message, "vendor it with `helm dependency update`, and commit charts/")
        for path in below:
            checkout.copy(path, joined(folder, f"charts/{name}/{path.removeprefix(f'{local}/')}"))


def local_charts(checkout: Checkout, folder: str, max_bytes: int) -> tuple[str, ...]:
    """Return the folders of the charts of the repository on which the one in a folder depends, vendored or not."""
    for name in _DECLARING:
        checkout.take(joined(folder, name))
    return tuple(local for _, local in _dependencies(checkout, folder, max_bytes) if local)


def _missing(checkout: Checkout, folder: str, paths: Sequence[str], max_bytes: int) -> Iterator[tuple[str, str]]:
    """Yield the dependencies that are not vendored."""
    charts = joined(folder, "charts")
    for name, local in _dependencies(checkout, folder, max_bytes):
        if not name or not any(p.startswith((f"{charts}/{name}/", f"{charts}/{name}-")) for p in paths):
            yield name, local


def _dependencies(checkout: Checkout, folder: str, max_bytes: int) -> Iterator[tuple[str, str]]:
    """Yield each dependency once, with the folder of its chart where that is a path from this one; else empty."""
    found: dict[str, str] = {}
    for file in _DECLARING:
        content = checkout.contents.get(joined(folder, file))
        for dependency in mappings(first_document(content, max_bytes).get("dependencies")) if content else ():
            repository = str(dependency.get("repository") or "")
            inside = repository.startswith(_LOCAL) and not repository.startswith(f"{_LOCAL}/")
            local = joined(folder, repository.removeprefix(_LOCAL)) if inside else ""
            found[str(dependency.get("name") or "")] = local
    yield from found.items()


def value_files(checkout: Checkout, source: Source, refs: dict[str, bool], folder: str) -> Iterator[str]:
    """Read the value files into the checkout and yield their paths in order.

    `refs` tells for every name that a source has whether that source is our repository.
    Raises Refusal when one is missing, an address, or in another repository.
    """
    for name in source.helm.value_files:
        if _GLOB.intersection(name):  # in some versions of Argo CD a file of that name, in others all that it matches
            message = f"the value file {foreign_text(name)} is a pattern, whose files are not told here"
            refuse("value_file_pattern", message, "name the value files one by one")
        path = _resolved(name, source, refs, folder)
        if checkout.take(path) is not None:
            yield path
        elif not source.helm.ignore_missing_value_files:
            refuse("value_file_missing", f"the value file {foreign_text(name)} is not in the repository", "add it")


def file_parameters(
    checkout: Checkout, source: Source, refs: dict[str, bool], folder: str
) -> Iterator[tuple[str, str]]:
    """Read the files whose content is a value into the checkout; yield each value's name with the file's path.

    Raises Refusal as `value_files` does.
    """
    for name, file in source.helm.file_parameters:
        path = _resolved(file, source, refs, folder)
        if checkout.take(path) is None:
            refuse("value_file_missing", f"the file {foreign_text(file)} is not in the repository", "add it")
        yield name, path


def _resolved(name: str, source: Source, refs: dict[str, bool], folder: str) -> str:
    if "://" in name:
        refuse("remote_values", f"the value file {foreign_text(name)} is an address", "keep value files in Git")
    if not name.startswith("$"):
        if source.chart:
            message = f"the value file {foreign_text(name)} lies inside a chart that is not in Git"
            refuse("values_in_chart", message, "use a value file of a source with a `ref`")
        return joined("", name) if name.startswith("/") else joined(folder, name)
    ref, _, path = name[1:].partition("/")
    if not refs.get(ref):
        message = f"the value file {foreign_text(name)} lies in another repository, or in no source's"
        refuse("other_repository", message, "keep it in the configured repository")
    return joined("", path)


def editable_values(folder: str, files: Sequence[str], named: Sequence[str], *, chart: str) -> tuple[str, ...]:
    """Return the files that values may be edited in, the winner first: never templates, never a vendored chart."""
    own = joined(folder, "values.yaml")
    defaults = [own] if not chart and own in files else []
    return tuple(dict.fromkeys([*reversed(named), *defaults]))
