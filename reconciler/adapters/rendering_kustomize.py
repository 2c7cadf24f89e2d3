"""Kustomize as Argo CD and Flux run it: the own options go into the kustomization first, then it is built."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from reconciler.adapters.rendering_substitution import substituted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.adapters.rendering_process import Tool
    from reconciler.model.delivery import KustomizeOptions
    from reconciler.model.rendering import RenderJob

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def build(tool: Tool, files: Path, job: RenderJob) -> bytes:
    """Return the rendered YAML."""
    folder = files / job.folder if job.folder else files
    if job.kustomize.generated:
        _generate(folder)
    for arguments in _edits(job.kustomize):
        tool.run(["edit", *arguments], folder)
    _extend(folder, "patches", [json.loads(patch) for patch in job.kustomize.patches])
    _extend(folder, "components", job.kustomize.components)
    return substituted(tool.run(["build", "."], folder), job.kustomize)


def _edits(options: KustomizeOptions) -> Iterator[list[str]]:
    """Yield `kustomize edit` commands in Argo CD's order."""
    if options.name_prefix:
        yield ["set", "nameprefix", "--", options.name_prefix]
    if options.name_suffix:
        yield ["set", "namesuffix", "--", options.name_suffix]
    if options.images:
        yield ["set", "image", "--", *options.images]
    if options.replicas:
        yield ["set", "replicas", "--", *(f"{name}={count}" for name, count in options.replicas)]
    if options.labels:
        yield ["add", "label", *options.label_flags, "--", *(f"{key}:{value}" for key, value in options.labels)]
    if options.annotations:
        pairs = (f"{key}:{value}" for key, value in options.annotations)
        yield ["add", "annotation", *options.annotation_flags, "--", *pairs]
    if options.namespace:
        yield ["set", "namespace", "--", options.namespace]


def _generate(folder: Path) -> None:
    """Write the kustomization that Flux makes: every YAML file below, and folders with their own as a whole."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    resources: list[str] = []
    for here, below, names in os.walk(folder):
        relative = os.path.relpath(here, folder)
        if relative != "." and any(name in names for name in NAMES):
            resources.append(relative)
            below.clear()
        else:
            found = (name for name in names if name.endswith((".yaml", ".yml")))
            resources += (os.path.normpath(os.path.join(relative, name)) for name in found)  # noqa: PTH118 - a text
    (folder / NAMES[0]).write_text(yaml.safe_dump({"resources": sorted(resources)}))


def _extend(folder: Path, key: str, entries: Sequence[object]) -> None:
    """Append entries in the temporary copy, where the layout of the file does not matter."""
    if not entries:
        return
    import yaml

    file = next(folder / name for name in NAMES if (folder / name).is_file())
    content = yaml.safe_load(file.read_bytes()) or {}
    content[key] = [*(content.get(key) or ()), *entries]
    file.write_text(yaml.safe_dump(content, sort_keys=False))
