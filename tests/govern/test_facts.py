"""What the policy is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.govern.facts import facts_for
from reconciler.model.action import ActionName
from reconciler.model.cluster import Namespace
from reconciler.model.facts import Unknown
from reconciler.model.operation import Approval, Outcome
from tests.govern.cases import action, closed, operation, with_effect
from tests.worlds import NOW, WEBAPP, settings, snapshot, workload

RESTART = action()
SET_MEMORY = action(ActionName.SET_MEMORY)


def test_facts_are_json_and_complete() -> None:
    """The whole input of one action, as rules may rely on it."""
    hybrid = with_effect(operation(RESTART, SET_MEMORY), ago=timedelta(minutes=9))

    facts = facts_for(SET_MEMORY, 1, hybrid, snapshot(), (hybrid,), settings(), NOW)

    path = "spec.template.spec.containers[name=web].resources.limits.memory"
    assert json.loads(json.dumps(facts)) == {
        "action": {
            "name": "set-memory",
            "kind": "declarative",
            "risk": "low",
            "destructive": False,
            "changes": [{"path": path, "before": "512Mi", "after": "1Gi"}],
            "blast_radius": {"pods": 0, "workloads": 0, "nodes": 0},
        },
        "target": {
            "cluster": "default",
            "kind": "Deployment",
            "namespace": "production",
            "name": "webapp",
        },
        "environment": "production",
        "ownership": {"git": "owned"},
        "workload": {"stateful": False, "replicas": 3, "ready": 3},
        "evidence": {"finding": "oom-killed", "severity": "high", "age_seconds": 60},
        "history": {"attempts_24h": 1, "failures_in_row": 0, "reverted_before": False},
        "guards": {
            "pause": True,
            "cooldown": True,
            "rate": True,
            "open_pull_requests": True,
            "circuit_breaker": True,
            "attempts": True,
        },
        "flags": {"paused": False, "escalate": False},
        "approved": False,
        "settings": {
            "after_failure": "revert",
            "merge": "never",
            "attempts_per_day": 3,
            "approvers": ["system:kubernaut:production-approvers"],
        },
        "unknown_facts": [],
        "now": "2026-03-01T12:00:00+00:00",
    }


def test_equal_worlds_give_equal_facts() -> None:
    """Same input, same decision: the facts hold nothing of the moment but the given time."""
    first = facts_for(RESTART, 0, None, snapshot(), (), settings(), NOW)

    assert first == facts_for(RESTART, 0, None, snapshot(), (), settings(), NOW)


@pytest.mark.parametrize(
    ("namespaces", "environment"),
    [
        ({"production": Namespace(name="production", environment="staging")}, "staging"),
        ({"production": Namespace(name="production", environment=None)}, "production"),
        ({}, "production"),
        (Unknown("kubernetes", "timeout"), "production"),
    ],
)
def test_the_environment_is_the_label_or_production(
    namespaces: dict[str, Namespace] | Unknown, environment: str
) -> None:
    """It is never guessed from a name; what nobody said counts as production."""
    facts = facts_for(RESTART, 0, None, snapshot(namespaces=namespaces), (), settings(), NOW)

    assert facts["environment"] == environment


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("namespaces", ["namespaces"]),
        ("workloads", ["workloads", "ownership"]),
        ("applications", ["ownership"]),
    ],
)
def test_what_is_not_known_is_listed(source: str, listed: list[str]) -> None:
    """Invariant 3: a silent source is named, not left out."""
    silent = snapshot(**{source: Unknown(source, "timeout")})

    assert facts_for(RESTART, 0, None, silent, (), settings(), NOW)["unknown_facts"] == listed


def test_objects_that_are_not_observed_are_unknown() -> None:
    """Nobody looked at nodes, so nothing is known about this one."""
    node = replace(WEBAPP, group="", kind="Node", namespace="", name="node-1")

    facts = facts_for(action(ActionName.DRAIN_NODE, target=node), 0, None, snapshot(), (), settings(), NOW)

    assert facts["unknown_facts"] == ["target", "ownership"]


def test_flags_come_from_workload_namespace_and_configuration() -> None:
    """Each of them is enough."""
    on_workload = snapshot(workloads={WEBAPP: workload(flags=frozenset({"escalate"}))})
    on_namespace = snapshot(
        namespaces={"production": Namespace(name="production", environment=None, flags=frozenset({"paused"}))}
    )

    assert facts_for(RESTART, 0, None, on_workload, (), settings(), NOW)["flags"]["escalate"]
    assert facts_for(RESTART, 0, None, on_namespace, (), settings(), NOW)["flags"]["paused"]
    paused = settings(guards={"paused": True})
    assert facts_for(RESTART, 0, None, snapshot(), (), paused, NOW)["flags"]["paused"]


def test_only_an_approval_of_this_action_counts() -> None:
    """Invariant 9: a yes to the restart is no yes to the change."""
    hybrid = replace(operation(RESTART, SET_MEMORY), approvals=(Approval(action=0, by="ana", at=NOW),))

    approved = [
        facts_for(hybrid.remedy.actions[index], index, hybrid, snapshot(), (), settings(), NOW)["approved"]
        for index in (0, 1)
    ]

    assert approved == [True, False]


def test_the_history_counts_attempts_failures_and_reverts() -> None:
    """What the rule for failures needs to know."""
    tried = closed(with_effect(operation(name="op-2")), Outcome.FAILED)
    taken_back = closed(with_effect(operation(action(ActionName.REVERT_CHANGE), name="op-3")), Outcome.FAILED)
    mine = operation(SET_MEMORY)

    facts = facts_for(SET_MEMORY, 0, mine, snapshot(), (tried, taken_back, mine), settings(), NOW)

    assert facts["history"] == {"attempts_24h": 1, "failures_in_row": 2, "reverted_before": True}
