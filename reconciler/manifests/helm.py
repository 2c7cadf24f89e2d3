"""Which files Helm reads for a source: the chart, and the value files in their order.

Protects: nothing is fetched. A dependency that is not vendored and a value file that is an address are refused before
Helm runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import foreign_text
from reconciler.manifests.checkout import joined, refuse
from reconciler.manifests.values import first_document, mappings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.manifests.checkout import Checkout
    from reconciler.model.delivery import Source


def collect_chart(checkout: Checkout, folder: str, max_bytes: int) -> None:
    """Read a chart of the repository into the checkout.

    Raises Refusal when it is none, or lacks a dependency.
    """
    paths = checkout.take_below(folder)
    declared = joined(folder, "Chart.yaml")
    if declared not in paths:
        refuse("no_chart", f"{folder or 'the root'} holds no Chart.yaml", "add one")
    for name in ("Chart.yaml", "requirements.yaml"):
        content = checkout.contents.get(joined(folder, name))
        dependencies = mappings(first_document(content, max_bytes).get("dependencies")) if content else []
        for dependency in dependencies:
            _require_vendored(folder, paths, str(dependency.get("name") or ""))


def _require_vendored(folder: str, paths: Sequence[str], name: str) -> None:
    charts = joined(folder, "charts")
    vendored = any(p.startswith((f"{charts}/{name}/", f"{charts}/{name}-")) for p in paths)
    if not name or not vendored:
        message = f"the chart {folder or 'in the root'} depends on {foreign_text(name)}, which is not below its charts/"
        refuse("dependency_missing", message, "vendor it with `helm dependency update`, and commit charts/")


def value_files(checkout: Checkout, source: Source, refs: dict[str, bool], folder: str) -> Iterator[str]:
    """Read the value files into the checkout and yield their paths in order.

    `refs` tells for every name that a source has whether that source is our repository.
    Raises Refusal when one is missing, an address, or in another repository.
    """
    for name in source.helm.value_files:
        path = _resolved(name, source, refs, folder)
        if checkout.take(path) is not None:
            yield path
        elif not source.helm.ignore_missing_value_files:
            refuse("value_file_missing", f"the value file {foreign_text(name)} is not in the repository", "add it")


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
