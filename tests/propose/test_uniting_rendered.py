"""Several objects behind Kustomize, Helm, an Application's manifest or an ApplicationSet, on the real tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.decide.together import together
from reconciler.errors import Refusal
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions
from reconciler.propose.values import values_rendered
from reconciler.propose.workshop import Workshop
from tests.adapters.tools import programs, renderers
from tests.groups import FIELDS, KEYS, NAMES, TARGETS, remedy, trio, world
from tests.manifests.examples import MANIFEST
from tests.propose.test_flux import KUSTOMIZATION, RELEASE, RELEASE_MANIFEST
from tests.propose.test_flux import root as flux_root
from tests.propose.test_flux import source as flux_source
from tests.propose.test_generated import SET, git, manifest
from tests.propose.test_generated import root as root_of_set
from tests.propose.test_own import MANIFEST_OF_ONE, root
from tests.propose.test_rendered import OVERLAY, other, source
from tests.worlds import application

if TYPE_CHECKING:
    from reconciler.model.action import Remedy
    from reconciler.model.delivery import Application, Source
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n", "chart/values.yaml": "{}\n"} | {
    f"chart/templates/{name}.yaml": MANIFEST.replace("webapp", name).replace(
        "memory: 512Mi", f"memory: {{{{ .Values.{name} }}}}"
    )
    for name in NAMES
}
ONE_FILE = "# memory\nwebapp: 512Mi\nmail: 512Mi  # enough?\nshop: 512Mi\n"


def desk_of(
    desk: Desk,
    files: dict[str, str],
    mine: Source,
    *others: Application,
    wanted: Remedy | None = None,
    lines: int = 20,
    **changes: Any,  # noqa: ANN401 - any field of the Application
) -> Proposal:
    """Commit the files, and propose for all that Application webapp delivers, beside others."""
    desk.shop.ana.commit("trunk", dict(files))
    delivered = application(**{"objects": KEYS, "sources": (mine,)} | changes)
    there, guards = world(applications=(delivered, *others)), {"max_changed_lines": lines}
    return desk.propose(wanted or trio(), world=there, rendering=programs(), guards=guards)


def edits(made: Proposal) -> dict[str, str]:
    """Return the files as they become."""
    return {edit.path: edit.after for edit in made.edits}


def test_lines_of_one_value_file_add_up(desk: Desk) -> None:
    """Three lines that stand one below the other."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    made = desk_of(desk, CHART | {"envs/prod.yaml": ONE_FILE}, mine)

    assert edits(made) == {"envs/prod.yaml": ONE_FILE.replace("512Mi", "1Gi")}
    assert [site.target for site in made.located.sites] == list(TARGETS)
    repository = desk.repository()
    base = Workshop(repository=repository, renderer=renderers(), settings=desk.settings(), commit=repository.fetch())
    delivered = application(objects=KEYS, sources=(mine,))
    assert values_rendered(delivered, made.located, FIELDS, base) == ("512Mi",) * 3


def test_each_value_file_has_its_line(desk: Desk) -> None:
    """One file an object."""
    files = tuple(f"../envs/{name}.yaml" for name in NAMES)
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=files))
    made = desk_of(desk, CHART | {f"envs/{name}.yaml": f"{name}: 512Mi\n" for name in NAMES}, mine)

    assert edits(made) == {f"envs/{name}.yaml": f"{name}: 1Gi\n" for name in NAMES}


def test_one_value_for_all_of_them_is_refused(desk: Desk) -> None:
    """No place is one object's alone: that is what is said of each alone, too."""
    shared = {path: text.replace(".Values.mail", ".Values.webapp") for path, text in CHART.items()}
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    files = shared | {"envs/prod.yaml": ONE_FILE}

    with pytest.raises(Refusal, match="would also change Deployment mail") as refused:
        desk_of(desk, files, mine)
    assert refused.value.code == "locate.not_found"


def test_documents_of_a_base_add_up(desk: Desk) -> None:
    """Kustomize: one file with three objects."""
    text = "---\n".join(MANIFEST.replace("webapp", name) for name in NAMES)
    files = {
        "base/all.yaml": text,
        "base/kustomization.yaml": "resources: [all.yaml]\n",
        "overlays/prod/kustomization.yaml": OVERLAY,
    }
    made = desk_of(desk, files, source(desk, "Kustomize", "overlays/prod"))

    assert edits(made) == {"base/all.yaml": text.replace("memory: 512Mi", "memory: 1Gi")}


def test_patches_of_one_overlay_add_up(desk: Desk) -> None:
    """A base that others render stays; each object gets a patch, and the kustomization names all of them."""
    files = {f"base/{name}.yaml": MANIFEST.replace("webapp", name) for name in NAMES}
    files |= {
        "base/kustomization.yaml": f"resources: [{', '.join(f'{name}.yaml' for name in NAMES)}]\n",
        "overlays/prod/kustomization.yaml": OVERLAY,
        "overlays/staging/kustomization.yaml": OVERLAY,
    }
    staging = other(desk, "staging", "Kustomize", "overlays/staging")
    made = desk_of(desk, files, source(desk, "Kustomize", "overlays/prod"), staging, lines=40)

    changed = edits(made)
    assert len(changed) == 4
    assert all(path.startswith("overlays/prod/") for path in changed)
    assert changed["overlays/prod/kustomization.yaml"].startswith(OVERLAY)
    assert changed["overlays/prod/kustomization.yaml"].count("path: ") == 3
    assert made.located.shared_with == ()
    assert {site.blob for site in made.located.sites if site.path != "overlays/prod/kustomization.yaml"} == {""}


def test_values_of_an_applications_own_manifest_add_up(desk: Desk) -> None:
    """App of apps: the second value stands beside the first one that was put there."""
    parameters = "".join(f"        - {{name: {name}, value: 512Mi}}\n" for name in NAMES)
    text = MANIFEST_OF_ONE.format(url=desk.shop.url, helm=f"    helm:\n      parameters:\n{parameters}")
    options = HelmOptions(parameters=tuple(HelmParameter(name=name, value="512Mi") for name in NAMES))
    mine = source(desk, "Helm", "chart", helm=options)
    made = desk_of(desk, CHART | {"apps/webapp.yaml": text}, mine, root(desk))

    assert edits(made) == {"apps/webapp.yaml": text.replace("512Mi", "1Gi")}
    assert made.located.parent == root(desk).ref


def test_values_that_an_applicationset_generates_add_up(desk: Desk) -> None:
    """A file of its git generator has a line for each of them."""
    chosen = {name: f"{{{{.{name}}}}}" for name in NAMES}
    text = manifest(desk, git(desk), parameters=[{"name": n, "value": v} for n, v in chosen.items()])
    options = HelmOptions(parameters=tuple(HelmParameter(name=name, value="512Mi") for name in NAMES))
    cluster = "name: webapp\n" + "".join(f"{name}: 512Mi\n" for name in NAMES)
    made = desk_of(
        desk,
        CHART | {"apps/set.yaml": text, "clusters/a.yaml": cluster},
        source(desk, "Helm", "chart", helm=options),
        root_of_set(desk),
        generated_by=SET,
    )

    assert edits(made) == {"clusters/a.yaml": cluster.replace("512Mi", "1Gi")}
    assert made.located.generator == "apps/set.yaml"


@pytest.mark.parametrize("options", [KustomizeOptions(), KustomizeOptions(images=("shop=*:2.2",))])
def test_manifests_that_flux_delivers_add_up(desk: Desk, options: KustomizeOptions) -> None:
    """A plain folder, or one that is rendered for the sake of its Kustomization's options."""
    files = {f"shop/{name}.yaml": MANIFEST.replace("webapp", name) for name in NAMES}
    mine = flux_source(desk, "shop", kustomize=options)
    made = desk_of(desk, files, mine, ref=KUSTOMIZATION, destination_namespace="")

    assert edits(made) == {path: text.replace("memory: 512Mi", "memory: 1Gi") for path, text in files.items()}
    assert made.located.application == KUSTOMIZATION
    assert (made.located.rendered_by is None) is (options == KustomizeOptions())


def test_values_of_a_helm_release_add_up(desk: Desk) -> None:
    """Three lines of the manifest that another Kustomization delivers."""
    values = "".join(f"    {name}: 512Mi\n" for name in NAMES)
    text = RELEASE_MANIFEST.format(chart="./chart", kind="GitRepository")
    text = text.replace("    memory: 512Mi  # the shop's\n", values)
    said = json.dumps(dict.fromkeys(NAMES, "512Mi"))
    helm = HelmOptions(release_name="webapp", namespace="production", values=said, files_fixed=True)
    mine = flux_source(desk, "chart", kind="Helm", helm=helm)
    made = desk_of(desk, CHART | {"clusters/webapp.yaml": text}, mine, flux_root(desk), ref=RELEASE)

    assert edits(made) == {"clusters/webapp.yaml": text.replace("512Mi", "1Gi")}
    assert made.located.parent == flux_root(desk).ref


def test_ways_that_differ_are_refused_by_name(desk: Desk) -> None:
    """One in a value file, one in the Application's own manifest: no one revision brings both."""
    text = MANIFEST_OF_ONE.format(
        url=desk.shop.url, helm="    helm:\n      parameters:\n        - {name: mail, value: 512Mi}\n"
    )
    options = HelmOptions(value_files=("../envs/prod.yaml",), parameters=(HelmParameter(name="mail", value="512Mi"),))
    mine = source(desk, "Helm", "chart", helm=options)
    files = CHART | {"apps/webapp.yaml": text, "envs/prod.yaml": "webapp: 512Mi\nshop: 512Mi\n"}
    two = together([remedy("webapp"), remedy("mail")])

    with pytest.raises(Refusal, match="comes another way") as refused:
        desk_of(desk, files, mine, root(desk), wanted=two)
    assert refused.value.code == "propose.not_together"
