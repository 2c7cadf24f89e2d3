"""Where Kustomize keeps a field: its own fields, names, generators and an Application's overrides, on the real tool."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.model.action import FieldChange
from reconciler.model.delivery import KustomizeOptions, Source
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef, parse_path
from tests.adapters.tools import programs
from tests.manifests.examples import CONTAINER, MANIFEST, MEMORY
from tests.propose.test_own import root
from tests.propose.test_rendered import BASE, OVERLAY, POINTER, other, source
from tests.worlds import WEBAPP, Story, oom_remedy

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

PROD = "overlays/prod/kustomization.yaml"
IMAGE = f"{CONTAINER}.image"
Change = tuple[str, str | None, str | None]


def proposed(
    desk: Desk,
    files: dict[str, str],
    change: Change | tuple[Change, ...],
    *others: Application,
    target: ObjectRef = WEBAPP,
    owner: ObjectRef | None = None,
    listed: tuple[str, str, str, str] | None = None,
    locate: dict[str, Any] | None = None,
    kind: str = "Kustomize",
    **options: Any,  # noqa: ANN401 - any field of the source
) -> Proposal:
    """Commit the files beside the base, and propose a change of an object that overlay `prod` renders."""
    desk.shop.ana.commit("trunk", {**BASE, **files})
    changes = change if isinstance(change[0], tuple) else (change,)
    remedy = oom_remedy()
    made = tuple(FieldChange(path=parse_path(p), before=b, after=a) for p, b, a in changes)
    remedy = replace(remedy, actions=(remedy.actions[0], replace(remedy.actions[1], target=target, changes=made)))
    mine: Source = source(desk, kind, "overlays/prod", **options)
    key = (target.group, target.kind, target.namespace, target.name)
    world = desk.snapshot(sources=(mine,), objects=frozenset({listed or key}), generated_by=owner)
    assert not isinstance(world.applications, Unknown)
    world = replace(world, applications=(*world.applications, *others))
    return desk.propose(operation=Story(remedy).operation, world=world, rendering=programs(), locate=locate or {})


def edits(made: Proposal) -> dict[str, str]:
    """Return the files as they would be."""
    return {edit.path: edit.after for edit in made.edits}


@pytest.mark.parametrize(
    ("fields", "change", "expected"),
    [
        (
            "replicas:\n- name: webapp\n  count: 3  # two zones\n",
            ("spec.replicas", "3", "5"),
            "replicas:\n- name: webapp\n  count: 5  # two zones\n",
        ),
        (
            'images:\n- name: shop\n  newTag: "2.1"\n',
            (IMAGE, "shop:2.1", "shop:2.2"),
            'images:\n- name: shop\n  newTag: "2.2"\n',
        ),
        (
            'images:\n- name: shop\n  newName: registry.example/shop\n  newTag: "2.0"\n',
            (IMAGE, "registry.example/shop:2.0", "registry.example/shop:2.2"),
            'images:\n- name: shop\n  newName: registry.example/shop\n  newTag: "2.2"\n',
        ),
    ],
)
def test_field_of_the_kustomization_is_edited_where_it_decides(
    desk: Desk, fields: str, change: Change, expected: str
) -> None:
    """`replicas` and `images` win over the base, which may say the same."""
    assert edits(proposed(desk, {PROD: OVERLAY + fields}, change)) == {PROD: OVERLAY + expected}


LIMIT_PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: webapp, namespace: production}
spec:
  template:
    spec:
      containers:
      - name: web
        resources: {limits: {memory: 512Mi}}
"""
POINTED = f"- op: replace\n  path: {POINTER}\n  value: 512Mi\n"
AT = "{group: apps, version: v1, kind: Deployment, name: webapp, namespace: production}"


@pytest.mark.parametrize(
    ("kustomization", "path", "patch"),
    [
        ("components:\n- ../../parts\n", "parts/patch.yaml", LIMIT_PATCH),
        ("patchesStrategicMerge:\n- patch.yaml\n", "overlays/prod/patch.yaml", LIMIT_PATCH),
        (f"patchesJson6902:\n- path: patch.yaml\n  target: {AT}\n", "overlays/prod/patch.yaml", POINTED),
        (
            f"patches:\n- path: patch.json\n  target: {AT}\n",
            "overlays/prod/patch.json",
            f'[{{"op": "replace", "path": "{POINTER}",\n  "value": "512Mi"}}]\n',
        ),
    ],
    ids=["component", "older strategic patch", "older JSON patch", "patch written as JSON"],
)
def test_patch_is_edited_wherever_it_comes_from(desk: Desk, kustomization: str, path: str, patch: str) -> None:
    """Components, the fields of older kustomizations, and JSON."""
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: patch.yaml\n"
    files = {PROD: OVERLAY + kustomization, "parts/kustomization.yaml": component, "parts/patch.yaml": LIMIT_PATCH}

    made = proposed(desk, files | {path: patch}, (MEMORY, "512Mi", "1Gi"))

    assert edits(made) == {path: patch.replace("512Mi", "1Gi")}


def test_image_of_a_new_name_keeps_its_tag_in_the_base(desk: Desk) -> None:
    """The name comes from the overlay, the tag from the manifest."""
    fields = "images:\n- name: shop\n  newName: registry.example/shop\n"

    made = proposed(desk, {PROD: OVERLAY + fields}, (IMAGE, "registry.example/shop:2.1", "registry.example/shop:2.2"))

    assert edits(made) == {"base/webapp.yaml": MANIFEST.replace("shop:2.1", "shop:2.2")}


def test_tag_beside_a_digest_is_refused(desk: Desk) -> None:
    """A new tag beside an old digest changes nothing."""
    digest = "sha256:" + "0" * 64
    fields = f'images:\n- name: shop\n  newTag: "2.1"\n  digest: {digest}\n'

    with pytest.raises(Refusal) as refused:
        proposed(desk, {PROD: OVERLAY + fields}, (IMAGE, f"shop:2.1@{digest}", f"shop:2.2@{digest}"))

    assert refused.value.code.startswith("locate.")


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ("namePrefix: eu-\n", "eu-webapp"),
        ("nameSuffix: -eu\n", "webapp-eu"),
        ("namePrefix: a-\nnameSuffix: -z\n", "a-webapp-z"),
    ],
)
def test_object_of_another_name_is_found_in_the_base(desk: Desk, names: str, name: str) -> None:
    """Prefixes and suffixes are Kustomize's; the base says neither."""
    made = proposed(desk, {PROD: OVERLAY + names}, (MEMORY, "512Mi", "1Gi"), target=replace(WEBAPP, name=name))

    assert edits(made) == {"base/webapp.yaml": MANIFEST.replace("512Mi", "1Gi")}


@pytest.mark.parametrize("names", ["namePrefix: eu-\n", "nameSuffix: -eu\n", "namespace: production\n"])
def test_shared_base_of_an_object_of_another_name_gets_a_patch_in_the_overlay(desk: Desk, names: str) -> None:
    """The patch names the object as the overlay's own patches do."""
    name = {"namePrefix: eu-\n": "eu-webapp", "nameSuffix: -eu\n": "webapp-eu"}.get(names, "webapp")
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, {PROD: OVERLAY + names}, (MEMORY, "512Mi", "1Gi"), staging, target=replace(WEBAPP, name=name))

    assert PROD in edits(made)
    assert "base/webapp.yaml" not in edits(made)


@pytest.mark.parametrize(
    "change", [(f"{CONTAINER}.env[name=MODE].value", "quiet", "true"), ("metadata.annotations.weight", "10", "12")]
)
def test_text_that_looks_like_a_number_stays_text_in_a_new_patch(desk: Desk, change: Change) -> None:
    """The API takes nothing but text there, in a strategic patch and by pointers."""
    made = proposed(desk, {}, change, other(desk, "staging", "Kustomize", "overlays/staging"))

    assert f"'{change[2]}'" in edits(made)["overlays/prod/deployment-webapp-values.yaml"]


SETTINGS = ObjectRef(cluster="default", group="", kind="ConfigMap", namespace="production", name="settings")
STABLE = "generatorOptions:\n  disableNameSuffixHash: true\n"


@pytest.mark.parametrize(
    ("generator", "more", "path"),
    [
        ("  literals:\n  - LEVEL=debug\n  - OTHER=debug\n", {}, PROD),
        (
            "  envs:\n  - app.env\n",
            {"overlays/prod/app.env": "# words\nOTHER=debug\nLEVEL=debug\n"},
            "overlays/prod/app.env",
        ),
    ],
)
def test_literal_of_a_generated_config_map_is_edited(
    desk: Desk, generator: str, more: dict[str, str], path: str
) -> None:
    """Where its name stays; only the key that is meant."""
    text = f"{OVERLAY}{STABLE}configMapGenerator:\n- name: settings\n{generator}"
    files = {PROD: text} | more

    made = proposed(desk, files, ("data.LEVEL", "debug", "info"), target=SETTINGS)

    assert edits(made) == {path: files[path].replace("LEVEL=debug", "LEVEL=info")}


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: webapp
  namespace: argocd
spec:
  source:
    repoURL: {url}
    targetRevision: trunk
    path: overlays/prod
    kustomize:
{options}  destination: {{namespace: production}}
"""
PATCH = f"""\
      patches:
      - target: {{kind: Deployment}}
        patch: |-
          - op: replace
            path: {POINTER}
            value: 512Mi
"""
OPERATION = json.dumps([{"op": "replace", "path": POINTER, "value": "512Mi"}])


@pytest.mark.parametrize(
    ("written", "options", "change", "expected"),
    [
        (
            "      images:\n      - shop=registry.example/shop:2.1\n",
            KustomizeOptions(images=("shop=registry.example/shop:2.1",)),
            (IMAGE, "registry.example/shop:2.1", "registry.example/shop:2.2"),
            "      images:\n      - shop=registry.example/shop:2.2\n",
        ),
        (
            "      images:\n      - shop:2.1\n",
            KustomizeOptions(images=("shop:2.1",)),
            (IMAGE, "shop:2.1", "shop:2.2"),
            "      images:\n      - shop:2.2\n",
        ),
        (
            "      replicas:\n      - name: webapp\n        count: 3\n",
            KustomizeOptions(replicas=(("webapp", "3"),)),
            ("spec.replicas", "3", "5"),
            "      replicas:\n      - name: webapp\n        count: 5\n",
        ),
        (
            PATCH,
            KustomizeOptions(patches=(json.dumps({"target": {"kind": "Deployment"}, "patch": OPERATION}),)),
            (MEMORY, "512Mi", "1Gi"),
            PATCH.replace("512Mi", "1Gi"),
        ),
    ],
)
def test_override_in_the_application_is_edited_in_its_manifest(
    desk: Desk, written: str, options: KustomizeOptions, change: Change, expected: str
) -> None:
    """App of apps: images, replicas and patches of `spec.source.kustomize`."""
    files = {"apps/webapp.yaml": APPLICATION.format(url=desk.shop.url, options=written)}

    made = proposed(desk, files, change, root(desk), kustomize=options)

    assert edits(made) == {"apps/webapp.yaml": APPLICATION.format(url=desk.shop.url, options=expected)}
