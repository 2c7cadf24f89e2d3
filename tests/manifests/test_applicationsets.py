"""What an ApplicationSet generates is said exactly, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.errors import Refusal
from reconciler.manifests.declared.applications import beside_options
from reconciler.manifests.declared.applicationsets import generated, git_generators, is_input, spec_of
from reconciler.model.objects import ObjectRef, parse_path

if TYPE_CHECKING:
    from collections.abc import Mapping

REF = ObjectRef(cluster="default", group="argoproj.io", kind="ApplicationSet", namespace="argocd", name="web")
GIT = {"git": {"repoURL": "u", "revision": "HEAD", "files": [{"path": "envs/*.yaml"}]}}


def spec(*generators: Any, go: bool = True, name: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a spec whose template reads `name` and `memory`."""
    names = ("{{.name}}", "{{.memory}}") if go else ("{{name}}", "{{memory}}")
    parameters = [{"name": "memory", "value": names[1]}]
    template = {"metadata": {"name": name or names[0]}, "spec": {"source": {"helm": {"parameters": parameters}}}}
    return {"goTemplate": go, "generators": list(generators), "template": template} | more


def made(here: dict[str, Any], files: Mapping[str, bytes] | None = None) -> dict[str, str]:
    """Return the memory that each Application is generated with."""
    found = generated(here, lambda _: files or {}, max_bytes=10_000)
    return {name: app["spec"]["source"]["helm"]["parameters"][0]["value"] for name, app in found.items()}


def elements(*found: Any) -> dict[str, Any]:  # noqa: ANN401 - what people write
    """Return a list generator."""
    return {"list": {"elements": list(found)}}


def test_every_element_makes_an_application() -> None:
    """Of lists and of files, in their order."""
    files = {"envs/a.yaml": b"name: a\nmemory: 1Gi\n", "envs/b.json": b'[{"name": "b", "memory": "2Gi"}]'}

    assert made(spec(elements({"name": "c", "memory": "3Gi"}), GIT), files) == {"c": "3Gi", "a": "1Gi", "b": "2Gi"}


def test_placeholders_see_nested_values_by_their_path() -> None:
    """Without Go: `values.` of a list, dots and places of a file, and the file's path."""
    listed = spec(elements({"name": "a", "values": {"memory": "1Gi"}}), go=False)
    listed["template"]["spec"]["source"]["helm"]["parameters"][0]["value"] = "{{values.memory}}"
    filed = spec(GIT, go=False, name="{{path.basename}}-{{path.filenameNormalized}}-{{path[1]}}")
    filed["template"]["spec"]["source"]["helm"]["parameters"][0]["value"] = "{{a.0.memory}} {{n}} {{on}}"

    assert made(listed) == {"a": "1Gi"}
    assert made(filed, {"envs/Prod/C.yaml": b"a: [{memory: 1Gi}]\nn: 3\non: true\n"}) == {
        "Prod-c.yaml-Prod": "1Gi 3 true"
    }


def test_go_templates_see_the_path_of_a_file() -> None:
    """As a mapping, with its steps."""
    here = spec(GIT, name="{{.path.basename}}-{{.path.filename}}-{{index .path.segments 0}}")

    assert made(here, {"envs/prod/c.yaml": b"memory: 1Gi\n"}) == {"prod-c.yaml-envs": "1Gi"}


@pytest.mark.parametrize(
    ("here", "code"),
    [
        (spec({"clusters": {"selector": {}}, "x": 1}), "generator"),
        (spec({"matrix": {"generators": [GIT]}}), "generator"),
        (spec({"git": {"repoURL": "u", "directories": [{"path": "a/*"}]}}), "generator"),
        (spec({"git": GIT["git"] | {"pathParamPrefix": "p"}}), "generator"),
        (spec(elements() | {"selector": {"matchLabels": {"a": "b"}}}), "generator"),
        (spec({"list": {"elementsYaml": "[]"}}), "generator"),
        (spec(elements(), templatePatch="x"), "option"),
        (spec(elements(), ignoreApplicationDifferences=[{"jsonPointers": ["/spec"]}]), "option"),
        (spec(elements(), syncPolicy={"applicationsSync": "create-only"}), "policy"),
        (spec(elements(), template=None), "template"),
        (spec(elements({"name": "a", "memory": "1"}, {"name": "a", "memory": "2"})), "name"),
        (spec(elements({"memory": "1", "name": ""})), "name"),
        (spec(elements("text")), "element"),
        (spec(elements({"name": "a", "memory": 1}), go=False), "element"),
    ],
)
def test_what_is_not_generated_here_is_refused_by_name(here: dict[str, Any], code: str) -> None:
    """Each with its own code, and with what to do."""
    with pytest.raises(Refusal) as refused:
        made(here)

    assert refused.value.code == f"locate.appset_{code}"
    assert refused.value.remedy


@pytest.mark.parametrize(
    "data", [b"a\n", b"a: 1\n---\nb: 1\n", b"[a]\n", b"a: yes\n", b"a: &x 1\nb: *x\n", b"a: !!str 1\n"]
)
def test_file_that_readers_understand_differently_is_refused(data: bytes) -> None:
    """Tokens that the versions of YAML dispute, aliases and tags, more than one document, no mapping."""
    with pytest.raises(Refusal) as refused:
        made(spec(GIT, name="x"), {"envs/a.yaml": data})

    assert refused.value.code in ("locate.appset_element", "locate.appset_value")


@pytest.mark.parametrize(
    "odd",
    [
        {"generators": 5},
        {"generators": {"list": {}}},
        {"generators": ["list"]},
        {"generators": [{"list": {"elements": 5}}]},
        {"generators": [{"list": {"elements": {"a": "b"}}}]},
        {"generators": [{"git": {"files": "a.yaml"}}]},
        {"generators": [{"git": {"files": ["a.yaml"]}}]},
    ],
)
def test_any_shape_is_refused_and_none_is_a_surprise(odd: dict[str, Any]) -> None:
    """Whoever writes to the repository can put anything where a list belongs."""
    with pytest.raises(Refusal) as refused:
        made(spec() | odd, {"a.yaml": b"{}"})

    assert refused.value.code == "locate.appset_element"


def test_spec_is_read_from_its_manifest_braces_and_all() -> None:
    """Quoted braces are values; the manifest is found by its name."""
    text = yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": spec(elements({"name": "a", "memory": "1Gi"})),
        }
    )

    assert made(spec_of(f"a: 1\n---\n{text}".encode(), REF, max_bytes=10_000)) == {"a": "1Gi"}
    with pytest.raises(Refusal):
        spec_of(b"a: 1\n", REF, max_bytes=10_000)


def test_only_options_count_as_the_tools_concern() -> None:
    """Another path, name, label or destination is more than a value."""
    app = {"metadata": {"name": "a"}, "spec": {"source": {"path": "p", "helm": {"values": "x"}}}}
    other = {"metadata": {"name": "a"}, "spec": {"sources": [{"path": "p", "kustomize": {"images": ["y"]}}]}}
    moved = {"metadata": {"name": "a"}, "spec": {"source": {"path": "q"}}}

    assert beside_options(app) == beside_options(other) != beside_options(moved)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("spec.generators[index=0].list.elements[name=a].memory", True),
        ("spec.template.spec.source.helm.valuesObject.memory", True),
        ("spec.template.spec.sources[index=0].kustomize.images[index=0]", True),
        ("spec.template.spec.source.path", False),
        ("spec.generators[index=0].git.revision", False),
        ("metadata.labels.elements", False),
    ],
)
def test_only_inputs_of_the_manifest_are_edited(field: str, expected: bool) -> None:  # noqa: FBT001 - the expectation
    """Elements, and what the template tells the tools."""
    assert is_input(parse_path(field)) is expected


def test_git_generators_are_seen_inside_others_too() -> None:
    """Whether a file is read by one that we do not generate from."""
    assert list(git_generators([{"matrix": {"generators": [GIT, elements()]}}])) == [GIT["git"]]
