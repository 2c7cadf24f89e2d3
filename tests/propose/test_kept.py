"""Proposals in the manifest of what Flux or Argo CD delivers, behind kustomizations and charts, on the real tools."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal
from reconciler.model.action import FieldChange
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions
from reconciler.model.facts import Unknown
from reconciler.model.objects import parse_path
from reconciler.propose.values import values_rendered
from reconciler.propose.workshop import Workshop
from tests.adapters.tools import programs, renderers
from tests.propose.test_fields import CPU, HELM
from tests.propose.test_flux import (
    CHART,
    KUSTOMIZATION,
    RELEASE,
    RELEASE_MANIFEST,
    WITHOUT_NAMESPACE,
    proposed,
    root,
    source,
)
from tests.propose.test_own import KEY, MANIFEST_OF_ONE
from tests.propose.test_rendered import other
from tests.worlds import LIMIT, WEBAPP, Story, application, oom_remedy

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

MANIFEST = RELEASE_MANIFEST.format(chart="./chart", kind="GitRepository")
WITHOUT_VALUES = MANIFEST[: MANIFEST.index("  values:")]
VALUES_PATCH = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: webapp
  namespace: production
spec:
  values:
    {key}: {value}  # ours
"""
OVERLAY = {
    "base/webapp.yaml": MANIFEST,
    "base/kustomization.yaml": "resources: [webapp.yaml]\n",
    "clusters/kustomization.yaml": "resources:\n- ../base\n",
}
PATCHED = OVERLAY | {"clusters/kustomization.yaml": "resources:\n- ../base\npatches:\n- path: values.yaml\n"}


def of_release(desk: Desk, files: dict[str, str], *others: Application, memory: str = "512Mi") -> Proposal:
    """Propose for what a HelmRelease of the repository's chart delivers, and Flux's root the release."""
    helm = HelmOptions(
        release_name="webapp",
        namespace="production",
        values=f'{{"memory": "{memory}"}}' if memory else "",
        value_files_replace=True,
        files_fixed=True,
    )
    mine = source(desk, "chart", kind="Helm", helm=helm)
    return proposed(desk, CHART | files, mine, root(desk), *others, ref=RELEASE)


def staging(desk: Desk) -> Application:
    """Return the Kustomization of another environment, which reads the base."""
    return application(
        ref=replace(KUSTOMIZATION, name="staging"), sources=(source(desk, "staging"),), objects=frozenset()
    )


def edits(made: Proposal) -> dict[str, str]:
    """Return the edited files."""
    return {edit.path: edit.after for edit in made.edits}


def test_a_release_that_a_kustomization_lists_is_edited_in_its_file(desk: Desk) -> None:
    """The usual layout of a cluster's folder: what the root renders is looked at as a whole."""
    files = {"clusters/webapp.yaml": MANIFEST, "clusters/kustomization.yaml": "resources: [webapp.yaml]\n"}

    made = of_release(desk, files)

    assert edits(made) == {"clusters/webapp.yaml": MANIFEST.replace("512Mi", "1Gi")}
    assert (made.located.parent, made.located.application) == (root(desk).ref, RELEASE)


def test_a_release_in_a_folder_of_its_own_below_the_root_is_found(desk: Desk) -> None:
    """The root has no kustomization and one below has: both are looked through."""
    files = {"clusters/more.yaml": "", "clusters/shop/webapp.yaml": MANIFEST}
    files["clusters/shop/kustomization.yaml"] = "resources: [webapp.yaml]\n"

    assert list(edits(of_release(desk, files))) == ["clusters/shop/webapp.yaml"]


def test_a_patch_of_the_release_is_edited_where_it_decides(desk: Desk) -> None:
    """The base says the same, and stays: rendering tells that the patch wins."""
    patch = VALUES_PATCH.format(key="memory", value="512Mi")

    made = of_release(desk, PATCHED | {"clusters/values.yaml": patch})

    assert edits(made) == {"clusters/values.yaml": patch.replace("512Mi", "1Gi")}


def test_a_base_that_others_read_stays_and_the_overlays_own_patch_takes_the_value(desk: Desk) -> None:
    """Staging renders the same base; the patch beside this overlay gets the key."""
    patch = VALUES_PATCH.format(key="other", value="1")
    files = PATCHED | {"clusters/values.yaml": patch, "staging/kustomization.yaml": "resources: [../base]\n"}

    made = of_release(desk, files, staging(desk))

    assert edits(made) == {"clusters/values.yaml": f"{patch}    memory: 1Gi\n"}
    assert made.located.shared_with == ()


def test_a_base_that_others_read_stays_and_the_overlay_gets_a_patch(desk: Desk) -> None:
    """No patch is there yet, so one comes, with its entry."""
    made = of_release(desk, OVERLAY | {"staging/kustomization.yaml": "resources: [../base]\n"}, staging(desk))

    changed = edits(made)
    assert set(changed) == {"clusters/kustomization.yaml", "clusters/helmrelease-webapp-values.yaml"}
    assert "memory: 1Gi" in changed["clusters/helmrelease-webapp-values.yaml"]
    assert made.located.parent == root(desk).ref


def test_what_the_chart_alone_says_enters_the_releases_values(desk: Desk) -> None:
    """Another value in the chart would be no new version of it; the release's own `values` win over it."""
    files = {"chart/values.yaml": "memory: 512Mi\n", "clusters/webapp.yaml": WITHOUT_VALUES}

    made = of_release(desk, files, memory="")

    assert edits(made) == {"clusters/webapp.yaml": f"{WITHOUT_VALUES}  values:\n    memory: 1Gi\n"}
    assert made.located.parent == root(desk).ref


def test_what_the_chart_alone_says_enters_the_values_behind_a_kustomization(desk: Desk) -> None:
    """The document that makes the release takes it."""
    files = OVERLAY | {"chart/values.yaml": "memory: 512Mi\n", "base/webapp.yaml": WITHOUT_VALUES}

    made = of_release(desk, files, memory="")

    assert edits(made) == {"base/webapp.yaml": f"{WITHOUT_VALUES}  values:\n    memory: 1Gi\n"}


def test_a_new_field_enters_the_releases_values_beside_its_neighbour(desk: Desk) -> None:
    """The chart gives the neighbour, so the key is as far from the neighbour's as the fields are apart."""
    desk.shop.ana.commit("trunk", {**HELM, "clusters/webapp.yaml": MANIFEST})
    helm = HelmOptions(
        release_name="webapp",
        namespace="production",
        values='{"memory": "512Mi"}',
        value_files_replace=True,
        files_fixed=True,
    )
    remedy = oom_remedy()
    change = replace(remedy.actions[1], changes=(FieldChange(path=parse_path(CPU), before=None, after="100m"),))
    remedy = replace(remedy, actions=(remedy.actions[0], change))
    world = desk.snapshot(ref=RELEASE, sources=(source(desk, "chart", kind="Helm", helm=helm),))
    assert not isinstance(world.applications, Unknown)
    world = replace(world, applications=(*world.applications, root(desk)))

    made = desk.propose(operation=Story(remedy).operation, world=world, rendering=programs())

    assert edits(made) == {"clusters/webapp.yaml": f"{MANIFEST}    resources:\n      requests:\n        cpu: 100m\n"}


def test_an_edit_that_reaches_another_object_of_the_parent_is_refused(desk: Desk) -> None:
    """One patch for every release of the root: who else gets the value is named."""
    patch = "- op: add\n  path: /spec/values\n  value:\n    memory: 512Mi\n"
    files = {
        "clusters/webapp.yaml": WITHOUT_VALUES,
        "clusters/other.yaml": WITHOUT_VALUES.replace("name: webapp", "name: other"),
        "clusters/all.yaml": patch,
        "clusters/kustomization.yaml": "resources: [webapp.yaml, other.yaml]\n"
        "patches: [{path: all.yaml, target: {kind: HelmRelease}}]\n",
    }

    with pytest.raises(Refusal, match="would deliver more otherwise") as refused:
        of_release(desk, files)

    assert refused.value.code == "locate.application_parameter"


def test_an_edit_that_sets_another_option_of_the_release_too_is_refused(desk: Desk) -> None:
    """The chart does not read it today; it is not what was intended all the same."""
    copied = "replacements:\n- source: {kind: HelmRelease, fieldPath: spec.values.memory}\n  targets:\n"
    copied += "  - select: {kind: HelmRelease}\n    fieldPaths: [spec.values.copy]\n    options: {create: true}\n"

    with pytest.raises(Refusal, match=r"spec\.values\.copy") as refused:
        of_release(desk, OVERLAY | {"clusters/kustomization.yaml": f"resources:\n- ../base\n{copied}"})

    assert refused.value.code == "locate.reach"


def test_a_root_that_cannot_be_rendered_is_named(desk: Desk) -> None:
    """Not as if nobody kept the manifest."""
    files = {"clusters/webapp.yaml": MANIFEST, "clusters/kustomization.yaml": "resources: ['https://far.example/a']\n"}

    with pytest.raises(Refusal, match="not in the repository") as refused:
        of_release(desk, files)

    assert refused.value.code == "locate.application_parameter"


def test_an_image_of_a_kustomization_behind_a_kustomization_is_edited(desk: Desk) -> None:
    """Its `spec.images` decides, in a manifest that the root's kustomization lists."""
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: webapp}\nspec:\n  template: {spec: {containers:"
    patch += " [{name: web, resources: {limits: {memory: 512Mi}}}]}}\n"
    lines = "".join(f"        {line}\n" for line in patch.splitlines())
    manifest = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: webapp
  namespace: flux-system
spec:
  path: ./shop
  targetNamespace: production
  patches:
    - patch: |
{lines}"""
    files = {
        "shop/webapp.yaml": WITHOUT_NAMESPACE.replace("memory: 512Mi", "memory: 256Mi"),
        "clusters/webapp.yaml": manifest,
        "clusters/kustomization.yaml": "resources: [webapp.yaml]\n",
    }
    options = KustomizeOptions(namespace="production", patches=(json.dumps({"patch": patch}),))

    made = proposed(desk, files, source(desk, "shop", kustomize=options), root(desk), namespace="production")

    assert edits(made) == {"clusters/webapp.yaml": manifest.replace("512Mi", "1Gi")}


def test_a_parameter_that_a_chart_of_applications_gives_is_edited_in_its_values(desk: Desk) -> None:
    """Argo CD's app of apps is a chart as often as not: the value file of that chart decides."""
    options = "    helm:\n      parameters:\n      - name: memory\n        value: {{ .Values.shop.memory }}\n"
    manifest = MANIFEST_OF_ONE.format(url=desk.shop.url, helm=options)
    files = {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
        "apps/values.yaml": "shop:\n  memory: 512Mi  # people's words\n",
        "apps/templates/webapp.yaml": manifest,
        "apps/webapp.yaml": "",
    }
    desk.shop.ana.commit("trunk", {**CHART, **files})
    helm = HelmOptions(parameters=(HelmParameter(name="memory", value="512Mi"),))
    world = desk.snapshot(sources=(source(desk, "chart", kind="Helm", helm=helm),))
    assert not isinstance(world.applications, Unknown)
    parent = replace(other(desk, "root", "Helm", "apps"), objects=frozenset({KEY}))

    made = desk.propose(world=replace(world, applications=(*world.applications, parent)), rendering=programs())

    assert edits(made) == {"apps/values.yaml": "shop:\n  memory: 1Gi  # people's words\n"}
    assert made.located.parent == parent.ref


def test_value_at_a_commit_is_read_through_the_parent(desk: Desk) -> None:
    """Invariant 7: a reviewer's own value, in a patch that decides since."""
    made = of_release(desk, PATCHED | {"clusters/values.yaml": VALUES_PATCH.format(key="memory", value="512Mi")})
    desk.shop.ana.commit("trunk", {"clusters/values.yaml": VALUES_PATCH.format(key="memory", value="3Gi")})
    repository = desk.repository()
    there = Workshop(repository=repository, renderer=renderers(), settings=desk.settings(), commit=repository.fetch())
    helm = HelmOptions(release_name="webapp", namespace="production", values="{}", files_fixed=True)
    mine = application(ref=RELEASE, sources=(source(desk, "chart", kind="Helm", helm=helm),))

    read = values_rendered(mine, made.located, [(WEBAPP, LIMIT)], there, parent=root(desk))

    assert read == ("3Gi",)
