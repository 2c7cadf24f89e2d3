"""ConfigMaps whose names follow their content: the edit, and the references that move along, on the real tool."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.rendering.hashed import hash_of
from reconciler.model.delivery import KustomizeOptions
from tests.manifests.examples import MANIFEST
from tests.propose.test_kustomize import APPLICATION, PROD, SETTINGS, Change, edits, proposed
from tests.propose.test_own import root
from tests.propose.test_rendered import OVERLAY, other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.objects import ObjectRef
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

LEVEL: Change = ("data.LEVEL", "debug", "info")
GENERATOR = "configMapGenerator:\n- name: settings\n  literals:\n  - LEVEL=debug\n  - OTHER=debug\n"
BOTH = {"LEVEL": "debug", "OTHER": "debug"}
READS = MANIFEST.replace(
    "          env:\n", "          envFrom:\n            - configMapRef: {name: settings}\n          env:\n"
)
BASED = {"base/webapp.yaml": READS}
IN_BASE = BASED | {
    "base/kustomization.yaml": f"resources: [webapp.yaml]\n{GENERATOR}",
    "overlays/staging/kustomization.yaml": OVERLAY,
}


def hashed(data: Mapping[str, str], stem: str = "settings") -> ObjectRef:
    """Return the ConfigMap that Kustomize generates with this content."""
    return replace(SETTINGS, name=f"{stem}-{hash_of({'kind': 'ConfigMap', 'data': dict(data)})}")


def refusal(*arguments: Any, **options: Any) -> Refusal:  # noqa: ANN401 - those of `proposed`
    """Return why nothing is proposed."""
    with pytest.raises(Refusal) as refused:
        proposed(*arguments, **options)
    assert refused.value.remedy
    return refused.value


@pytest.mark.parametrize(
    ("generator", "more", "path", "data"),
    [
        ("  literals:\n  - LEVEL=debug\n  - OTHER=debug\n", {}, PROD, BOTH),
        ("  literals:\n  - 'LEVEL=\"debug\"'\n  - OTHER=debug\n", {}, PROD, BOTH),
        ("  envs:\n  - app.env\n", {"overlays/prod/app.env": "# words\nOTHER=debug\nLEVEL=debug\n"}, None, BOTH),
        ("  files:\n  - LEVEL\n", {"overlays/prod/LEVEL": "debug"}, None, {"LEVEL": "debug"}),
        ("  files:\n  - LEVEL=level.txt\n", {"overlays/prod/level.txt": "debug"}, None, {"LEVEL": "debug"}),
    ],
    ids=["literal", "literal in quotes", "line of an environment", "file", "file under another key"],
)
def test_value_is_edited_and_the_references_follow_the_name(
    desk: Desk, generator: str, more: dict[str, str], path: str | None, data: dict[str, str]
) -> None:
    """The Deployment reads the ConfigMap; what it names changes with the hash, and nothing else does."""
    files = BASED | more | {PROD: f"{OVERLAY}configMapGenerator:\n- name: settings\n{generator}"}
    path = path or next(iter(more))

    made = proposed(desk, files, LEVEL, target=hashed(data))

    after = files[path].replace("LEVEL=debug", "LEVEL=info").replace('LEVEL="debug"', 'LEVEL="info"')
    assert edits(made) == {path: after if after != files[path] else "info"}
    assert made.located.becomes == hashed(data | {"LEVEL": "info"})


@pytest.mark.parametrize(
    ("names", "stem"),
    [
        ("namePrefix: eu-\n", "eu-settings"),
        ("nameSuffix: -eu\n", "settings-eu"),
        ("namePrefix: a-\nnameSuffix: -z\n", "a-settings-z"),
    ],
)
def test_name_with_prefix_and_suffix_keeps_them_before_its_hash(desk: Desk, names: str, stem: str) -> None:
    """The hash comes last."""
    made = proposed(desk, BASED | {PROD: OVERLAY + names + GENERATOR}, LEVEL, target=hashed(BOTH, stem))

    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"}, stem)


def test_value_that_an_overlay_merges_is_edited_there(desk: Desk) -> None:
    """The base generates, the overlay's entry wins over its literal."""
    merged = "configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [LEVEL=debug]\n"
    files = IN_BASE | {PROD: OVERLAY + merged}
    files["base/kustomization.yaml"] = files["base/kustomization.yaml"].replace("LEVEL=debug", "LEVEL=trace")

    made = proposed(desk, files, LEVEL, target=hashed(BOTH))

    assert edits(made) == {PROD: OVERLAY + merged.replace("debug", "info")}


def test_generated_labels_and_options_stay(desk: Desk) -> None:
    """Options of the generators are no part of the hash."""
    options = "generatorOptions:\n  labels: {team: shop}\n  immutable: true\n"

    made = proposed(desk, BASED | {PROD: OVERLAY + options + GENERATOR}, LEVEL, target=hashed(BOTH))

    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"})


def test_of_several_generators_with_equal_keys_the_right_one_is_edited(desk: Desk) -> None:
    """Each of the three says the same; one of them makes the target."""
    more = "".join(f"- name: {name}\n  literals:\n  - LEVEL=debug\n" for name in ("first", "last"))
    generators = f"{GENERATOR}{more}"

    made = proposed(desk, BASED | {PROD: OVERLAY + generators}, LEVEL, target=hashed({"LEVEL": "debug"}, "last"))

    head, _, tail = generators.rpartition("LEVEL=debug")
    assert edits(made) == {PROD: f"{OVERLAY}{head}LEVEL=info{tail}"}
    assert made.located.becomes == hashed({"LEVEL": "info"}, "last")


def test_content_that_git_has_newer_is_edited_as_git_has_it(desk: Desk) -> None:
    """Delivery is behind with another key, so the cluster's object has another hash than Git's."""
    made = proposed(desk, BASED | {PROD: OVERLAY + GENERATOR}, LEVEL, target=hashed(BOTH | {"OTHER": "old"}))

    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"})


def test_content_that_was_delivered_meanwhile_is_edited_as_git_has_it(desk: Desk) -> None:
    """The object that was looked at is gone; the Application lists the one of now, and that is proposed for."""
    now = hashed(BOTH)
    made = proposed(
        desk,
        BASED | {PROD: OVERLAY + GENERATOR},
        LEVEL,
        target=hashed(BOTH | {"OTHER": "old"}),
        listed=("", "ConfigMap", "production", now.name),
    )

    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"})


@pytest.mark.parametrize(("number", "is_right"), [(0, True), (1, False)])
def test_place_is_named_for_the_name_without_its_hash(desk: Desk, number: int, *, is_right: bool) -> None:
    """A mapping that named the hash would hold until the next edit only; the wrong place is refused."""
    place = f"{PROD}#configMapGenerator[name=settings].literals[index={number}]"
    files, target = BASED | {PROD: OVERLAY + GENERATOR}, hashed(BOTH)
    locate = {"mappings": (f"production/ConfigMap/settings={place}",)}

    if is_right:
        assert PROD in edits(proposed(desk, files, LEVEL, target=target, locate=locate))
    else:
        assert refusal(desk, files, LEVEL, target=target, locate=locate).code == "locate.not_found"


def test_name_that_is_copied_into_another_value_is_refused(desk: Desk) -> None:
    """What holds more than the name alone is no reference that Kustomize keeps: it might mean anything."""
    variable = (
        "vars:\n- name: MAP\n  objref: {apiVersion: v1, kind: ConfigMap, name: settings}\nconfigurations: [vars.yaml]\n"
    )
    files = {
        "base/webapp.yaml": MANIFEST.replace("value: quiet", "value: from-$(MAP)"),
        PROD: OVERLAY + GENERATOR + variable,
        "overlays/prod/vars.yaml": "varReference:\n- path: spec/template/spec/containers/env/value\n"
        "  kind: Deployment\n",
    }

    refused = refusal(desk, files, LEVEL, target=hashed(BOTH))

    assert refused.code == "locate.not_found"
    assert "env[name=MODE].value" in refused.message


def test_shared_base_gets_a_merging_entry_in_the_overlay(desk: Desk) -> None:
    """The base stays as it is for the others."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, IN_BASE | {PROD: OVERLAY}, LEVEL, staging, target=hashed(BOTH))

    entry = "configMapGenerator:\n- name: settings\n  behavior: merge\n  literals:\n  - LEVEL=info\n"
    assert edits(made) == {PROD: OVERLAY + entry}
    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"})
    assert made.located.shared_with == ()


@pytest.mark.parametrize(
    ("literals", "after"),
    [
        ("  literals:\n  - OTHER=y  # ours\n", "  literals:\n  - OTHER=y  # ours\n  - LEVEL=info\n"),
        ("  literals:\n    - OTHER=y", "  literals:\n    - OTHER=y\n    - LEVEL=info\n"),
        (
            "  literals: [OTHER=y]\n",
            "  literals: [OTHER=y]\n- name: settings\n  behavior: merge\n  literals:\n  - LEVEL=info\n",
        ),
    ],
    ids=["in lines", "deeper, without a last line end", "in one line"],
)
def test_entry_that_merges_already_gets_a_literal_more(desk: Desk, literals: str, after: str) -> None:
    """Where it has a line for each; else one more entry is merged."""
    merging = f"{OVERLAY}configMapGenerator:\n- name: settings\n  behavior: merge\n"
    staging = other(desk, "staging", "Kustomize", "overlays/staging")
    data = {"LEVEL": "debug", "OTHER": "y"}

    made = proposed(desk, IN_BASE | {PROD: merging + literals}, LEVEL, staging, target=hashed(data))

    assert edits(made) == {PROD: merging + after}
    assert made.located.becomes == hashed(data | {"LEVEL": "info"})


@pytest.mark.parametrize("generator", ["  envs: [app.env]\n", "  files: [LEVEL]\n"])
def test_shared_file_of_a_generator_is_left_alone(desk: Desk, generator: str) -> None:
    """Lines of an environment and a key's own file are shared as any other."""
    files = IN_BASE | {
        "base/kustomization.yaml": f"resources: [webapp.yaml]\nconfigMapGenerator:\n- name: settings\n{generator}",
        "base/app.env": "LEVEL=debug\n",
        "base/LEVEL": "debug",
        PROD: OVERLAY,
    }
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, files, LEVEL, staging, target=hashed({"LEVEL": "debug"}))

    assert list(edits(made)) == [PROD]
    assert "LEVEL=info" in edits(made)[PROD]


def test_patch_in_the_application_is_edited_in_its_manifest(desk: Desk) -> None:
    """App of apps: what the Application itself makes of the ConfigMap comes before the hash."""
    patch = json.dumps([{"op": "replace", "path": "/data/LEVEL", "value": "debug"}])
    written = (
        "      patches:\n      - target: {kind: ConfigMap}\n        patch: |-\n"
        "          - op: replace\n            path: /data/LEVEL\n            value: debug\n"
    )
    options = KustomizeOptions(patches=(json.dumps({"target": {"kind": "ConfigMap"}, "patch": patch}),))
    files = BASED | {
        PROD: OVERLAY + GENERATOR.replace("LEVEL=debug", "LEVEL=trace"),
        "apps/webapp.yaml": APPLICATION.format(url=desk.shop.url, options=written),
    }

    made = proposed(desk, files, LEVEL, root(desk), target=hashed(BOTH), kustomize=options)

    after = APPLICATION.format(url=desk.shop.url, options=written.replace("debug", "info"))
    assert edits(made) == {"apps/webapp.yaml": after}
    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"})


def test_flux_is_told_from_argo_by_nothing_here(desk: Desk) -> None:
    """What its Kustomization adds comes before the hash, as with Argo CD."""
    options = KustomizeOptions(name_suffix="-eu", namespace="production")

    made = proposed(
        desk,
        BASED | {PROD: OVERLAY + GENERATOR},
        LEVEL,
        target=hashed(BOTH, "settings-eu"),
        kind="Flux",
        kustomize=options,
    )

    assert edits(made) == {PROD: OVERLAY + GENERATOR.replace("LEVEL=debug", "LEVEL=info")}
    assert made.located.becomes == hashed(BOTH | {"LEVEL": "info"}, "settings-eu")


def test_generated_secret_is_refused(desk: Desk) -> None:
    """Invariant 11: Secrets are never edited."""
    generator = "secretGenerator:\n- name: settings\n  literals: [LEVEL=debug]\n"

    refused = refusal(
        desk, {PROD: OVERLAY + generator}, LEVEL, target=replace(SETTINGS, kind="Secret", name="settings-22bkdd6mk2")
    )

    assert refused.code == "edit.forbidden_kind"
