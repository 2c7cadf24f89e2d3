"""What a pod is told of its ConfigMap and its node follows from these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.testbed import senses
from tests.testbed.senses import Note

if TYPE_CHECKING:
    from tests.testbed.kube import Json

PREFIX = "testbed.reconciler.dev"


def pod(**notes: str) -> Json:
    """Return a pod on node-1 with annotations, given without their prefix."""
    annotations = {f"{PREFIX}/{key.replace('_', '-')}": value for key, value in notes.items()}
    metadata = {"namespace": "production", "name": "web-1", "annotations": annotations}
    return {"metadata": metadata, "spec": {"nodeName": "node-1"}}


def node(ready: str, **notes: str) -> Json:
    """Return node-1."""
    annotations = {f"{PREFIX}/{key.replace('_', '-')}": value for key, value in notes.items()}
    return {
        "metadata": {"name": "node-1", "annotations": annotations},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("need", "verdict"),
    [
        ("settings/LEVEL=debug|info", "good"),
        ("settings/LEVEL=warn", "bad"),
        ("settings/LEVEL=inf", "bad"),
        ("settings/OTHER=.*", "bad"),
        ("nothing/LEVEL=info", "missing"),
    ],
)
def test_a_value_is_good_when_the_whole_of_it_matches(need: str, verdict: str) -> None:
    """A missing key is bad, a missing ConfigMap is missing."""
    assert senses.judge(need, "production", {("production", "settings"): {"LEVEL": "info"}}) == verdict


def test_notes_are_written_only_where_they_differ() -> None:
    """Nothing is written about a pod that bears the truth already."""
    needs = "settings/LEVEL=info"
    config_map = {"metadata": {"namespace": "production", "name": "settings"}, "data": {"LEVEL": "info"}}

    assert list(senses.notes([pod(needs_config=needs, sees_config="good")], [config_map], [node("True")])) == []
    assert list(senses.notes([pod(needs_config=needs, sees_config="bad")], [config_map], [node("True")])) == [
        Note("production", "web-1", {f"{PREFIX}/sees-config": "good"})
    ]


@pytest.mark.parametrize("bad", [node("False"), node("Unknown"), node("True", failing_readiness="true")])
def test_a_failing_node_is_noted_and_forgotten(bad: Json) -> None:
    """The note goes when the node works again."""
    key = f"{PREFIX}/sees-node"

    assert list(senses.notes([pod()], [], [bad])) == [Note("production", "web-1", {key: "failing"})]
    assert list(senses.notes([pod(sees_node="failing")], [], [node("True")])) == [
        Note("production", "web-1", {key: None})
    ]
