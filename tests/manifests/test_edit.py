"""Edits that are made: exactly the named lines, in the author's style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.errors import Refusal
from reconciler.manifests.editing import parts
from reconciler.manifests.editing.edit import edit_document, edit_fields, read_document, read_fields
from reconciler.manifests.editing.parts import MappingNode, Node
from reconciler.model.objects import parse_path
from reconciler.settings import GuardSettings
from tests.manifests.examples import CONTAINER, MANIFEST, MEMORY, change, edit
from tests.worlds import WEBAPP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.action import FieldChange


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    """Return the lines that differ, without their indentation; both texts must have equally many."""
    pairs = zip(before.split("\n"), after.split("\n"), strict=True)
    return [(old.strip(), new.strip()) for old, new in pairs if old != new]


@pytest.mark.parametrize(
    ("wanted", "old", "new"),
    [
        (
            change(MEMORY, "512Mi", "1Gi"),
            "limits: {cpu: 1, memory: 512Mi}   # measured in May",
            "limits: {cpu: 1, memory: 1Gi}   # measured in May",
        ),
        (change(f"{CONTAINER}.resources.requests.memory", "256Mi", "1Gi"), 'memory: "256Mi"', 'memory: "1Gi"'),
        (change("spec.template.spec.initContainers[name=web].resources.limits.memory", "64Mi", "96Mi"), None, None),
        (change("spec.template.spec.containers[name=proxy].image", "proxy:1.9", "proxy:2"), None, "- image: 'proxy:2'"),
        (change("spec.replicas", "3", "5"), "replicas: 3", "replicas: 5"),
        (change("spec.paused", "false", "true"), "paused: false", "paused: true"),
        (change("metadata.annotations.team", "shop", "front of house"), "team: shop", "team: front of house"),
        (change("metadata.annotations.team", "shop", "12"), "team: shop", 'team: "12"'),
        (change("metadata.annotations.weight", "10", "20"), 'weight: "10"', 'weight: "20"'),
        (change(f"{CONTAINER}.env[name=MODE].value", "quiet", "yes"), "value: quiet", 'value: "yes"'),
        (
            change(f"{CONTAINER}.resources.limits.cpu", "1", "1500m"),
            None,
            "limits: {cpu: 1500m, memory: 512Mi}   # measured in May",
        ),
        (
            change(f"{CONTAINER}.resources.limits.cpu", "1000m", "1.5"),
            None,
            "limits: {cpu: 1.5, memory: 512Mi}   # measured in May",
        ),
        (change(f"{CONTAINER}.image", "shop:2.1", 'a "b" \\ c'), None, r'image: "a \"b\" \\ c"'),
        (change("spec.template.spec.containers[name=proxy].image", "proxy:1.9", "it's"), None, "- image: 'it''s'"),
    ],
)
def test_one_change_touches_one_line(wanted: FieldChange, old: str | None, new: str | None) -> None:
    """Invariant 5: only the intended line, with its quotes, comment and flow style."""
    ((before, after),) = changed_lines(MANIFEST, edit(MANIFEST, wanted))

    assert (old or before, new or after) == (before, after)


def test_several_changes_are_made_together() -> None:
    """A limit and its request change in one edit, each at its own place, whatever their order."""
    changes = [change(f"{CONTAINER}.resources.requests.memory", "256Mi", "512Mi"), change(MEMORY, "512Mi", "1Gi")]

    edited = edit(MANIFEST, *changes)

    assert edited == MANIFEST.replace("memory: 512Mi", "memory: 1Gi").replace('"256Mi"', '"512Mi"')
    assert edited == edit(MANIFEST, *reversed(changes))


def test_one_bad_change_stops_all() -> None:
    """All or none: a file is never half edited."""
    with pytest.raises(Refusal) as refused:
        edit(MANIFEST, change(MEMORY, "512Mi", "1Gi"), change("spec.replicas", "4", "5"))

    assert refused.value.code == "edit.stale"


def test_one_named_field_may_keep_its_value() -> None:
    """Of several named lines only those change that must."""
    edited = edit(MANIFEST, change(MEMORY, "512Mi", "1Gi"), change("spec.replicas", "3", "3"))

    assert edited == MANIFEST.replace("memory: 512Mi", "memory: 1Gi")


@pytest.mark.parametrize(
    "text",
    [MANIFEST, MANIFEST.replace("\n", "\r\n"), MANIFEST.rstrip("\n"), "\ufeff" + MANIFEST, MANIFEST + "---\n"],
    ids=["plain", "crlf", "no final newline", "bom", "empty document"],
)
def test_new_fields_come_and_go_without_a_trace(text: str) -> None:
    """Invariant 5: a revert of an insertion gives the file that was, byte by byte."""
    fields = {
        f"{CONTAINER}.resources.limits.storage": "1Gi",
        f"{CONTAINER}.resources.requests.cpu": "100m",
        f"{CONTAINER}.env[name=LEVEL].name": "LEVEL",
        f"{CONTAINER}.env[name=LEVEL].value": "yes",
        "spec.template.spec.containers[name=proxy].resources.requests.memory": "64Mi",
        "spec.strategy.rollingUpdate.maxSurge": "1",
    }

    after = edit(text, *(change(path, None, value) for path, value in fields.items()))

    assert read_fields(after.encode(), WEBAPP, "production", [parse_path(p) for p in fields]) == tuple(fields.values())
    assert edit(after, *(change(path, value, None) for path, value in fields.items())) == text


@pytest.mark.parametrize(
    "text",
    [
        MANIFEST.replace("\n", "\r\n"),
        MANIFEST.rstrip("\n"),
        "\ufeff" + MANIFEST,
        MANIFEST.replace("front door.", "front door. 🚪 ümlaut — odd"),
        MANIFEST.replace("team: shop", "team: shop   "),
        MANIFEST + "---\n",
        MANIFEST + "...\n",
    ],
    ids=["crlf", "no final newline", "bom", "wide characters", "trailing spaces", "empty document", "document end"],
)
def test_bytes_around_the_value_stay(text: str) -> None:
    """Invariant 5: line ends, marks, comments and missing newlines stay as they are, byte by byte."""
    assert edit(text, change(MEMORY, "512Mi", "1Gi")) == text.replace("memory: 512Mi", "memory: 1Gi")


def test_amounts_are_compared_by_value() -> None:
    """The cluster says 0.5Gi, the file 512Mi: the same amount, so the edit starts from what it expects."""
    assert "memory: 1Gi" in edit(MANIFEST, change(MEMORY, "0.5Gi", "1Gi"))


def test_other_values_are_compared_as_text() -> None:
    """A version 1.10 is not the version 1.1, though it is the same number."""
    with pytest.raises(Refusal, match=r"edit\.stale"):
        edit(MANIFEST.replace("team: shop", "team: '1.10'"), change("metadata.annotations.team", "1.1", "1.2"))


def test_namespace_defaults_to_the_destination() -> None:
    """A manifest without a namespace goes where its Application delivers it."""
    text = MANIFEST.replace("  namespace: production\n", "")

    assert "memory: 1Gi" in edit(text, change(MEMORY, "512Mi", "1Gi"))


def test_object_inside_a_list_is_found() -> None:
    """Argo CD delivers the items of a List, so they are manifests too."""
    head = "apiVersion: v1\nkind: List\nitems:\n"
    item = "- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: webapp}\n  spec: {replicas: 1}\n"

    assert edit(head + item, change("spec.replicas", "1", "2")) == head + item.replace("replicas: 1", "replicas: 2")


def test_unrelated_anchors_do_no_harm() -> None:
    """An anchor beside the field, used elsewhere, leaves the edit clear."""
    text = MANIFEST.replace("team: shop", "team: &team shop\n    owner: *team")

    assert edit(text, change(MEMORY, "512Mi", "1Gi")) == text.replace("memory: 512Mi", "memory: 1Gi")


def test_fields_are_read_by_the_same_rules() -> None:
    """Reading finds what an edit would find, and None where the file holds nothing."""
    paths = [MEMORY, f"{CONTAINER}.resources.limits.storage", "spec.strategy.type", "spec.replicas"]

    values = read_fields(MANIFEST.encode(), WEBAPP, "production", [parse_path(p) for p in paths])

    assert values == ("512Mi", None, None, "3")


def test_fields_of_an_object_that_is_gone_are_absent() -> None:
    """A file that holds other objects only holds none of the fields."""
    text = MANIFEST.replace("kind: Deployment", "kind: StatefulSet").encode()

    assert read_fields(text, WEBAPP, "production", [parse_path(MEMORY)]) == (None,)


def test_a_null_reads_as_absent() -> None:
    """Kubernetes drops a null, so the file says nothing of the field."""
    text = MANIFEST.replace("replicas: 3", "replicas:")

    assert read_fields(text.encode(), WEBAPP, "production", [("spec", "replicas")]) == (None,)


def test_reading_has_the_limit_of_the_settings() -> None:
    """The default size limit of reading is that of the settings."""
    assert read_fields.__kwdefaults__ == {"max_bytes": GuardSettings().max_file_bytes}


def test_pure_loader_gives_the_same_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml an edit is slower and otherwise the same."""
    fast = edit(MANIFEST, change(MEMORY, "512Mi", "1Gi"))
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    parts._loader.cache_clear()
    try:
        slow = edit(MANIFEST, change(MEMORY, "512Mi", "1Gi"))
        assert parts._loader() is yaml.SafeLoader
    finally:
        parts._loader.cache_clear()

    assert slow == fast


def test_an_edit_parses_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once before and once after: the price of an edit is two parses."""
    parse, calls = parts.parsing, []

    def counted(text: str) -> object:
        calls.append(text)
        return parse(text)

    monkeypatch.setattr(parts, "parsing", counted)
    edit_fields(
        MANIFEST.encode(), WEBAPP, "production", [change(MEMORY, "512Mi", "1Gi")], max_bytes=9999, max_changed_lines=1
    )

    assert len(calls) == 2


def test_a_document_is_edited_by_whoever_picks_it() -> None:
    """A file of values has no identity: who knows its place picks the mapping, and the rest is the same."""
    text = "web: {replicas: 1}\n---\nkind: big   # of which there are two\nweb:\n  replicas: 1\n"

    def second(roots: Sequence[Node]) -> MappingNode:
        assert isinstance(roots[1], MappingNode)
        return roots[1]

    changes = [change("web.replicas", "1", "2"), change("kind", "big", "small")]
    edited = edit_document(text.encode(), second, changes, max_bytes=999, max_changed_lines=2)

    assert edited.decode() == "web: {replicas: 1}\n---\nkind: small   # of which there are two\nweb:\n  replicas: 2\n"
    assert read_document(edited, second, [("web", "replicas"), ("x",)], max_bytes=999) == ("2", None)


@pytest.mark.parametrize(
    "more", ["# {{ .Values.memory }}\n", '---\nsummary: "{{ $labels.pod }}"\nplain: a {{ b }}\nblock: |\n  {{ c }}\n']
)
def test_braces_inside_values_and_comments_are_left_alone(more: str) -> None:
    """Alert rules and workflows hold them in plain manifests, beside what is edited."""
    edited = edit(MANIFEST + more, change(MEMORY, "512Mi", "1Gi"))

    assert edited == MANIFEST.replace("memory: 512Mi", "memory: 1Gi", 1) + more
