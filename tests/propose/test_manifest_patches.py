"""A folder that several read as it is: the value enters the patches of the Application's own manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.action import FieldChange
from reconciler.model.delivery import KustomizeOptions
from tests.manifests.examples import MANIFEST
from tests.propose.test_flux import KUSTOMIZATION, WITHOUT_NAMESPACE
from tests.propose.test_flux import proposed as proposed_by_flux
from tests.propose.test_flux import root as root_of_flux
from tests.propose.test_flux import source as flux_source
from tests.propose.test_own import root
from tests.propose.test_rendered import other, proposed, refusal, source
from tests.worlds import application, oom_remedy

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

KUSTOMIZATION_OF_ONE = """\
# owned by the platform team
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: webapp
  namespace: flux-system
spec:
  path: ./shop
  targetNamespace: production
"""
APPLICATION_OF_ONE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: webapp
  namespace: argocd
spec:
  source:
    repoURL: {url}
    targetRevision: trunk
    path: shop
{options}  destination: {{namespace: production}}
"""
FOLDER = {"shop/kustomization.yaml": "resources: [webapp.yaml]\n", "shop/webapp.yaml": MANIFEST}
PATCH = """\
{indent}- patch: '[{{"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "web"}}, {{"op": \
"replace", "path": "/spec/template/spec/containers/1/resources/limits/memory", "value": "1Gi"}}]'
{indent}  target:
{indent}    kind: Deployment
{indent}    name: webapp
"""


def test_two_kustomizations_over_a_folder_and_one_gets_a_patch_in_its_manifest(desk: Desk) -> None:
    """Both build the folder for another namespace; the manifest of this one stands in Git."""
    files = {
        "shop/kustomization.yaml": "resources: [webapp.yaml]\n",
        "shop/webapp.yaml": WITHOUT_NAMESPACE,
        "clusters/webapp.yaml": KUSTOMIZATION_OF_ONE,
    }
    mine = flux_source(desk, "shop", kustomize=KustomizeOptions(namespace="production"))
    staging = flux_source(desk, "shop", kustomize=KustomizeOptions(namespace="staging"))
    others = (
        application(ref=replace(KUSTOMIZATION, name="staging"), sources=(staging,), objects=frozenset()),
        root_of_flux(desk),
    )

    made = proposed_by_flux(desk, files, mine, *others)

    added = "  patches:\n" + PATCH.format(indent="    ")
    assert [(e.path, e.after) for e in made.edits] == [("clusters/webapp.yaml", KUSTOMIZATION_OF_ONE + added)]
    assert made.located.parent == root_of_flux(desk).ref
    assert [site.field for site in made.located.sites] == [("spec", "patches")]


def test_two_applications_over_a_folder_and_one_gets_a_patch_in_its_manifest(desk: Desk) -> None:
    """As for Flux, in `kustomize.patches` of Argo CD's Application."""
    files = FOLDER | {"apps/webapp.yaml": APPLICATION_OF_ONE.format(url=desk.shop.url, options="")}

    made = proposed(desk, files, source(desk, "Kustomize", "shop"), other(desk, "b", "Kustomize", "shop"), root(desk))

    options = "    kustomize:\n      patches:\n" + PATCH.format(indent=" " * 8)
    (edit,) = made.edits
    assert (edit.path, edit.after) == (
        "apps/webapp.yaml",
        APPLICATION_OF_ONE.format(url=desk.shop.url, options=options),
    )
    assert made.located.parent == root(desk).ref


def test_the_next_change_is_made_inside_that_patch(desk: Desk) -> None:
    """What we wrote ourselves decides by then, and is a place like any other."""
    now = PATCH.replace("1Gi", "512Mi").format(indent=" " * 8)
    options = "    kustomize:\n      patches:\n" + now
    manifest = APPLICATION_OF_ONE.format(url=desk.shop.url, options=options)
    files = FOLDER | {"apps/webapp.yaml": manifest, "shop/webapp.yaml": MANIFEST.replace("512Mi", "256Mi")}
    entry = (
        '{"patch": "[{\\"op\\": \\"replace\\", \\"path\\":'
        ' \\"/spec/template/spec/containers/1/resources/limits/memory\\", \\"value\\": \\"512Mi\\"}]",'
        ' "target": {"kind": "Deployment", "name": "webapp"}}'
    )
    mine = source(desk, "Kustomize", "shop", kustomize=KustomizeOptions(patches=(entry,)))

    made = proposed(desk, files, mine, other(desk, "b", "Kustomize", "shop"), root(desk))

    assert [(e.path, e.after) for e in made.edits] == [("apps/webapp.yaml", manifest.replace("512Mi", "1Gi"))]


def test_a_folder_of_two_is_refused_where_the_manifest_is_not_in_git(desk: Desk) -> None:
    """Nobody delivers the Application from this repository, so both are named."""
    refused = refusal(desk, FOLDER, source(desk, "Kustomize", "shop"), other(desk, "b", "Kustomize", "shop"))

    assert refused.code == "locate.shared_base"
    assert " b, which" in refused.message


@pytest.mark.parametrize(
    ("option", "name"),
    [("labels", "kustomize.commonLabels app.example/version"), ("annotations", "kustomize.commonAnnotations team")],
)
def test_label_or_annotation_that_the_application_sets_is_refused_by_name(desk: Desk, option: str, name: str) -> None:
    """Kustomize gives it to every object and to pods, so an edit of the option would change them all."""
    key, kind = name.rpartition(" ")[2], name.partition(" ")[0].rpartition(".")[2]
    said = f"    kustomize:\n      {kind}:\n        {key}: blue\n"
    manifest = APPLICATION_OF_ONE.format(url=desk.shop.url, options=said)
    options = replace(KustomizeOptions(), **{option: ((key, "blue"),)})  # type: ignore[arg-type]  # of the two
    mine = source(desk, "Kustomize", "shop", kustomize=options)
    remedy = oom_remedy()
    change = FieldChange(path=("metadata", option, key), before="blue", after="green")
    remedy = replace(remedy, actions=(remedy.actions[0], replace(remedy.actions[1], changes=(change,))))

    alone = refusal(desk, FOLDER, mine, remedy=remedy)
    in_git = refusal(desk, FOLDER | {"apps/webapp.yaml": manifest}, mine, root(desk), remedy=remedy)

    assert {alone.code, in_git.code} == {"locate.application_parameter"}
    assert name in alone.message
    assert name in in_git.message
    assert "would also change" in in_git.message
