"""What a Kustomization or a HelmRelease of Flux builds, as its object writes it in a cluster and in Git.

Protects the proof by rendering: a key that is set and that we cannot repeat is kept by name. Source: the API types
of kustomize-controller 1.9 (`kustomize.toolkit.fluxcd.io/v1`) and helm-controller 1.5 (`helm.toolkit.fluxcd.io/v2`).
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.model.delivery import HelmOptions, KustomizeOptions, Source
from reconciler.model.rendering import FLUX, HELM

if TYPE_CHECKING:
    from collections.abc import Iterable

Json: TypeAlias = dict[str, Any]

KUSTOMIZATION, HELM_RELEASE = "Kustomization", "HelmRelease"
GIT_REPOSITORY, OCI_REPOSITORY = "GitRepository", "OCIRepository"
KUSTOMIZATION_OPTIONS = frozenset(
    {"namePrefix", "nameSuffix", "targetNamespace", "images", "patches", "components", "postBuild"}
)
RELEASE_OPTIONS = frozenset({"values"})

_TIMING = frozenset(
    {"interval", "retryInterval", "timeout", "suspend", "dependsOn", "serviceAccountName", "kubeConfig"}
)
_KUSTOMIZATION = KUSTOMIZATION_OPTIONS | _TIMING
_KUSTOMIZATION |= {"path", "sourceRef", "prune", "wait", "force", "deletionPolicy", "healthChecks", "healthCheckExprs"}
_KUSTOMIZATION |= {"ignore", "commonMetadata", "buildMetadata", "decryption"}  # the same on both sides of a difference
_RELEASE = RELEASE_OPTIONS | _TIMING
_RELEASE |= {"chart", "chartRef", "releaseName", "targetNamespace", "storageNamespace", "persistentClient", "test"}
_RELEASE |= {
    "maxHistory",
    "install",
    "upgrade",
    "rollback",
    "uninstall",
    "driftDetection",
    "commonMetadata",
    "healthCheckExprs",
}
_POST_BUILD = frozenset({"substitute", "substituteFrom", "substituteStrategy"})
_CHART = frozenset({"chart", "version", "sourceRef", "interval", "valuesFiles", "ignoreMissingValuesFiles", "verify"})
_REPOSITORY = frozenset({"url", "ref", "interval", "timeout", "suspend", "secretRef", "provider", "serviceAccountName"})
_REPOSITORY |= {"proxySecretRef", "verify", "ignore"}


def source_reference(kind: str, raw: Json) -> tuple[str, str, str]:
    """Return kind, namespace and name of the source that an object builds from; all empty where it names none."""
    spec = raw.get("spec") or {}
    holder = spec if kind == KUSTOMIZATION else (spec.get("chart") or {}).get("spec") or {}
    ref = holder.get("sourceRef") or spec.get("chartRef") or {}
    namespace = ref.get("namespace") or raw["metadata"].get("namespace") or ""
    return ref.get("kind") or "", namespace, ref.get("name") or ""


def source_of_kustomization(spec: Json, repository: Json | None, named: str) -> Source:
    """Map a Kustomization's spec; `repository` is its GitRepository, None where `named` is of another kind or gone."""
    url, revision, others = _git(repository, named)
    after = _mapping(spec.get("postBuild"))
    variables = _mapping(after.get("substitute"))
    return Source(
        repository=url,
        path=_path(spec.get("path")),
        target_revision=revision,
        kind=FLUX,
        left_out=_left_out(repository),
        kustomize=KustomizeOptions(
            name_prefix=spec.get("namePrefix") or "",
            name_suffix=spec.get("nameSuffix") or "",
            namespace=spec.get("targetNamespace") or "",
            images=tuple(_image(image) for image in spec.get("images") or ()),
            patches=tuple(json.dumps(patch, sort_keys=True) for patch in spec.get("patches") or ()),
            components=tuple(spec.get("components") or ()),
            variables=tuple(sorted((name, str(value)) for name, value in variables.items())),
            fills_always=after.get("substituteStrategy") == "Always",
            variables_from=tuple(_reference(ref) for ref in after.get("substituteFrom") or ()),
            unsupported=(*_others(spec, _KUSTOMIZATION), *_unknown_in(after), *others),
        ),
    )


def _unknown_in(after: Json) -> tuple[str, ...]:
    """Return what of `postBuild` is not known: other keys, another strategy, a variable that is no text."""
    found = [f"postBuild.{key}" for key in _others(after, _POST_BUILD)]
    if after.get("substituteStrategy") not in (None, "", "Always", "WithVariables"):
        found.append("postBuild.substituteStrategy")
    variables = after.get("substitute") or {}
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        found.append("postBuild.substitute with a value that is no text")
    return tuple(found)


def _reference(ref: Any) -> str:  # noqa: ANN401 - what people write
    return f"{ref.get('kind')} {ref.get('name')}" if isinstance(ref, dict) else str(ref)


def _mapping(value: Any) -> Json:  # noqa: ANN401 - as above
    return value if isinstance(value, dict) else {}


def source_of_release(
    metadata: Json, spec: Json, repository: Json | None, named: str, *, built: str, installed: str
) -> Source:
    """Map a HelmRelease's spec; `repository` is the GitRepository of its chart, or None.

    `built` is the version of the chart that was installed last, for a spec may name a range, and `installed` its name,
    for a spec may name an OCIRepository alone.
    """
    url, revision, others = _git(repository, named)
    chart = (spec.get("chart") or {}).get("spec") or {}
    archive = (chart.get("chart") or "") if repository is None and named.startswith("HelmRepository ") else ""
    if repository is None and named.startswith(f"{OCI_REPOSITORY} "):
        archive, built = installed, built.partition("+")[0]  # helm-controller adds the digest that the tag had
    namespace = spec.get("targetNamespace") or ""
    name = spec.get("releaseName") or "-".join(part for part in (namespace, metadata["name"]) if part)
    values = spec.get("values")
    unknown = (*_others(chart, _CHART | {"reconcileStrategy"}), *_other_chart(spec.get("chartRef") or {}))
    return Source(
        repository=url,
        path=_path(chart.get("chart")) if not archive else "",
        target_revision=built or str(chart.get("version") or "*") if archive else revision,
        kind=HELM,
        left_out=_left_out(repository),
        chart=archive,
        helm=HelmOptions(
            release_name=name,
            namespace=namespace or metadata.get("namespace") or "",
            value_files=tuple(f"/{_path(name)}" for name in chart.get("valuesFiles") or ()),
            values=json.dumps(values) if values else "",
            value_files_replace=True,
            files_fixed=True,
            ignore_missing_value_files=chart.get("ignoreMissingValuesFiles") is True,
            unsupported=(*_others(spec, _RELEASE), *unknown, *others),
        ),
    )


def _other_chart(ref: Json) -> tuple[str, ...]:
    return () if ref.get("kind") in (None, OCI_REPOSITORY) else (f"chartRef of a {ref['kind']}",)


def _git(repository: Json | None, named: str) -> tuple[str, str, tuple[str, ...]]:
    """Return URL, followed revision and unknown keys; what is no Git repository is named in place of its URL."""
    if repository is None:
        return named, "", ()
    spec = repository.get("spec") or {}
    others = tuple(f"{GIT_REPOSITORY} {key}" for key in _others(spec, _REPOSITORY))
    return spec.get("url") or "", _followed(spec.get("ref") or {}), others


def _left_out(repository: Json | None) -> str | None:
    return None if repository is None else str((repository.get("spec") or {}).get("ignore") or "")


def _followed(ref: Json) -> str:
    """Return what a GitRepository follows, in Flux's order of precedence; `master` where it says nothing."""
    for key in ("commit", "name", "semver", "tag", "branch"):
        if ref.get(key):
            return str(ref[key])
    return "master"


def _path(said: str | None) -> str:
    return posixpath.normpath(said or ".").lstrip("/") or "."


def _image(raw: Json) -> str:
    """Return an entry as `kustomize edit set image` takes it; an asterisk keeps what the kustomization says."""
    name, other = raw.get("name") or "", raw.get("newName") or "*"
    if raw.get("digest"):
        return f"{name}={other}@{raw['digest']}"
    return f"{name}={other}:{raw.get('newTag') or '*'}"


def _others(raw: Json, known: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that are set and not known; an empty one changes nothing."""
    return tuple(sorted(key for key, value in raw.items() if value and key not in known))
