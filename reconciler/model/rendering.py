"""What a rendering needs, as content: the tool, its options, and every file that it may read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from reconciler.model.delivery import HelmOptions, KustomizeOptions

KUSTOMIZE = "Kustomize"  # Argo CD's words for the types of a source
HELM = "Helm"
FLUX = "Flux"  # whatever Flux's kustomize-controller makes of a folder; Git decides which of the others it is

UNKNOWN = "\ue000"  # around what stands in a rendering for a variable whose value is not known here

Rendered: TypeAlias = Mapping[str, Any]  # one object, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """One rendering, a function of nothing but this; paths are the repository's."""

    tool: str
    folder: str  # of the kustomization or the chart; empty: the root, or a chart that is not in Git
    files: Mapping[str, bytes] = field(repr=False)  # for the tool, nothing else exists
    release: str  # the Application's name, or its releaseName
    namespace: str
    kustomize: KustomizeOptions = field(default_factory=KustomizeOptions)
    helm: HelmOptions = field(default_factory=HelmOptions)
    value_files: tuple[str, ...] = ()  # of Helm, resolved; the later wins
    file_parameters: tuple[tuple[str, str], ...] = ()  # of Helm: (name, file), resolved
    chart: str = ""  # of a chart repository: `name-version`
    copies: tuple[tuple[str, str], ...] = ()  # (file, where it stands again for the tool): local charts of a chart
    override: str = ""  # the file beside the source that sets options in the Application's place
    again: bool = False  # the same once more, to see whether it comes out the same

    def edited(self, files: Mapping[str, bytes]) -> RenderJob:
        """Return the same job with other content in some files."""
        again = {copy: files[path] for path, copy in self.copies if path in files}
        return replace(self, files={**self.files, **files, **again})

    @property
    def key(self) -> str:
        """A hash of everything that decides the outcome."""
        what = (self.tool, self.folder, self.release, self.namespace, self.chart, self.again)
        digest = hashlib.sha256(repr(what).encode())
        how = (self.kustomize, self.kustomize.variables, self.value_files, self.file_parameters, _whole(self.helm))
        digest.update(repr(how).encode())
        for path, content in sorted(self.files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def _whole(helm: HelmOptions) -> tuple[object, ...]:
    """Return the options with the values that their `repr` hides."""
    parameters = tuple((p.name, p.value, p.force_string) for p in helm.parameters)
    return (repr(helm), helm.values, parameters)
