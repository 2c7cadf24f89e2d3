"""A value that others read, or that only a chart holds, goes to the Application's own place, on the real helm."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.delivery import HelmOptions, HelmParameter, Source
from tests.adapters.tools import programs
from tests.manifests.examples import MANIFEST
from tests.propose.test_rendered import CHART, other, proposed, refusal, source
from tests.worlds import APPLICATION

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.delivery import Application
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

SHARED = "../envs/shared.yaml"
PROD = "../envs/prod.yaml"
KEY = ("argoproj.io", "Application", APPLICATION.namespace, "webapp")
DEEP = {
    **CHART,
    "chart/values.yaml": "app:\n  resources:\n    memory: 512Mi\n",
    "chart/templates/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.app.resources.memory }}"),
}
MANIFEST_OF_ONE = """\
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
{helm}  destination: {{namespace: production}}
"""


def root(desk: Desk) -> Application:
    """Return the Application that delivers webapp's manifest."""
    return replace(other(desk, "root", "Directory", "apps"), objects=frozenset({KEY}))


@pytest.mark.parametrize(
    ("own", "after"),
    [
        ("other: 1\n", "other: 1\nmemory: 1Gi\n"),
        ("# production\n", "# production\nmemory: 1Gi\n"),
    ],
)
def test_value_of_a_shared_file_goes_to_the_applications_own_file(desk: Desk, own: str, after: str) -> None:
    """Staging reads the shared file alone; the last file is webapp's and wins."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(SHARED, PROD)))
    staging = other(desk, "staging", "Helm", "chart", helm=HelmOptions(value_files=(SHARED,)))

    made = proposed(desk, CHART | {"envs/prod.yaml": own}, mine, staging)

    assert [(e.path, e.after) for e in made.edits] == [("envs/prod.yaml", after)]
    assert (made.located.shared_with, made.located.sites[0].before) == ((), None)


def test_default_of_a_chart_that_others_render_goes_to_the_applications_own_file(desk: Desk) -> None:
    """With the parents that are missing; the chart stays."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(PROD,)))

    made = proposed(desk, DEEP, mine, other(desk, "staging", "Helm", "chart"))

    assert [(e.path, e.after) for e in made.edits] == [
        ("envs/prod.yaml", "other: 1\napp:\n  resources:\n    memory: 1Gi\n")
    ]


def test_default_of_a_chart_goes_to_the_own_file_even_where_nobody_else_renders_it(desk: Desk) -> None:
    """A default is for whoever comes next; without a file of its own, or where a person says so, it is edited."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(PROD,)))
    mapping = {"mappings": ["production/Deployment/webapp=chart/values.yaml#app.resources.memory"]}

    own = proposed(desk, DEEP, mine)
    mapped = proposed(desk, {"README.md": "x"}, mine, locate=mapping)
    alone = proposed(desk, {"README.md": "y"}, source(desk, "Helm", "chart"))

    assert [e.path for made in (own, mapped, alone) for e in made.edits] == [
        "envs/prod.yaml",
        "chart/values.yaml",
        "chart/values.yaml",
    ]


def test_file_that_others_read_is_passed_over_for_one_further_down(desk: Desk) -> None:
    """The last file is shared too; the one before it is not, and nothing overrides it."""
    files = (SHARED, PROD, "../envs/last.yaml")
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=files))
    staging = other(desk, "staging", "Helm", "chart", helm=HelmOptions(value_files=(SHARED, files[2])))

    made = proposed(desk, CHART | {"envs/last.yaml": "a: 1\n"}, mine, staging)

    assert [e.path for e in made.edits] == ["envs/prod.yaml"]


@pytest.mark.parametrize(
    ("helm", "options", "expected"),
    [
        ("", {}, "    helm:\n      valuesObject:\n        memory: 1Gi\n"),
        (
            "    helm:\n      valuesObject:\n        other: 1\n",
            {"values": '{"other": 1}'},
            "    helm:\n      valuesObject:\n        other: 1\n        memory: 1Gi\n",
        ),
        (
            "    helm:\n      values: |\n        other: 1\n",
            {"values": "other: 1\n"},
            (
                "    helm:\n      values: |\n        other: 1\n"
                "      parameters:\n        - name: memory\n          value: 1Gi\n"
            ),
        ),
    ],
)
def test_application_without_files_gets_the_value_in_its_manifest(
    desk: Desk, helm: str, options: dict[str, Any], expected: str
) -> None:
    """App of apps: its `valuesObject`, or a parameter beside values that are written as text."""
    manifest = MANIFEST_OF_ONE.format(url=desk.shop.url, helm=helm)
    files = CHART | {"apps/webapp.yaml": manifest, "chart/values.yaml": "memory: 512Mi\n"}
    mine = source(desk, "Helm", "chart", helm=HelmOptions(**options))

    made = proposed(desk, files, mine, other(desk, "staging", "Helm", "chart"), root(desk))

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("apps/webapp.yaml", MANIFEST_OF_ONE.format(url=desk.shop.url, helm=expected))
    assert made.located.parent == root(desk).ref


def test_object_that_is_named_by_the_release_is_found(desk: Desk) -> None:
    """`releaseName` of the Application, else its own name."""
    template = CHART["chart/templates/webapp.yaml"].replace("name: webapp   #", "name: {{ .Release.Name }}   #")
    files = CHART | {"chart/values.yaml": "memory: 512Mi\n", "chart/templates/webapp.yaml": template}

    for options in (HelmOptions(), HelmOptions(release_name="webapp")):
        made = proposed(desk, files, source(desk, "Helm", "chart", helm=options))
        assert [(e.path, e.after) for e in made.edits] == [("chart/values.yaml", "memory: 1Gi\n")]
    assert refusal(desk, files, source(desk, "Helm", "chart", helm=HelmOptions(release_name="x"))).code.startswith(
        "locate."
    )


def test_value_without_any_place_of_ones_own_is_refused_with_all_named(desk: Desk) -> None:
    """A list would be replaced whole, so no key is entered for what stands in one."""
    template = MANIFEST.replace("memory: 512Mi", "memory: {{ (index .Values.sizes 0).memory }}")
    files = CHART | {"chart/values.yaml": "sizes:\n- memory: 512Mi\n", "chart/templates/webapp.yaml": template}
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(PROD,)))

    refused = refusal(desk, files, mine, other(desk, "staging", "Helm", "chart"))

    assert refused.code == "locate.shared_base"
    assert "staging" in refused.message


def test_default_of_an_upstream_chart_goes_to_the_applications_own_file(desk: Desk, tmp_path: Path) -> None:
    """Several sources: the chart is an archive that somebody pulled, and is never edited."""
    packed(tmp_path / "webapp-0.1.0.tgz", {name.removeprefix("chart/"): text for name, text in DEEP.items()})
    files = {"envs/prod.yaml": "other: 1\n"}
    chart = Source(
        repository="https://charts.example",
        path="",
        chart="webapp",
        target_revision="0.1.0",
        kind="Helm",
        helm=HelmOptions(value_files=("$values/envs/prod.yaml",)),
    )
    values = source(desk, "", "", ref="values")
    desk.shop.ana.commit("trunk", {**files})
    world = desk.snapshot(sources=(chart, values))

    made = desk.propose(world=world, rendering=programs() | {"charts": str(tmp_path)})

    assert [(e.path, e.after) for e in made.edits] == [
        ("envs/prod.yaml", "other: 1\napp:\n  resources:\n    memory: 1Gi\n")
    ]
    assert made.located.source_index == 1


def test_default_of_a_vendored_chart_goes_below_its_key(desk: Desk) -> None:
    """By the dependency's alias; the vendored chart is not ours to change."""
    files = {
        "chart/Chart.yaml": CHART["chart/Chart.yaml"]
        + "dependencies:\n- {name: shop, alias: store, version: 0.1.0, repository: ''}\n",
        "chart/templates/none.txt": "",
        **{name.replace("chart/", "chart/charts/shop/", 1): t for name, t in DEEP.items() if name.startswith("chart/")},
        "envs/prod.yaml": "other: 1\n",
    }
    files["chart/charts/shop/Chart.yaml"] = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(PROD,)))

    made = proposed(desk, files, mine)

    assert [(e.path, e.after) for e in made.edits] == [
        ("envs/prod.yaml", "other: 1\nstore:\n  app:\n    resources:\n      memory: 1Gi\n")
    ]


def test_global_that_subcharts_read_gives_way_to_the_own_key_of_one(desk: Desk) -> None:
    """The global would change both; the key below the dependency's alias changes this one alone."""
    size = "memory: {{ .Values.memory | default .Values.global.memory }}"
    mine_alone = MANIFEST.replace("memory: 512Mi", size).replace("name: webapp   #", "name: {{ .Chart.Name }}   #")
    files = {
        "chart/Chart.yaml": CHART["chart/Chart.yaml"].replace("webapp", "umbrella")
        + "dependencies:\n- {name: web, alias: webapp, version: 0.1.0}\n- {name: web, alias: far, version: 0.1.0}\n",
        "chart/values.yaml": "global:\n  memory: 512Mi\n",
        "chart/templates/none.txt": "",
        "chart/templates/webapp.yaml": "",
        "chart/charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
        "chart/charts/web/values.yaml": "other: 1\n",
        "chart/charts/web/templates/webapp.yaml": mine_alone,
        "envs/prod.yaml": "other: 1\n",
    }

    made = proposed(desk, files, source(desk, "Helm", "chart", helm=HelmOptions(value_files=(PROD,))))
    alone = proposed(desk, files, source(desk, "Helm", "chart"))

    assert [(e.path, e.after) for e in made.edits] == [("envs/prod.yaml", "other: 1\nwebapp:\n  memory: 1Gi\n")]
    assert [(e.path, e.after) for e in alone.edits] == [
        ("chart/values.yaml", "global:\n  memory: 512Mi\nwebapp:\n  memory: 1Gi\n")
    ]


def test_two_defaults_that_each_decide_are_refused(desk: Desk, tmp_path: Path) -> None:
    """Nobody knows which one a person would set."""
    either = '{{ if or (eq .Values.a "1Gi") (eq .Values.b "1Gi") }}1Gi{{ else }}512Mi{{ end }}'
    chart = {
        "Chart.yaml": CHART["chart/Chart.yaml"],
        "values.yaml": "a: 512Mi\nb: 512Mi\n",
        "templates/webapp.yaml": MANIFEST.replace("memory: 512Mi", f"memory: {either}"),
    }
    packed(tmp_path / "webapp-0.1.0.tgz", chart)
    mine = Source(
        repository="https://charts.example",
        path="",
        chart="webapp",
        target_revision="0.1.0",
        kind="Helm",
        helm=HelmOptions(value_files=("$values/envs/prod.yaml",), parameters=(HelmParameter(name="x", value="1"),)),
    )
    desk.shop.ana.commit("trunk", {"envs/prod.yaml": "other: 1\n"})
    world = desk.snapshot(sources=(mine, source(desk, "", "", ref="values")))

    with pytest.raises(Exception, match="no single place") as refused:
        desk.propose(world=world, rendering=programs() | {"charts": str(tmp_path)})

    assert getattr(refused.value, "code", "") == "locate.not_found"


def packed(path: Path, files: dict[str, str]) -> None:
    """Write a chart's archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, text in files.items():
            if not name.startswith("envs/"):
                member = tarfile.TarInfo(f"webapp/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
    path.write_bytes(gzip.compress(plain.getvalue()))
