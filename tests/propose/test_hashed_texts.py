"""Texts that a generated ConfigMap holds: a key's own file, whole or one line of it, on the real tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Conflict
from tests.propose.test_hashed import IN_BASE, hashed, refusal
from tests.propose.test_kustomize import PROD, SETTINGS, edits, proposed
from tests.propose.test_rendered import OVERLAY, other

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

PROPERTIES = "# people's words\nlog.level = debug\nlog.path = /var/log\n"


@pytest.mark.parametrize(
    ("resource", "home"),
    [
        ({"overlays/prod/app.properties": PROPERTIES}, "overlays/prod/app.properties"),
        (
            {
                "overlays/prod/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"
                "data:\n  app.properties: |\n" + "".join(f"    {line}\n" for line in PROPERTIES.splitlines())
            },
            "overlays/prod/settings.yaml",
        ),
    ],
    ids=["the key's own file", "literal block of a manifest"],
)
def test_key_inside_a_text_is_edited_on_its_line(desk: Desk, resource: dict[str, str], home: str) -> None:
    """In the file that a generator takes for the key, or in the manifest of a ConfigMap, whose name has no hash."""
    generator = "configMapGenerator:\n- name: settings\n  files: [app.properties]\n"
    is_manifest = home.endswith(".yaml")
    kustomization = OVERLAY + ("- settings.yaml\n" if is_manifest else generator)
    target = SETTINGS if is_manifest else hashed({"app.properties": PROPERTIES})

    made = proposed(
        desk, {PROD: kustomization} | resource, ('data."app.properties"{log.level}', "debug", "info"), target=target
    )

    assert edits(made) == {home: resource[home].replace("= debug", "= info")}
    after = hashed({"app.properties": PROPERTIES.replace("debug", "info")})
    assert made.located.becomes == (None if is_manifest else after)
    assert [(s.before, s.after) for s in made.located.sites] == [("debug", "info")]


def test_key_inside_a_text_that_no_file_holds_is_refused_by_name(desk: Desk) -> None:
    """A literal of a generator is no text line by line."""
    generator = "configMapGenerator:\n- name: settings\n  literals: [app.env=LEVEL=debug]\n"

    refused = refusal(
        desk,
        {PROD: OVERLAY + generator},
        ('data."app.env"{LEVEL}', "debug", "info"),
        target=hashed({"app.env": "LEVEL=debug"}),
    )

    assert refused.code == "locate.inner_text"


def test_key_inside_a_text_that_says_another_value_waits_for_delivery(desk: Desk) -> None:
    """Git is ahead of the cluster, which is no refusal that stands."""
    files = {
        PROD: f"{OVERLAY}configMapGenerator:\n- name: settings\n  files: [app.properties]\n",
        "overlays/prod/app.properties": PROPERTIES,
    }

    with pytest.raises(Conflict) as ahead:
        proposed(
            desk,
            files,
            ('data."app.properties"{log.level}', "trace", "info"),
            target=hashed({"app.properties": PROPERTIES}),
        )

    assert ahead.value.code == "propose.git_ahead"


def test_whole_file_of_several_lines_is_replaced(desk: Desk) -> None:
    """Its texts stay on one line each where lines mean something."""
    files = {
        PROD: f"{OVERLAY}configMapGenerator:\n- name: settings\n  files: [app.properties]\n",
        "overlays/prod/app.properties": PROPERTIES,
    }
    after = "log.level = info\n\nProposal-Id: forged\n"

    made = proposed(
        desk, files, ('data."app.properties"', PROPERTIES, after), target=hashed({"app.properties": PROPERTIES})
    )

    assert edits(made) == {"overlays/prod/app.properties": after}
    assert made.located.becomes == hashed({"app.properties": after})
    assert [line for line in made.message.splitlines() if line.startswith("Proposal-Id")] == [
        f"Proposal-Id: {made.identity}"
    ]


@pytest.mark.parametrize("hidden", ["a\x00b", "a\u202eb", "a\u2028b"])
def test_whole_file_with_hidden_characters_is_refused(desk: Desk, hidden: str) -> None:
    """What a reviewer cannot see does not enter a file."""
    files = {
        PROD: f"{OVERLAY}configMapGenerator:\n- name: settings\n  files: [app.txt]\n",
        "overlays/prod/app.txt": "a\nb\n",
    }

    refused = refusal(desk, files, ('data."app.txt"', "a\nb\n", hidden), target=hashed({"app.txt": "a\nb\n"}))

    assert refused.code == "locate.not_found"


def test_shared_text_is_refused_with_everybody_named(desk: Desk) -> None:
    """A copy of the whole text in the overlay would not follow the one that all share."""
    files = IN_BASE | {
        "base/kustomization.yaml": "resources: [webapp.yaml]\nconfigMapGenerator:\n- name: settings\n"
        "  files: [app.properties]\n",
        "base/app.properties": PROPERTIES,
        PROD: OVERLAY,
    }
    others = [other(desk, name, "Kustomize", "overlays/staging") for name in ("staging", "testing")]

    refused = refusal(
        desk,
        files,
        ('data."app.properties"{log.level}', "debug", "info"),
        *others,
        target=hashed({"app.properties": PROPERTIES}),
    )

    assert refused.code == "locate.shared_base"
    assert "staging" in refused.message
    assert "testing" in refused.message
