"""Kustomize as Argo CD runs it: the Application's own options go into the kustomization first, then it is built."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.adapters.rendering_process import Tool
    from reconciler.model.delivery import KustomizeOptions
    from reconciler.model.rendering import RenderJob

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def build(tool: Tool, files: Path, job: RenderJob) -> bytes:
    """Return the rendered YAML."""
    folder = files / job.folder if job.folder else files
    for arguments in _edits(job.kustomize):
        tool.run(["edit", *arguments], folder)
    if job.kustomize.patches:
        _add_patches(folder, job.kustomize.patches)
    return tool.run(["build", "."], folder)


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
    if options.namespace:
        yield ["set", "namespace", "--", options.namespace]


def _add_patches(folder: Path, patches: tuple[str, ...]) -> None:
    """Append the Application's patches in the temporary copy, where the layout of the file does not matter."""
    import yaml

    file = next(folder / name for name in NAMES if (folder / name).is_file())
    content = yaml.safe_load(file.read_bytes()) or {}
    content["patches"] = [*(content.get("patches") or ()), *(json.loads(patch) for patch in patches)]
    file.write_text(yaml.safe_dump(content, sort_keys=False))
