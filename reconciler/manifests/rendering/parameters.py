"""Values that an Application sets itself: parameters, values, images, replicas, labels, patches, variables.

They win over every file, so where one of them decides a field, no edit of a file would do. Which one it is, is found as
everywhere: by rendering with another value.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import Refusal
from reconciler.manifests.editing.parts import arrange, scan
from reconciler.manifests.editing.scalars import holds_quantity
from reconciler.manifests.editing.values import plain
from reconciler.model.quantity import same_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model.action import Replacement
    from reconciler.model.rendering import RenderJob


def with_other_parameters(job: RenderJob, change: Replacement) -> Iterator[tuple[str, RenderJob]]:
    """Yield the job with one of the Application's own values changed, each with the name of its field."""

    def other(value: str) -> str | None:
        alike = same_quantity if holds_quantity(change.path) else str.__eq__
        if alike(value, change.before):
            return change.after
        (name, _, tag), (new_name, _, new_tag) = change.before.rpartition(":"), change.after.rpartition(":")
        if change.path[-1] == "image" and name == new_name and value.endswith(tag):
            return value.removesuffix(tag) + new_tag
        return None

    yield from _helm(job, other)
    yield from _kustomize(job, other)
    yield from _variables(job, other)


def _helm(job: RenderJob, other: Callable[[str], str | None]) -> Iterator[tuple[str, RenderJob]]:
    for number, parameter in enumerate(job.helm.parameters):
        value = other(parameter.value)
        if value is not None:
            changed = (
                *job.helm.parameters[:number],
                replace(parameter, value=value),
                *job.helm.parameters[number + 1 :],
            )
            yield f"helm.parameters {parameter.name}", replace(job, helm=replace(job.helm, parameters=changed))
    for name, values in _replaced(_own_values(job.helm.values), other):
        yield f"helm values {name}", replace(job, helm=replace(job.helm, values=json.dumps(values)))


def _own_values(text: str) -> Any:  # noqa: ANN401 - YAML has no narrower type
    """Return what YAML in an option says, every value as text: enough to see whether one of them decides."""
    try:
        roots = arrange(scan(text))
    except Refusal:
        return {}
    return plain(roots[0]) if roots else {}


def _kustomize(job: RenderJob, other: Callable[[str], str | None]) -> Iterator[tuple[str, RenderJob]]:
    options = job.kustomize
    for number, image in enumerate(options.images):
        value = other(image.rpartition("=")[2])
        if value is not None:
            images = (*options.images[:number], image[: len(image) - len(image.rpartition("=")[2])] + value)
            images += options.images[number + 1 :]
            yield f"kustomize.images {image}", replace(job, kustomize=replace(options, images=images))
    for name, counts in _with_another(options.replicas, other):
        yield f"kustomize.replicas {name}", replace(job, kustomize=replace(options, replicas=counts))
    for name, pairs in _with_another(options.labels, other):
        yield f"kustomize.commonLabels {name}", replace(job, kustomize=replace(options, labels=pairs))
    for name, pairs in _with_another(options.annotations, other):
        yield f"kustomize.commonAnnotations {name}", replace(job, kustomize=replace(options, annotations=pairs))
    for number, patch in enumerate(options.patches):
        entry = json.loads(patch)
        for name, changed in _replaced(_own_values(str(entry.get("patch") or "")), other):
            whole = json.dumps(entry | {"patch": json.dumps(changed)})
            patches = (*options.patches[:number], whole, *options.patches[number + 1 :])
            yield f"kustomize.patches {number + 1} {name}", replace(job, kustomize=replace(options, patches=patches))


def _variables(job: RenderJob, other: Callable[[str], str | None]) -> Iterator[tuple[str, RenderJob]]:
    for name, changed in _with_another(job.kustomize.variables, other):
        yield f"postBuild.substitute {name}", replace(job, kustomize=replace(job.kustomize, variables=changed))


def _with_another(
    pairs: tuple[tuple[str, str], ...], other: Callable[[str], str | None]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Yield names and values with one of the values changed, each with its name."""
    for number, (name, said) in enumerate(pairs):
        value = other(said)
        if value is not None:
            yield name, (*pairs[:number], (name, value), *pairs[number + 1 :])


def _replaced(value: Any, other: Callable[[str], str | None]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    """Yield the value with one of its texts replaced, for each that `other` has another one for."""
    if isinstance(value, dict):
        for key, below in value.items():
            for name, changed in _replaced(below, other):
                yield f"{key}.{name}".removesuffix("."), {**value, key: changed}
    elif isinstance(value, list):
        for number, below in enumerate(value):
            for name, changed in _replaced(below, other):
                yield f"{number}.{name}".removesuffix("."), [*value[:number], changed, *value[number + 1 :]]
    elif isinstance(value, str):
        after = other(value)
        if after is not None:
            yield "", after
