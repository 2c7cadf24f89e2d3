"""Names that follow content: the hash is Kustomize's own, and only exact references move with it."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.rendering.hashed import hash_of, may_be_hashed, may_become, named_now, stem_of
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.action import FieldChange, Replacement
from reconciler.model.objects import ObjectRef
from reconciler.model.rendering import KUSTOMIZE, RenderJob
from tests.adapters.tools import renderers

SETTINGS = ObjectRef(cluster="default", group="", kind="ConfigMap", namespace="production", name="settings-t84bgbmfg7")
NAMESPACE = "production"
LEVEL = Replacement(path=("data", "LEVEL"), before="debug", after="info")
FILE = "kustomization.yaml"
LITERAL = b"literals: [LEVEL=debug]\n"


def config_map(stem: str = "settings", **data: str) -> dict[str, Any]:
    """Return a ConfigMap as Kustomize renders it, with its hash."""
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {}}
    made["metadata"]["name"] = f"{stem}-{hash_of(made)}"
    return made


def deployment(*names: str, kind: str = "Deployment") -> dict[str, Any]:
    """Return an object that refers to these names."""
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"refs": list(names)}}


def probe(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Probe:
    """Return a search in which any edit makes the second rendering of the first."""
    target = ObjectRef(
        cluster="default", group="", kind="ConfigMap", namespace=NAMESPACE, name=before[0]["metadata"]["name"]
    )
    return Probe(
        target,
        NAMESPACE,
        [LEVEL],
        {FILE: LITERAL},
        lambda edited: tuple(copy.deepcopy(after if edited else before)),
        max_bytes=1000,
        max_renderings=10,
    )


@pytest.mark.parametrize(
    ("rendered", "name"),
    [
        ({"data": {"LEVEL": "debug"}}, "t84bgbmfg7"),
        (
            {
                "binaryData": {"b.bin": "//4AYmlu"},
                "data": {"LEVEL": "debug", "X": "<a>&é", "a.txt": 'one\ntwo \\ "q" tab\t<b> \u2028 x\n'},
            },
            "57h9b5dg99",
        ),
    ],
)
def test_hash_is_the_one_that_kustomize_appends(rendered: dict[str, Any], name: str) -> None:
    """Both were made by kustomize 5; the second has everything that its JSON writes in another way."""
    whole = {"apiVersion": "v1", "kind": "ConfigMap", **rendered, "metadata": {"name": f"a-b-{name}"}}

    assert hash_of(whole) == name
    assert stem_of(whole) == "a-b"


@pytest.mark.real  # the tool, not the testbed
def test_hash_is_kustomizes_whatever_a_value_says() -> None:
    """One rendering of a hundred ConfigMaps, with the characters that YAML and JSON write in ways of their own."""
    draw = random.Random(7)
    signs = [*"aZ09 ~-_=:,#'\"\\/|>[]{}&*!%@`<\n", "é", "\u2028", "\u00a0", "🙂", "yes", "0o17", "null"]
    made = {
        f"k/{number}.txt": "".join(draw.choices(signs, k=draw.randint(0, 12))).encode() for number in range(100)
    } | {"k/kustomization.yaml": b""}
    entries = [{"name": f"map-{n}", "files": [f"a={n}.txt", f"b.b={99 - n}.txt"]} for n in range(100)]
    made["k/kustomization.yaml"] = json.dumps({"configMapGenerator": entries}).encode()
    job = RenderJob(tool=KUSTOMIZE, folder="k", files=made, release="r", namespace="n")

    found = renderers().render(job)

    assert sorted(str(stem_of(o)) for o in found) == sorted(f"map-{n}" for n in range(100))


@pytest.mark.parametrize(
    "data",
    [{1: "a", "b": {2: "c", "d": None}}, ["a"], None, 5, {"a": "\ud800"}],
    ids=["keys", "list", "none", "5", "half"],
)
def test_whatever_is_rendered_has_a_hash(data: Any) -> None:  # noqa: ANN401 - any YAML
    """What is no ConfigMap's content matches nothing, and stops nobody."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {"name": "settings-57h9b5dg99"}}

    assert stem_of(made) is None
    assert named_now([made], SETTINGS, NAMESPACE) == SETTINGS


def test_name_that_only_looks_hashed_has_no_stem() -> None:
    """The content decides, not how the name looks."""
    made = config_map(LEVEL="debug")
    made["data"]["LEVEL"] = "info"

    assert stem_of(made) is None


@pytest.mark.parametrize(
    ("kind", "name", "stem"),
    [
        ("ConfigMap", "a-settings-z-57h9b5dg99", "a-settings-z"),
        ("ConfigMap", "settings", None),
        ("ConfigMap", "settings-57h9b5dg9", None),
        ("ConfigMap", "settings-57h9b5dga9", None),
        ("Secret", "settings-57h9b5dg99", None),
    ],
)
def test_name_may_be_hashed_by_its_look(kind: str, name: str, stem: str | None) -> None:
    """Ten characters of Kustomize's own alphabet, of a ConfigMap."""
    assert may_be_hashed(ObjectRef(cluster="c", group="", kind=kind, namespace="n", name=name)) == stem


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({"name": "settings-57h9b5dg99"}, True),
        ({"name": "other-57h9b5dg99"}, False),
        ({"name": "settings"}, False),
        ({"name": "settings-57h9b5dg99", "namespace": "elsewhere"}, False),
        ({"name": "settings-57h9b5dg99", "kind": "Secret"}, False),
    ],
)
def test_object_becomes_one_that_differs_in_its_hash_alone(changes: dict[str, str], *, may: bool) -> None:
    """Of several targets it is that one which is followed under another name."""
    assert may_become(SETTINGS, replace(SETTINGS, **changes)) is may


def test_target_is_found_under_the_hash_of_now() -> None:
    """By what its generator calls it; of two such objects neither."""
    now = config_map(LEVEL="info")

    assert named_now([now], SETTINGS, NAMESPACE).name == now["metadata"]["name"]
    assert named_now([now, config_map(LEVEL="trace")], SETTINGS, NAMESPACE) == SETTINGS
    assert named_now([now | {"data": {}}], SETTINGS, NAMESPACE) == SETTINGS
    assert named_now([config_map("other", LEVEL="info")], SETTINGS, NAMESPACE) == SETTINGS


def test_edit_is_exact_where_the_name_and_its_references_alone_follow() -> None:
    """Whatever the order that the new name brings."""
    old, new = config_map(LEVEL="debug"), config_map(LEVEL="info")
    was, now = old["metadata"]["name"], new["metadata"]["name"]
    found = probe([old, deployment(was, "other")], [deployment(now, "other"), new])

    assert found.is_exact({FILE: b""})
    made = found.becomes({FILE: b""})
    assert made is not None
    assert made.name == now


def test_name_that_there_is_no_rendering_left_for_is_refused() -> None:
    """It is never taken for one that stays: the object could not be followed."""
    old, new = config_map(LEVEL="debug"), config_map(LEVEL="info")
    found = probe([old], [new])
    for _ in range(9):
        assert found.is_exact({FILE: b""})

    with pytest.raises(Refusal) as refused:
        found.becomes({FILE: b""})

    assert refused.value.code == "locate.too_many_renderings"


OLD, NEW = config_map(LEVEL="debug"), config_map(LEVEL="info")
WAS, NOW = OLD["metadata"]["name"], NEW["metadata"]["name"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([OLD, deployment(WAS)], [NEW, deployment(f"{NOW}x")]),
        ([OLD, deployment(f"map={WAS}")], [NEW, deployment(f"map={NOW}")]),
        ([OLD, deployment("other")], [NEW, deployment(NOW)]),
        ([OLD, deployment(WAS, WAS)], [NEW, deployment(NOW)]),
        ([OLD, deployment(WAS)], [NEW, deployment(NOW), deployment(NOW, kind="StatefulSet")]),
        ([OLD, deployment(WAS), deployment(WAS, kind="StatefulSet")], [NEW, deployment(NOW)]),
        ([OLD], [NEW | {"immutable": True}]),
        ([OLD], [NEW, OLD]),
        ([OLD], [config_map(LEVEL="info", OTHER="x")]),
        ([OLD], [config_map("renamed", LEVEL="info")]),
        ([OLD], [{**NEW, "metadata": {"name": "settings-57h9b5dg99"}}]),
        (
            [config_map(LEVEL="debug", SELF=WAS)],
            [config_map(LEVEL="info", SELF=NOW)],
        ),
    ],
    ids=[
        "something else in a reference's place",
        "the name as a part of a value",
        "a reference that was none",
        "a reference less",
        "an object comes",
        "an object goes",
        "another field of it",
        "both are there",
        "another key",
        "another name before the hash",
        "no hash of its content",
        "another field that says a name",
    ],
)
def test_anything_beside_name_and_references_is_no_exact_edit(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    """Invariant 5: whatever else differs is not intended."""
    assert not probe(before, after).is_exact({FILE: b""})


def test_object_that_merely_looks_hashed_is_not_followed() -> None:
    """Its name was no hash of its content before, so nothing says that the new object is the same one."""
    before = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"LEVEL": "debug"}, "metadata": {"name": SETTINGS.name}}
    before["data"] = {"LEVEL": "debug", "OTHER": "x"}
    found = probe([before], [config_map(LEVEL="info", OTHER="x")])

    assert not found.is_exact({FILE: b""})
    assert found.becomes({FILE: b""}) is None


def test_name_of_another_tools_hash_is_refused_by_name() -> None:
    """A chart may name its objects after their content in a way of its own."""
    before = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"LEVEL": "debug"}, "metadata": {"name": "web-0a1b"}}
    after = before | {"data": {"LEVEL": "info"}, "metadata": {"name": "web-9f8e"}}

    with pytest.raises(Refusal) as refused:
        probe([before], [after]).prove([FILE])

    assert refused.value.code == "locate.generated_name"


def test_new_key_of_a_hashed_object_is_followed_too() -> None:
    """A field that comes makes another hash as one that changes does."""
    old, new = config_map(LEVEL="debug"), config_map(LEVEL="debug", OTHER="x")
    target = ObjectRef(cluster="c", group="", kind="ConfigMap", namespace=NAMESPACE, name=old["metadata"]["name"])
    change = FieldChange(path=("data", "OTHER"), before=None, after="x")
    found = Probe(
        target, NAMESPACE, [change], {}, lambda edited: (new,) if edited else (old,), max_bytes=1, max_renderings=9
    )

    assert found.is_exact({FILE: b""})
