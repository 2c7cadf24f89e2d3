"""Layouts of real repositories: what is edited there, who else counts as a reader, what is refused and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.delivery import HelmOptions, KustomizeOptions, Source
from tests.manifests.examples import CONTAINER, MANIFEST
from tests.propose.test_kustomize import edits
from tests.propose.test_kustomize import proposed as changed
from tests.propose.test_rendered import BASE, CHART, POINTER, other, proposed, refusal, source

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

IMAGE = f"{CONTAINER}.image"
OVERRIDE = "overlays/prod/.argocd-source-webapp.yaml"
ALONE = CHART | {"chart/values.yaml": "memory: 512Mi\n"}
UMBRELLA = {
    "umbrella/Chart.yaml": "apiVersion: v2\nname: umbrella\nversion: 0.1.0\n"
    "dependencies:\n- {name: webapp, alias: shop, version: 0.1.0, repository: 'file://../chart'}\n",
    "umbrella/values.yaml": "shop:\n  memory: 512Mi\n",
}


@pytest.mark.parametrize(
    "values",
    [
        "host: '{{ .Release.Name }}.example.com'\nmemory: 512Mi\n",
        '## e.g. {{ include "webapp.fullname" . }}\nmemory: 512Mi\n',
        "rule: |\n  {{ $labels.pod }} is down\nmemory: 512Mi\nplain: a {{ b }}\n",
    ],
)
def test_braces_inside_values_and_comments_do_not_hide_a_value(desk: Desk, values: str) -> None:
    """Helm does not fill a value file, whatever its values are for."""
    made = proposed(desk, CHART | {"chart/values.yaml": values}, source(desk, "Helm", "chart"))

    assert edits(made) == {"chart/values.yaml": values.replace("512Mi", "1Gi")}


def test_images_that_an_updater_wrote_beside_the_source_are_repeated(desk: Desk) -> None:
    """Argo CD Image Updater's file counts in the rendering, and another field is edited where it stands."""
    files = {OVERRIDE: "kustomize:\n  images:\n  - shop:2.2\n"}

    made = changed(desk, files, ((f"{CONTAINER}.resources.limits.memory"), "512Mi", "1Gi"))

    assert edits(made) == {"base/webapp.yaml": MANIFEST.replace("512Mi", "1Gi", 1)}


def test_parameters_that_an_updater_wrote_beside_the_source_are_repeated(desk: Desk) -> None:
    """Its key `forcestring` is read as Go reads JSON."""
    written = "helm:\n  parameters:\n  - {name: tag, value: '2', forcestring: true}\n"
    template = CHART["chart/templates/webapp.yaml"].replace("shop:2.1", "shop:{{ .Values.tag }}")
    files = ALONE | {"chart/.argocd-source-webapp.yaml": written, "chart/templates/webapp.yaml": template}

    made = proposed(desk, files, source(desk, "Helm", "chart"))

    assert edits(made) == {"chart/values.yaml": "memory: 1Gi\n"}


def test_field_that_an_updater_set_is_refused_with_its_file_named(desk: Desk) -> None:
    """It would write the file again."""
    with pytest.raises(Exception, match=r"\.argocd-source-webapp\.yaml sets the field") as refused:
        changed(desk, {OVERRIDE: "kustomize:\n  images:\n  - shop:2.2\n"}, (IMAGE, "shop:2.2", "shop:2.3"))

    assert getattr(refused.value, "code", "") == "locate.override_file"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".argocd-source.yaml", "kustomize:\n  namePrefix: x-\n"),
        (".argocd-source-argocd_webapp.yaml", "kustomize:\n  images:\n  - shop:2.2\n"),
    ],
)
def test_file_beside_the_source_that_is_not_repeated_is_refused_by_name(desk: Desk, name: str, text: str) -> None:
    """Other options, and a file that counts only where Argo CD runs in another namespace than its Application."""
    refused = refusal(desk, BASE | {f"overlays/prod/{name}": text}, source(desk, "Kustomize", "overlays/prod"))

    assert refused.code == "rendering.override_file"
    assert name in refused.message


def test_chart_beside_the_umbrella_is_a_dependency_that_argo_cd_brings_itself(desk: Desk) -> None:
    """`file://…`: `helm dependency build` is what Argo CD runs for it; the value stands below the alias."""
    made = proposed(desk, CHART | UMBRELLA, source(desk, "Helm", "umbrella"))
    own = {"umbrella/values.yaml": "shop: {}\n", "chart/values.yaml": "memory: 512Mi\n", "envs/prod.yaml": "a: 1\n"}
    mine = source(desk, "Helm", "umbrella", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    default = proposed(desk, CHART | UMBRELLA | own, mine)

    assert edits(made) == {"umbrella/values.yaml": "shop:\n  memory: 1Gi\n"}
    assert edits(default) == {"envs/prod.yaml": "a: 1\nshop:\n  memory: 1Gi\n"}


def test_value_file_pattern_is_refused_by_name(desk: Desk) -> None:
    """Versions of Argo CD differ on it, and a missing file that may be missing would hide that."""
    options = HelmOptions(value_files=("../envs/*.yaml",), ignore_missing_value_files=True)
    mine: Source = source(desk, "Helm", "chart", helm=options)

    assert refusal(desk, ALONE, mine).code == "rendering.value_file_pattern"


STAGING = ("staging", "Kustomize", "overlays/staging")
PATCHED = "resources:\n- ../../base\npatches:\n- path: web.yaml\n"
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: webapp
  namespace: production
spec:
  template:
    spec:
      containers:
      - name: web
        resources:
          requests:
            cpu: 1
"""


def test_patch_of_the_overlay_takes_the_value_of_a_shared_base(desk: Desk) -> None:
    """A patch that is there for the object gets the field; no second file is written beside it."""
    files = BASE | {"overlays/prod/kustomization.yaml": PATCHED, "overlays/prod/web.yaml": PATCH}

    made = proposed(desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, *STAGING))

    assert edits(made) == {"overlays/prod/web.yaml": f"{PATCH}          limits:\n            memory: 1Gi\n"}


def test_name_of_a_new_patch_is_one_that_is_free(desk: Desk) -> None:
    """An earlier patch by pointers, which cannot take the field, has the first one."""
    taken = "overlays/prod/deployment-webapp-values.yaml"
    files = BASE | {
        "overlays/prod/kustomization.yaml": PATCHED.replace(
            "web.yaml", "deployment-webapp-values.yaml\n  target: {kind: Deployment}"
        ),
        taken: "- {op: replace, path: /spec/replicas, value: 4}\n",
    }

    made = proposed(desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, *STAGING))

    assert sorted(edits(made)) == ["overlays/prod/deployment-webapp-values-2.yaml", "overlays/prod/kustomization.yaml"]


def test_overlay_keeps_its_line_ends(desk: Desk) -> None:
    """A kustomization that was written on Windows gets its entry with the same."""
    overlay = "resources:\r\n- ../../base\r\n"
    files = BASE | {"overlays/prod/kustomization.yaml": overlay}

    made = proposed(desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, *STAGING))

    entry = "patches:\n- path: deployment-webapp-values.yaml\n  target:\n    kind: Deployment\n    name: webapp\n"
    assert edits(made)["overlays/prod/kustomization.yaml"] == overlay + entry.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("limits", "rest"),
    [
        ("limits: &size {cpu: 1, memory: 512Mi}", "requests: *size"),
        ("limits: {cpu: 1, memory: &size 512Mi}", "requests: {memory: *size}"),
    ],
)
def test_value_that_an_anchor_shares_gets_a_patch(desk: Desk, limits: str, rest: str) -> None:
    """An edit there would change the request too, so the limit alone goes to the overlay."""
    written = (
        'limits: {cpu: 1, memory: 512Mi}   # measured in May\n            requests:\n              memory: "256Mi"\n'
    )
    base = MANIFEST.replace(written, f"{limits}\n            {rest}\n")

    made = proposed(desk, BASE | {"base/webapp.yaml": base}, source(desk, "Kustomize", "overlays/prod"))

    assert base != MANIFEST
    assert "base/webapp.yaml" not in edits(made)
    assert "value: 1Gi" in edits(made)["overlays/prod/deployment-webapp-values.yaml"]


def test_value_that_a_replacement_takes_from_a_config_map_is_edited_there(desk: Desk) -> None:
    """Kustomize copies it; where the ConfigMap itself is delivered too, the edit would change more than the field."""
    field = "spec.template.spec.containers.[name=web].resources.limits.memory"
    overlay = (
        "resources:\n- ../../base\n- sizes.yaml\nreplacements:\n"
        "- source: {kind: ConfigMap, name: sizes, fieldPath: data.web}\n"
        f"  targets:\n  - select: {{kind: Deployment}}\n    fieldPaths: ['{field}']\n"
    )
    local = "  annotations: {config.kubernetes.io/local-config: 'true'}\n"
    sizes = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sizes\n{local}data:\n  web: 512Mi\n"
    base = MANIFEST.replace("memory: 512Mi", "memory: 1Mi")
    files = BASE | {
        "base/webapp.yaml": base,
        "overlays/prod/kustomization.yaml": overlay,
        "overlays/prod/sizes.yaml": sizes,
    }
    delivered = files | {"overlays/prod/sizes.yaml": sizes.replace(local, "")}
    mine = source(desk, "Kustomize", "overlays/prod")

    assert edits(proposed(desk, files, mine)) == {"overlays/prod/sizes.yaml": sizes.replace("512Mi", "1Gi")}
    refused = refusal(desk, delivered, mine)
    assert (refused.code, "ConfigMap sizes data.web" in refused.message) == ("locate.not_found", True)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            "a: 1\na: 2\nmemory: 512Mi\n",
            "chart/values.yaml cannot be judged: a mapping in the file has the key a twice",
        ),
        ("memory: 512Mi of everything\n", "512Mi stands in chart/values.yaml at line 1"),
    ],
)
def test_value_that_is_not_found_is_refused_with_where_it_may_stand(desk: Desk, values: str, said: str) -> None:
    """A file that is not judged is named with the reason, and so is a line that says the value in another form."""
    template = MANIFEST.replace("memory: 512Mi", 'memory: {{ .Values.memory | splitList " " | first }}')
    files = CHART | {"chart/values.yaml": values, "chart/templates/webapp.yaml": template}

    refused = refusal(desk, files, source(desk, "Helm", "chart"))

    assert refused.code == "locate.not_found"
    assert said in refused.message


def test_chart_that_makes_passwords_up_is_refused_by_name(desk: Desk) -> None:
    """Two renderings of the same files differ, so the edit is not blamed for it."""
    made_up = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: {{ randAlphaNum 16 }}\n"
    refused = refusal(desk, ALONE | {"chart/templates/db.yaml": made_up}, source(desk, "Helm", "chart"))

    assert refused.code == "rendering.not_repeatable"
    assert "Secret db stringData.password" in refused.message


def test_options_of_kustomize_in_the_application_are_repeated(desk: Desk) -> None:
    """Components, labels and annotations; the patch of the component decides the value."""
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: big.yaml\n"
    big = PATCH.replace("requests:\n            cpu: 1", "limits:\n            memory: 512Mi")
    files = {
        "base/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: 1Mi"),
        "big/kustomization.yaml": component,
        "big/big.yaml": big,
    }
    options = KustomizeOptions(
        components=("../../big",),
        labels=(("team", "shop"),),
        label_flags=("--without-selector", "--include-templates"),
        annotations=(("team", "other"),),
        annotation_flags=("--force",),
    )

    made = changed(desk, files, (f"{CONTAINER}.resources.limits.memory", "512Mi", "1Gi"), kustomize=options)

    assert edits(made) == {"big/big.yaml": big.replace("512Mi", "1Gi")}


def test_options_of_helm_in_the_application_are_repeated(desk: Desk) -> None:
    """The version and the APIs that the chart asks for, a schema that is not held against values, tests left out."""
    asked = (
        '{{ if and (.Capabilities.APIVersions.Has "a/v1") (eq .Capabilities.KubeVersion.Minor "19") }}512Mi{{ end }}'
    )
    files = CHART | {
        "chart/templates/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.memory }}").replace(
            "team: shop", f"team: {asked}"
        ),
        "chart/values.schema.json": '{"required": ["nothing"]}',
        "chart/values.yaml": "memory: 512Mi\n",
        "chart/labels.txt": "front",
    }
    files["chart/templates/webapp.yaml"] = files["chart/templates/webapp.yaml"].replace(
        'weight: "10"', 'weight: {{ required "no file" .Values.label }}'
    )
    named = (("label", "labels.txt"),)
    options = HelmOptions(
        file_parameters=named, skip_tests=True, skip_schema=True, kube_version="1.19.0", api_versions=("a/v1",)
    )

    made = proposed(desk, files, source(desk, "Helm", "chart", helm=options))

    assert edits(made) == {"chart/values.yaml": "memory: 1Gi\n"}


def test_hook_without_a_name_does_not_hinder(desk: Desk) -> None:
    """Argo CD's hooks may have a `generateName`; and a lone `=`, as operators' definitions hold it, is text."""
    hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\nspec: {operators: ['!=', =]}\n"
    made = proposed(desk, ALONE | {"chart/templates/hook.yaml": hook}, source(desk, "Helm", "chart"))

    assert edits(made) == {"chart/values.yaml": "memory: 1Gi\n"}


def test_value_that_a_template_writes_out_is_refused_with_the_template_named(desk: Desk) -> None:
    """No value decides it."""
    files = CHART | {"chart/values.yaml": "a: 1\n", "chart/templates/webapp.yaml": MANIFEST}

    refused = refusal(desk, files, source(desk, "Helm", "chart"))

    assert refused.code == "locate.not_found"
    assert "chart/templates/webapp.yaml is a template that says 512Mi itself" in refused.message


def test_manifest_in_a_list_and_patch_in_a_transformer_are_edited(desk: Desk) -> None:
    """`kind: List` as a resource, and what `transformers` names."""
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + MANIFEST.partition("---\n")[2].replace("\n", "\n  ").rstrip(" ")
    transformer = (
        "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: size}\ntarget: {kind: Deployment}\npatch: |-\n"
        f"  - op: replace\n    path: {POINTER}\n    value: 512Mi\n"
    )
    overlay = {"overlays/prod/kustomization.yaml": "resources: [../../base]\ntransformers: [size.yaml]\n"}
    small = {"base/webapp.yaml": MANIFEST.replace("512Mi", "1Mi"), "overlays/prod/size.yaml": transformer}
    mine = source(desk, "Kustomize", "overlays/prod")

    in_list = proposed(desk, BASE | {"base/webapp.yaml": listed}, mine)
    in_transformer = proposed(desk, BASE | overlay | small, mine)

    assert edits(in_list) == {"base/webapp.yaml": listed.replace("512Mi", "1Gi")}
    assert edits(in_transformer) == {"overlays/prod/size.yaml": transformer.replace("512Mi", "1Gi")}


def test_patch_in_quotes_is_edited_inside_them(desk: Desk) -> None:
    """JSON in one line, as Kustomize's own pages write it."""
    operations = f'[{{"op": "replace", "path": "{POINTER}", "value": "512Mi"}}]'
    overlay = f"resources: [../../base]\npatches:\n- target: {{kind: Deployment}}\n  patch: '{operations}' # big\n"
    files = BASE | {
        "base/webapp.yaml": MANIFEST.replace("512Mi", "1Mi"),
        "overlays/prod/kustomization.yaml": overlay,
    }

    made = proposed(desk, files, source(desk, "Kustomize", "overlays/prod"))

    assert edits(made) == {"overlays/prod/kustomization.yaml": overlay.replace("512Mi", "1Gi")}
