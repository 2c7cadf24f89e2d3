"""The sources of an Application, as Argo CD's object writes them in a cluster and in Git, and what they tell the tools.

Protects the proof by rendering: a key that is set and that we cannot repeat is kept by name, so that nothing is
rendered without it as if it were not there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

Json: TypeAlias = dict[str, Any]

_HELM = frozenset(
    {
        "releaseName",
        "namespace",
        "valueFiles",
        "values",
        "valuesObject",
        "parameters",
        "fileParameters",
        "ignoreMissingValueFiles",
        "skipCrds",
        "skipTests",
        "skipSchemaValidation",
        "kubeVersion",
        "apiVersions",
        "passCredentials",  # concerns how a chart is fetched
        "version",  # v3 is all there is
    }
)
_LABEL_FLAGS = {
    "forceCommonLabels": "--force",
    "labelWithoutSelector": "--without-selector",
    "labelIncludeTemplates": "--include-templates",
}
_KUSTOMIZE = frozenset(
    {
        "namePrefix",
        "nameSuffix",
        "namespace",
        "images",
        "replicas",
        "patches",
        "components",
        "commonLabels",
        "commonAnnotations",
        "forceCommonAnnotations",
        *_LABEL_FLAGS,
    }
)


def sources_in(holder: Json) -> list[Json]:
    """Return the sources of a spec or a comparedTo: `sources` wins where both are set, as in Argo CD."""
    several = holder.get("sources")
    if several:
        return list(several)
    single = holder.get("source")
    return [single] if single and single.get("repoURL") else []  # comparedTo holds an empty one beside `sources`


def source_of(raw: Json, kind: str) -> Source:
    """Map one source; `kind` is its type as Argo CD found it."""
    directory = raw.get("directory") or {}
    return Source(
        repository=raw.get("repoURL") or "",
        path=raw.get("path") or "",
        target_revision=raw.get("targetRevision") or "HEAD",
        kind=kind,
        recurse=directory.get("recurse") is True,
        include=directory.get("include"),
        exclude=directory.get("exclude"),
        chart=raw.get("chart") or "",
        ref=raw.get("ref") or "",
        helm=_helm(raw.get("helm") or {}),
        kustomize=_kustomize(raw.get("kustomize") or {}),
    )


def _helm(raw: Json) -> HelmOptions:
    values = raw.get("valuesObject")
    return HelmOptions(
        release_name=raw.get("releaseName") or "",
        namespace=raw.get("namespace") or "",
        value_files=tuple(raw.get("valueFiles") or ()),
        values=json.dumps(values) if values else raw.get("values") or "",
        parameters=tuple(
            HelmParameter(
                name=p.get("name") or "", value=p.get("value") or "", force_string=p.get("forceString") is True
            )
            for p in raw.get("parameters") or ()
        ),
        file_parameters=tuple((p.get("name") or "", p.get("path") or "") for p in raw.get("fileParameters") or ()),
        ignore_missing_value_files=raw.get("ignoreMissingValueFiles") is True,
        skip_crds=raw.get("skipCrds") is True,
        skip_tests=raw.get("skipTests") is True,
        skip_schema=raw.get("skipSchemaValidation") is True,
        kube_version=raw.get("kubeVersion") or "",
        api_versions=tuple(raw.get("apiVersions") or ()),
        unsupported=_others(raw, _HELM),
    )


def _kustomize(raw: Json) -> KustomizeOptions:
    return KustomizeOptions(
        name_prefix=raw.get("namePrefix") or "",
        name_suffix=raw.get("nameSuffix") or "",
        namespace=raw.get("namespace") or "",
        images=tuple(raw.get("images") or ()),
        replicas=tuple((r.get("name") or "", str(r.get("count"))) for r in raw.get("replicas") or ()),
        patches=tuple(json.dumps(patch, sort_keys=True) for patch in raw.get("patches") or ()),
        labels=_pairs(raw.get("commonLabels")),
        label_flags=tuple(flag for key, flag in _LABEL_FLAGS.items() if raw.get(key) is True),
        annotations=_pairs(raw.get("commonAnnotations")),
        annotation_flags=("--force",) if raw.get("forceCommonAnnotations") is True else (),
        components=tuple(raw.get("components") or ()),
        unsupported=_others(raw, _KUSTOMIZE),
    )


def _pairs(raw: Json | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, str(value)) for key, value in (raw or {}).items()))


def _others(raw: Json, known: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that are set and not known; an empty one changes nothing."""
    return tuple(sorted(key for key, value in raw.items() if value and key not in known))
