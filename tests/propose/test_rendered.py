"""Proposals for rendered sources, on the real kustomize and helm: what is edited, who is named, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.errors import Refusal
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions, Source
from reconciler.model.facts import Unknown
from tests.adapters.tools import programs
from tests.manifests.examples import MANIFEST
from tests.pairs import both
from tests.worlds import APPLICATION, application

if TYPE_CHECKING:
    from reconciler.model.action import Remedy
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

OVERLAY = "# people's words\nresources:\n- ../../base\n"
BASE = {
    "base/webapp.yaml": MANIFEST,
    "base/kustomization.yaml": "resources: [webapp.yaml]\n",
    "overlays/prod/kustomization.yaml": OVERLAY,
    "overlays/staging/kustomization.yaml": OVERLAY,
}
POINTER = "/spec/template/spec/containers/1/resources/limits/memory"
OPERATIONS = json.dumps([{"op": "replace", "path": POINTER, "value": "512Mi"}])
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: webapp\nversion: 0.1.0\n",
    "chart/values.yaml": "memory: 256Mi\n",
    "chart/templates/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.memory }}"),
    "envs/shared.yaml": "memory: 512Mi\n",
    "envs/prod.yaml": "other: 1\n",
}


def source(desk: Desk, kind: str, path: str, **changes: Any) -> Source:  # noqa: ANN401 - any field of a source
    """Return a source of the desk's repository."""
    return Source(repository=desk.shop.url, path=path, target_revision="trunk", kind=kind, **changes)


def proposed(
    desk: Desk,
    files: dict[str, str],
    mine: Source,
    *others: Application,
    remedy: Remedy | None = None,
    **sections: Any,  # noqa: ANN401
) -> Proposal:
    """Commit the files and propose for Application webapp, beside others."""
    desk.shop.ana.commit("trunk", dict(files))
    world = desk.snapshot(sources=(mine,))
    assert not isinstance(world.applications, Unknown)
    world = replace(world, applications=(*world.applications, *others))
    return desk.propose(remedy, world=world, **{"rendering": programs()} | sections)


def refusal(desk: Desk, files: dict[str, str], mine: Source, *others: Application, **sections: Any) -> Refusal:  # noqa: ANN401
    """Return why nothing is proposed."""
    with pytest.raises(Refusal) as refused:
        proposed(desk, files, mine, *others, **sections)
    assert refused.value.remedy
    return refused.value


def other(desk: Desk, name: str, kind: str, path: str, **changes: Any) -> Application:  # noqa: ANN401
    """Return another Application, which delivers elsewhere."""
    return application(
        ref=replace(APPLICATION, name=name), sources=(source(desk, kind, path, **changes),), objects=frozenset()
    )


def test_base_of_one_environment_is_edited(desk: Desk) -> None:
    """Nobody else renders it: the staging overlay lies there, and no Application reads it."""
    made = proposed(desk, BASE, source(desk, "Kustomize", "overlays/prod"))

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("base/webapp.yaml", MANIFEST.replace("512Mi", "1Gi", 1))
    assert (made.located.rendered_by, made.located.shared_with) == (0, ())


def test_shared_base_is_left_alone_and_the_overlay_gets_a_patch(desk: Desk) -> None:
    """The other environment renders the base too, so the value goes to this one's overlay, proven there."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, BASE, source(desk, "Kustomize", "overlays/prod"), staging)

    patch, kustomization = made.edits
    assert kustomization.path == "overlays/prod/kustomization.yaml"
    assert kustomization.after == OVERLAY + (
        "patches:\n- path: deployment-webapp-values.yaml\n  target:\n    kind: Deployment\n    name: webapp\n"
    )
    assert (patch.path, patch.before) == ("overlays/prod/deployment-webapp-values.yaml", "")
    assert yaml.safe_load(patch.after) == [
        {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "web"},
        {"op": "replace", "path": POINTER, "value": "1Gi"},
    ]
    assert made.located.shared_with == ()
    assert "+- path: deployment-webapp-values.yaml" in made.body
    assert desk.publish(made).number == 1
    assert desk.show(desk.head(made.branch), patch.path) == patch.after


def test_two_containers_are_one_edit_of_the_base(desk: Desk) -> None:
    """Both fields in one file, proven by one rendering."""
    made = proposed(desk, BASE, source(desk, "Kustomize", "overlays/prod"), remedy=both())

    (edit,) = made.edits
    own = MANIFEST.replace("memory: 512Mi", "memory: 1Gi").rpartition("memory: 64Mi")
    assert edit.after == "memory: 128Mi".join([own[0], own[2]])
    assert [site.after for site in made.located.sites] == ["1Gi", "128Mi"]


def test_two_containers_are_two_values_of_a_chart(desk: Desk) -> None:
    """Each one is found for its own container."""
    template = MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.web }}").replace(
        "limits:\n              memory: 64Mi", "limits:\n              memory: {{ .Values.proxy }}"
    )
    chart = CHART | {"chart/templates/webapp.yaml": template, "chart/values.yaml": "proxy: 64Mi\nweb: 512Mi\n"}

    made = proposed(desk, chart, source(desk, "Helm", "chart"), remedy=both())

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("chart/values.yaml", "proxy: 128Mi\nweb: 1Gi\n")


def test_patch_of_a_single_container_is_a_strategic_one(desk: Desk) -> None:
    """It reads like the manifest; where it would reorder containers, pointers are used instead."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")
    single = MANIFEST.replace("        - image: 'proxy:1.9'\n          name: proxy\n", "").replace(
        "          resources:\n            limits:\n              memory: 64Mi\n", ""
    )

    made = proposed(desk, BASE | {"base/webapp.yaml": single}, source(desk, "Kustomize", "overlays/prod"), staging)

    patch = yaml.safe_load(made.edits[0].after)
    assert patch["spec"]["template"]["spec"]["containers"] == [
        {"name": "web", "resources": {"limits": {"memory": "1Gi"}}}
    ]


def test_shared_base_may_be_edited_where_the_configuration_says_so(desk: Desk) -> None:
    """All that would change with it are named in the pull request."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, BASE, source(desk, "Kustomize", "overlays/prod"), staging, locate={"allow_shared": True})

    assert made.located.paths == ("base/webapp.yaml",)
    assert [ref.name for ref in made.located.shared_with] == ["staging"]
    assert "Others change with it" in made.body


def test_reader_whose_rendering_stays_the_same_does_not_share(desk: Desk) -> None:
    """Staging overrides the value, so the base's does not reach it."""
    patch = (
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n"
        "      path: /spec/template/spec/containers/1/resources/limits/memory\n      value: 2Gi\n"
    )
    files = BASE | {"overlays/staging/kustomization.yaml": OVERLAY + patch}

    made = proposed(
        desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, "s", "Kustomize", "overlays/staging")
    )

    assert made.located.paths == ("base/webapp.yaml",)


@pytest.mark.parametrize("kind", ["Directory", "Plugin", ""])
def test_reader_that_is_not_rendered_here_shares(desk: Desk, kind: str) -> None:
    """Every doubt is a yes: a plain directory, a plugin, an unknown tool on the same folder."""
    made = proposed(desk, BASE, source(desk, "Kustomize", "overlays/prod"), other(desk, "raw", kind, "base"))

    assert made.located.paths == ("overlays/prod/deployment-webapp-values.yaml", "overlays/prod/kustomization.yaml")


def test_shared_overlay_is_refused_with_everybody_named(desk: Desk) -> None:
    """Two Applications build the same overlay: there is no place that is one's own."""
    twin, third = (other(desk, name, "Kustomize", "overlays/prod") for name in ("twin", "third"))

    refused = refusal(desk, BASE, source(desk, "Kustomize", "overlays/prod"), twin, third)

    assert refused.code == "locate.shared_base"
    assert "third, twin" in refused.message
    assert "overlays/prod" in refused.remedy


def test_shared_value_file_is_refused_where_no_file_is_ones_own(desk: Desk) -> None:
    """The other Application reads both files; everybody is named."""
    helm = HelmOptions(value_files=("../envs/shared.yaml", "../envs/prod.yaml"))
    staging = other(desk, "staging", "Helm", "chart", helm=helm)

    refused = refusal(desk, CHART, source(desk, "Helm", "chart", helm=helm), staging)

    assert refused.code == "locate.shared_base"
    assert "staging" in refused.message
    assert "a value file that it alone reads" in refused.remedy


def test_helm_value_is_edited_in_the_file_that_wins(desk: Desk) -> None:
    """The chart's default is overridden."""
    helm = HelmOptions(value_files=("../envs/shared.yaml", "../envs/prod.yaml"))

    made = proposed(desk, CHART, source(desk, "Helm", "chart", helm=helm))

    assert [(e.path, e.after) for e in made.edits] == [("envs/shared.yaml", "memory: 1Gi\n")]


@pytest.mark.parametrize(
    ("kind", "path", "options", "name"),
    [
        ("Helm", "chart", {"helm": HelmOptions(parameters=(HelmParameter(name="memory", value="512Mi"),))}, "memory"),
        ("Helm", "chart", {"helm": HelmOptions(values='{"memory": "512Mi"}')}, "helm values memory"),
        (
            "Kustomize",
            "overlays/prod",
            {
                "kustomize": KustomizeOptions(
                    patches=(json.dumps({"target": {"kind": "Deployment"}, "patch": OPERATIONS}),)
                )
            },
            "kustomize.patches 1",
        ),
    ],
)
def test_value_that_the_application_sets_itself_is_refused_by_name(
    desk: Desk, kind: str, path: str, options: dict[str, Any], name: str
) -> None:
    """No file of the source decides it, though one may say the same."""
    refused = refusal(desk, BASE | CHART, source(desk, kind, path, **options))

    assert refused.code == "locate.application_parameter"
    assert name in refused.message


# Either of two values decides, whichever is raised.
EITHER = MANIFEST.replace(
    "memory: 512Mi",
    'memory: {{ if or (eq .Values.a "1Gi") (eq .Values.b "1Gi") }}1Gi{{ else }}512Mi{{ end }}',
)
APPLICATION_MANIFEST = """\
# owned by the platform team
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: webapp
  namespace: argocd
spec:
  source:
    repoURL: {url}
    targetRevision: trunk
    path: chart
    helm:
      valuesObject:
        memory: 512Mi  # the shop's
      parameters:
      - name: unused
        value: 512Mi
  destination: {{namespace: production}}
"""


def test_value_in_the_applications_own_manifest_is_edited_there(desk: Desk) -> None:
    """App of apps: the parent delivers the manifest from a plain directory; only what decides is edited."""
    manifest = APPLICATION_MANIFEST.format(url=desk.shop.url)
    options = HelmOptions(values='{"memory": "512Mi"}', parameters=(HelmParameter(name="unused", value="512Mi"),))
    key = ("argoproj.io", "Application", APPLICATION.namespace, "webapp")
    root = replace(other(desk, "root", "Directory", "apps"), objects=frozenset({key}))
    files = CHART | {"apps/webapp.yaml": manifest}

    made = proposed(desk, files, source(desk, "Helm", "chart", helm=options), root)

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("apps/webapp.yaml", manifest.replace("512Mi  #", "1Gi  #"))
    assert (made.located.application.name, made.located.parent) == ("webapp", root.ref)
    assert made.located.shared_with == ()


def test_two_places_are_refused_until_somebody_names_one(desk: Desk) -> None:
    """An explicit mapping wins, in the configuration and on the object; both are proven all the same."""
    files = CHART | {"chart/templates/webapp.yaml": EITHER, "chart/values.yaml": "a: 512Mi\nb: 512Mi\n"}
    mine = source(desk, "Helm", "chart")
    mapping = {"mappings": ["production/Deployment/webapp=chart/values.yaml#b"]}

    assert refusal(desk, files, mine).code == "locate.ambiguous"
    made = proposed(desk, {"README.md": "x"}, mine, locate=mapping)
    assert [e.after for e in made.edits] == ["a: 512Mi\nb: 1Gi\n"]
    wrong = {"mappings": ["production/Deployment/webapp=chart/values.yaml#c"]}
    assert refusal(desk, {"README.md": "y"}, mine, locate=wrong).code == "locate.not_found"


def test_place_that_the_object_names_itself_is_taken(desk: Desk) -> None:
    """The annotation counts as it stands in Git; a place that does not decide is still refused."""
    template = EITHER.replace(
        "    team: shop\n", "    team: shop\n    reconciler.dev/source: chart/values.yaml#{{ .Values.at }}\n"
    )
    files = CHART | {"chart/templates/webapp.yaml": template, "chart/values.yaml": "a: 512Mi\nb: 512Mi\nat: a\n"}
    mine = source(desk, "Helm", "chart")

    made = proposed(desk, files, mine)

    assert [e.after for e in made.edits] == ["a: 1Gi\nb: 512Mi\nat: a\n"]
    assert refusal(desk, {"chart/values.yaml": "a: 512Mi\nb: 512Mi\nat: c\n"}, mine).code == "locate.not_found"


def test_tool_that_is_missing_is_said_at_once(desk: Desk) -> None:
    """What to install, and where to name it."""
    mine = source(desk, "Kustomize", "overlays/prod")

    refused = refusal(desk, BASE, mine, rendering={"kustomize": "/nowhere/kustomize"})

    assert refused.code == "rendering.tool_missing"
