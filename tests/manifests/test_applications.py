"""An Application's manifest says what its sources are, and only what it tells its tool may be edited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.declared.applications import is_option, manifest_in, with_manifest
from reconciler.model.delivery import Application, HelmParameter
from reconciler.model.objects import parse_path
from tests.worlds import APPLICATION, application

MANIFEST = """\
kind: ConfigMap
apiVersion: v1
metadata: {name: webapp}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: webapp, namespace: argocd}
spec:
  source:
    repoURL: https://git.example/r
    path: chart
    helm:
      skipCrds: true
      valuesObject: {replicas: 3, on: "yes", ratio: 0.5, none: null}
      parameters: [{name: a, value: "1", forceString: true}]
"""


def mine() -> Application:
    """Return the Application as the cluster has it."""
    return application(ref=replace(APPLICATION, name="webapp", namespace="argocd"))


def declared(text: str) -> Application:
    """Return the Application as a file in Git declares it."""
    return with_manifest(mine(), manifest_in(text.encode(), mine().ref, max_bytes=10_000))


def test_sources_are_read_as_argo_cd_would() -> None:
    """Types included: numbers, booleans, and text that only looks like one."""
    made = declared(MANIFEST)

    (source,) = made.sources
    assert (source.path, source.kind, source.helm.skip_crds) == ("chart", "Directory", True)
    assert source.helm.values == '{"replicas": 3, "on": "yes", "ratio": 0.5, "none": null}'
    assert source.helm.parameters == (HelmParameter(name="a", value="1", force_string=True),)


def test_manifest_with_another_number_of_sources_is_ahead() -> None:
    """Invariant 3: delivery may just be behind."""
    several = MANIFEST.replace("  source:\n    repoURL", "  sources:\n  - repoURL: x\n  - repoURL")

    with pytest.raises(Conflict):
        declared(several)


def test_file_without_the_manifest_is_refused() -> None:
    """It was moved or renamed."""
    with pytest.raises(Refusal):
        declared("a: 1\n")


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("spec.source.helm.parameters[name=a].value", True),
        ("spec.source.kustomize.images[index=0]", True),
        ("spec.sources[index=1].helm.valuesObject.a", True),
        ("spec.source.path", False),
        ("spec.sources[index=1].targetRevision", False),
        ("spec.destination.namespace", False),
        ("metadata.annotations.helm", False),
    ],
)
def test_only_what_the_tool_is_told_may_be_edited(field: str, allowed: bool) -> None:  # noqa: FBT001 - a table
    """Never what is read, nor where it goes."""
    assert is_option(parse_path(field)) is allowed
