"""Field paths as text, names of objects, and findings' and remedies' identities."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.objects import FieldPath, Inner, Item, ObjectRef, format_path, parse_path
from tests.worlds import LIMIT, WEBAPP, oom_finding, oom_remedy

# Kubernetes allows no quotes in keys of maps that we address, and no brackets in names.
KEYS = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=12)
ITEMS = st.builds(
    Item,
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True),
    st.text(st.characters(exclude_characters="]", exclude_categories=["Cs"]), min_size=1, max_size=12),
)
INNERS = st.builds(
    Inner, st.text(st.characters(exclude_characters="}", exclude_categories=["Cs"]), min_size=1, max_size=12)
)
PATHS = st.lists(KEYS | ITEMS | INNERS, max_size=6).map(tuple)


@given(path=PATHS)
def test_written_path_is_read_back(path: FieldPath) -> None:
    """Annotations with dots, list items by name, whatever the order."""
    assert parse_path(format_path(path)) == path


@given(left=PATHS, right=PATHS)
def test_two_paths_are_never_written_the_same(left: FieldPath, right: FieldPath) -> None:
    """Invariant 6: the text is part of a proposal's identity."""
    assert (format_path(left) == format_path(right)) == (left == right)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (LIMIT, "spec.template.spec.containers[name=web].resources.limits.memory"),
        (("spec", "replicas"), "spec.replicas"),
        (("metadata", "annotations", "team.example/size"), 'metadata.annotations."team.example/size"'),
        (("data", "application.properties"), 'data."application.properties"'),
        (("data", "app.properties", Inner("log.level")), 'data."app.properties"{log.level}'),
        (("data", "a", Inner("server"), Inner("port")), "data.a{server}{port}"),
        (("a{b}",), '"a{b}"'),
        ((Item("name", "a"), "x"), "[name=a].x"),
        ((), ""),
    ],
)
def test_path_is_written_the_way_people_write_it(path: FieldPath, text: str) -> None:
    """Readers of `kubectl explain` know it."""
    assert format_path(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["spec..replicas", "spec.", "spec[0]", "spec[name=]", 'a."b', "a]", "spec.[", '""'])
def test_text_that_is_no_path_is_a_value_error(text: str) -> None:
    """Positions in lists are no names."""
    with pytest.raises(ValueError, match="not a field path"):
        parse_path(text)


def test_object_is_shown_by_kind_and_name_and_keyed_by_all_of_it() -> None:
    """The key tells clusters and groups apart, the shown text is for people."""
    node = ObjectRef(cluster="default", group="", kind="Node", namespace="", name="node-1")

    assert (str(WEBAPP), str(node)) == ("Deployment production/webapp", "Node node-1")
    assert WEBAPP.key == "default|apps/Deployment|production/webapp"
    assert replace(WEBAPP, cluster="other").key != WEBAPP.key
    assert replace(WEBAPP, group="apps.openshift.io").key != WEBAPP.key


@pytest.mark.parametrize(
    "other",
    [
        replace(oom_finding(), container="proxy"),
        replace(oom_finding(), target=replace(WEBAPP, cluster="other")),
        replace(oom_finding(), target=replace(WEBAPP, namespace="staging")),
    ],
    ids=["container", "cluster", "namespace"],
)
def test_fingerprint_tells_troubles_apart(other: object) -> None:
    """One finding for each container of each workload."""
    assert oom_finding().fingerprint != getattr(other, "fingerprint", None)


def test_fingerprint_leaves_evidence_severity_and_words_out() -> None:
    """Invariant 6: the same trouble in the next pass is the same finding."""
    worse = replace(oom_finding(), summary="other words", severity=oom_finding().severity, evidence=())

    assert worse.fingerprint == oom_finding().fingerprint


def test_digest_of_a_remedy_leaves_its_imperative_half_out() -> None:
    """A no is to the change; whether a restart went with it does not matter."""
    remedy = oom_remedy()

    assert replace(remedy, actions=remedy.actions[1:]).digest == remedy.digest
    assert replace(remedy, rationale="", parent="op-0").digest == remedy.digest


def test_digest_of_a_lone_restart_is_that_of_the_restart() -> None:
    """Invariant 7: a no to a restart is remembered, too."""
    remedy = oom_remedy()
    lone = replace(remedy, actions=remedy.actions[:1])
    other = replace(lone, actions=(replace(lone.actions[0], target=replace(WEBAPP, name="cart")),))

    assert len({remedy.digest, lone.digest, other.digest}) == 3
