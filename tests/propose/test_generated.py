"""Proposals for Applications that an ApplicationSet generates, on the real helm: the source of the value is edited."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.errors import Conflict, Refusal
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions
from reconciler.propose.values import values_rendered
from reconciler.propose.workshop import Workshop
from tests.adapters.tools import programs, renderers
from tests.manifests.examples import MEMORY
from tests.propose.test_kustomize import IMAGE, OPERATION, Change
from tests.propose.test_kustomize import proposed as on_kustomize
from tests.propose.test_rendered import CHART, other, source
from tests.worlds import APPLICATION, LIMIT, WEBAPP, application

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

SET = replace(APPLICATION, kind="ApplicationSet", name="shops")
PARAMETERS = [{"name": "memory", "value": "{{.memory}}"}]
ELEMENTS = [{"name": "webapp", "memory": "512Mi"}, {"name": "staging", "memory": "512Mi"}]


def manifest(desk: Desk, *generators: Any, **helm: Any) -> str:  # noqa: ANN401 - what people write
    """Return the ApplicationSet's manifest."""
    spec = {
        "source": {"repoURL": desk.shop.url, "targetRevision": "trunk", "path": "chart", "helm": helm},
        "destination": {"namespace": "production"},
    }
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": SET.name, "namespace": SET.namespace},
            "spec": {
                "goTemplate": True,
                "generators": generators,
                "template": {"metadata": {"name": "{{.name}}"}, "spec": spec},
            },
        },
        sort_keys=False,
    )


def generated(desk: Desk, name: str, **helm: Any) -> Application:  # noqa: ANN401 - any option
    """Return an Application as the controller made it; webapp delivers the target."""
    options = HelmOptions(**(helm or {"parameters": (HelmParameter(name="memory", value="512Mi"),)}))
    objects = application().objects if name == "webapp" else frozenset()
    return application(
        ref=replace(APPLICATION, name=name),
        sources=(source(desk, "Helm", "chart", helm=options),),
        objects=objects,
        generated_by=SET,
    )


def root(desk: Desk) -> Application:
    """Return the Application that delivers the ApplicationSet."""
    key = (SET.group, SET.kind, SET.namespace, SET.name)
    return replace(other(desk, "root", "Directory", "apps"), objects=frozenset({key}), destination_namespace="argocd")


def proposed(desk: Desk, files: dict[str, str], *applications: Application, **sections: Any) -> Proposal:  # noqa: ANN401
    """Commit the files beside the chart, and propose in a world of these Applications and the root."""
    desk.shop.ana.commit("trunk", {**CHART, **files})
    world = replace(desk.snapshot(), applications=(*applications, root(desk)))
    return desk.propose(world=world, **{"rendering": programs()} | sections)


def code_of(desk: Desk, files: dict[str, str], *applications: Application) -> tuple[str, str]:
    """Return why nothing is proposed: the code, and the message."""
    with pytest.raises((Refusal, Conflict)) as refused:
        proposed(desk, files, *applications)
    return refused.value.code, refused.value.message


def git(desk: Desk, path: str = "clusters/*.yaml") -> dict[str, Any]:
    """Return a git generator of the desk's repository."""
    return {"git": {"repoURL": desk.shop.url, "revision": "trunk", "files": [{"path": path}]}}


def test_element_of_the_list_is_edited_and_its_neighbour_is_not(desk: Desk) -> None:
    """Both say the same; only webapp's renders the target, and only webapp is generated anew."""
    text = manifest(desk, {"list": {"elements": ELEMENTS}}, parameters=PARAMETERS)
    both = generated(desk, "webapp"), generated(desk, "staging")

    made = proposed(desk, {"apps/set.yaml": text}, *both)

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("apps/set.yaml", text.replace("512Mi", "1Gi", 1))
    assert (made.located.parent, made.located.generator) == (root(desk).ref, "apps/set.yaml")
    assert (made.located.application.name, made.located.shared_with) == ("webapp", ())
    assert "which the ApplicationSet in `apps/set.yaml` generates" in made.body


def test_element_is_edited_where_flux_delivers_the_application_set(desk: Desk) -> None:
    """A Kustomization of a plain folder is a directory too, beside a folder with a kustomization of its own."""
    text = manifest(desk, {"list": {"elements": ELEMENTS}}, parameters=PARAMETERS)
    ref = replace(SET, group="kustomize.toolkit.fluxcd.io", kind="Kustomization", name="root")
    flux = replace(root(desk), ref=ref, sources=(source(desk, "Flux", "apps"),), destination_namespace="")
    desk.shop.ana.commit("trunk", {**CHART, "apps/set.yaml": text, "apps/more/kustomization.yaml": "resources: []\n"})
    world = replace(desk.snapshot(), applications=(generated(desk, "webapp"), generated(desk, "staging"), flux))

    made = desk.propose(world=world, rendering=programs())

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("apps/set.yaml", text.replace("512Mi", "1Gi", 1))
    assert made.located.parent == ref


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("clusters/a.yaml", "# people's words\nname: webapp\nmemory: 512Mi  # enough?\n"),
        ("clusters/a.json", '{"name": "webapp",\n "memory": "512Mi"}\n'),
    ],
)
def test_file_of_a_git_generator_is_edited(desk: Desk, name: str, config: str) -> None:
    """YAML and JSON, nothing but the value; the manifest stays."""
    files = {"apps/set.yaml": manifest(desk, git(desk, name), parameters=PARAMETERS), name: config}

    made = proposed(desk, files, generated(desk, "webapp"))

    assert [(e.path, e.after) for e in made.edits] == [(name, config.replace("512Mi", "1Gi"))]
    assert (made.located.parent, made.located.generator) == (None, "apps/set.yaml")


def test_value_at_a_commit_is_read_by_generating_again(desk: Desk) -> None:
    """Invariant 7: what was merged, be it the reviewer's own value, is what the whole way renders."""
    files = {"apps/set.yaml": manifest(desk, git(desk), parameters=PARAMETERS)}
    files["clusters/a.yaml"] = "name: webapp\nmemory: 512Mi\n"
    mine = generated(desk, "webapp")
    made = proposed(desk, files, mine)
    desk.shop.ana.commit("trunk", {"clusters/a.yaml": "name: webapp\nmemory: 3Gi\n"})
    repository = desk.repository()
    there = Workshop(repository=repository, renderer=renderers(), settings=desk.settings(), commit=repository.fetch())

    assert values_rendered(mine, made.located, [(WEBAPP, LIMIT)], there) == ("3Gi",)
    assert values_rendered(replace(mine, generated_by=None), made.located, [(WEBAPP, LIMIT)], there) == (None,)


def test_literal_of_the_template_reaches_everybody_and_is_refused_with_all_named(desk: Desk) -> None:
    """Allowed by the configuration, it is edited, and the pull request names them."""
    elements = [{"name": "webapp"}, {"name": "staging"}]
    text = manifest(desk, {"list": {"elements": elements}}, parameters=[{"name": "memory", "value": "512Mi"}])
    both = generated(desk, "webapp"), generated(desk, "staging")

    code, message = code_of(desk, {"apps/set.yaml": text}, *both)
    made = proposed(desk, {"README.md": "x"}, *both, locate={"allow_shared": True})

    assert (code, "staging" in message) == ("locate.shared_base", True)
    assert [e.after for e in made.edits] == [text.replace("512Mi", "1Gi")]
    assert [ref.name for ref in made.located.shared_with] == ["staging"]


def test_element_that_changes_more_of_the_application_is_refused(desk: Desk) -> None:
    """It is a label too: the Application would be another one in more than its values."""
    text = manifest(desk, {"list": {"elements": ELEMENTS[:1]}}, parameters=PARAMETERS)
    text = text.replace("'{{.name}}'", "'{{.name}}'\n      labels:\n        size: '{{.memory}}'")

    code, message = code_of(desk, {"apps/set.yaml": text}, generated(desk, "webapp"))

    assert (code, "more than what it tells its tool" in message) == ("locate.not_found", True)


def test_application_that_git_generates_otherwise_waits(desk: Desk) -> None:
    """Invariant 3: delivery may be behind, or we read the template wrong; neither is a ground to edit."""
    text = manifest(desk, {"list": {"elements": ELEMENTS[:1]}}, parameters=PARAMETERS, releaseName="x")

    assert code_of(desk, {"apps/set.yaml": text}, generated(desk, "webapp"))[0] == "propose.git_ahead"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("kind: ApplicationSet", "kind: Other"), "locate.appset_not_in_git"),
        (("goTemplate: true", "goTemplate: true\n  templatePatch: x"), "locate.appset_option"),
        (("{{.memory}}", "{{ if .memory }}{{.memory}}{{ end }}"), "locate.appset_template"),
        (("name: webapp", "name: shop"), "locate.appset_not_generated"),
    ],
)
def test_application_set_that_is_not_followed_is_refused_by_name(
    desk: Desk, change: tuple[str, str], code: str
) -> None:
    """Nothing is guessed about what it generates."""
    text = manifest(desk, {"list": {"elements": ELEMENTS[:1]}}, parameters=PARAMETERS)
    assert change[0] in text

    assert code_of(desk, {"apps/set.yaml": text.replace(*change)}, generated(desk, "webapp"))[0] == code


def test_files_from_another_repository_are_refused(desk: Desk) -> None:
    """They are not ours to edit."""
    far = {"git": git(desk)["git"] | {"repoURL": "https://git.example/other"}}
    text = manifest(desk, far, parameters=PARAMETERS)

    assert code_of(desk, {"apps/set.yaml": text}, generated(desk, "webapp"))[0] == "locate.appset_other_repository"


def test_value_file_that_a_generator_reads_too_is_shared(desk: Desk) -> None:
    """The ordinary way finds the value; the other Application's parameters come from the same file."""
    text = manifest(desk, git(desk, "envs/shared.yaml"), parameters=PARAMETERS).replace("{{.name}}", "staging")
    mine = replace(generated(desk, "webapp", value_files=("../envs/shared.yaml",)), generated_by=None)

    code, message = code_of(desk, {"apps/set.yaml": text}, mine, generated(desk, "staging"))

    assert (code, "staging" in message) == ("locate.shared_base", True)


def test_value_file_that_the_application_is_generated_from_too_is_refused(desk: Desk) -> None:
    """What the edit does to the Application itself was not part of the ordinary proof."""
    text = manifest(desk, git(desk, "envs/shared.yaml"), valueFiles=["../envs/shared.yaml"])
    text = text.replace("'{{.name}}'", "webapp\n      labels:\n        size: '{{.memory}}'")
    mine = generated(desk, "webapp", value_files=("../envs/shared.yaml",))

    assert code_of(desk, {"apps/set.yaml": text}, mine)[0] == "locate.appset_reach"


@pytest.mark.parametrize(
    ("option", "options", "key", "change", "value"),
    [
        (
            {"images": ["shop=shop:{{.tag}}"]},
            KustomizeOptions(images=("shop=shop:2.1",)),
            "tag",
            (IMAGE, "shop:2.1", "shop:2.2"),
            ("2.1", "2.2"),
        ),
        (
            {"patches": [{"target": {"kind": "Deployment"}, "patch": OPERATION.replace("512Mi", "{{.memory}}")}]},
            KustomizeOptions(patches=(json.dumps({"patch": OPERATION, "target": {"kind": "Deployment"}}),)),
            "memory",
            (MEMORY, "512Mi", "1Gi"),
            ("512Mi", "1Gi"),
        ),
    ],
    ids=["images", "patches"],
)
def test_element_behind_an_option_of_kustomize_is_edited(
    desk: Desk, option: dict[str, Any], options: KustomizeOptions, key: str, change: Change, value: tuple[str, str]
) -> None:
    """A tag inside an image, an amount inside a patch."""
    text = manifest(desk, {"list": {"elements": [{"name": "webapp", key: value[0]}]}})
    text = text.replace("path: chart", "path: overlays/prod").replace("helm: {}", f"kustomize: {json.dumps(option)}")
    key_of_set = (SET.group, SET.kind, SET.namespace, SET.name)
    delivers = replace(root(desk), objects=frozenset({key_of_set}))

    made = on_kustomize(desk, {"apps/set.yaml": text}, change, delivers, kustomize=options, owner=SET)

    assert {edit.path: edit.after for edit in made.edits} == {
        "apps/set.yaml": text.replace(f"{key}: '{value[0]}'", f"{key}: '{value[1]}'").replace(
            f"{key}: {value[0]}\n", f"{key}: {value[1]}\n"
        )
    }
