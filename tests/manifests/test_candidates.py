"""What could be the value behind a field: said the same way, in a file of ours, in the right kind of manifest."""

from __future__ import annotations

import pytest

from reconciler.manifests.rendering.candidates import candidates
from reconciler.model.objects import FieldPath, Item
from tests.manifests.rendering import WEB, deployment, raised, text

IMAGE: FieldPath = ("spec", "template", "spec", "containers", Item("name", "web"), "image")


def found(
    files: dict[str, bytes], path: FieldPath | None = None, before: str = "512Mi", after: str = "1Gi"
) -> list[str]:
    """Return the candidates as people read them, with what they become."""
    change = raised(path, before, after) if path else raised(before=before, after=after)
    made = candidates(change, WEB, files, sorted(files), max_bytes=100_000)
    return [f"{c}: {c.spot.before} → {c.spot.after}" for c in made]


def test_manifest_of_another_kind_or_field_is_no_candidate() -> None:
    """A StatefulSet's limit, and a cache size of the right Deployment, are other values."""
    other = deployment() | {"kind": "StatefulSet"}
    mine = deployment("256Mi")
    mine["spec"]["template"]["spec"]["containers"][0]["cache"] = "512Mi"

    assert found({"a.yaml": text(other), "b.yaml": text(mine)}) == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"image: shop/web:1.0\n", "f.yaml: image: shop/web:1.0 → shop/web:1.1"),
        (b'newTag: "1.0"\n', "f.yaml: newTag: 1.0 → 1.1"),
    ],
)
def test_image_may_stand_whole_or_as_its_tag(line: bytes, shown: str) -> None:
    """Kustomize's `images:` and most charts split it."""
    assert found({"f.yaml": line}, IMAGE, "shop/web:1.0", "shop/web:1.1") == [shown]


def test_tag_beside_a_digest_is_no_candidate() -> None:
    """A new tag beside an old digest changes nothing."""
    assert found({"f.yaml": b'tag: "1.0"\n'}, IMAGE, "shop/web:1.0@sha256:ab", "shop/web:1.1@sha256:ab") == []


def test_literal_of_a_generated_config_map_is_a_candidate() -> None:
    """`KEY=value`, of the right key only."""
    files = {"f.yaml": b"configMapGenerator:\n- name: web\n  literals: [MODE=slow, OTHER=slow]\n"}

    shown = "f.yaml: configMapGenerator[name=web].literals[index=0]: MODE=slow → MODE=fast"
    assert found(files, ("data", "MODE"), "slow", "fast") == [shown]


@pytest.mark.parametrize(
    "data",
    [
        b"memory: {{ .Values.memory }}\nx: 512Mi\n",
        b"x: 512Mi\nsops:\n  mac: abc\n",
        b"kind: Secret\nx: 512Mi\n",
        b"x: 512Mi\nx: 512Mi\n",
        b"x: [512Mi\n",
        b"x: 512Mi\0\n",
    ],
)
def test_templates_secrets_and_broken_files_hold_none(data: bytes) -> None:
    """They are not edited, so nothing in them is a place."""
    assert found({"f.yaml": data}) == []


def test_other_files_than_yaml_hold_none() -> None:
    """Property files are not edited."""
    assert found({"f.txt": b'{"x": "512Mi"}', "f.env": b"x=512Mi\n"}) == []
