"""An operation of several objects: every place that tells of it names all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.actions.telling import of_pass
from reconciler.decide.together import together
from reconciler.model.codec import encode
from reconciler.model.conversation import Conversation
from reconciler.model.operation import EventKind, Outcome
from reconciler.model.report import PassReport, Plan, PlannedAction, PlannedRemedy
from reconciler.model.verdict import Answer, Route
from reconciler.report.passes import plan_blocks, plan_sentence
from reconciler.report.standing import operation_row
from reconciler.report.story import story
from reconciler.report.written import written
from reconciler.sentences import sentence
from reconciler.talk.texts import dashboard
from tests.cli.desk import restart_verdict
from tests.groups import FOUND, NAMES, TARGETS, remedy, trio
from tests.report.test_passes import proposal
from tests.worlds import MERGE, NOW, Story

if TYPE_CHECKING:
    from reconciler.model.operation import Operation

RAISED = ["1Gi", "1Gi", "1Gi"]


def ended() -> Story:
    """Return the story of three that were mended together."""
    told = Story(trio()).pull_request_opened()
    told.add(EventKind.PULL_REQUEST_MERGED, merge_commit=MERGE, by="ana", expected=RAISED)
    told.add(EventKind.CHANGE_LIVE, revision=MERGE, values=RAISED)
    return told.add(EventKind.OPERATION_CLOSED, outcome=Outcome.VERIFIED, reason="9 checks passed")


def operation() -> Operation:
    """Return their operation."""
    return ended().operation


def test_status_names_all_and_lists_them_for_programs() -> None:
    """`target` reads, `targets` is a list."""
    row = operation_row(operation(), NOW)

    assert row["target"] == ", ".join(map(str, TARGETS))
    assert row["targets"] == [str(target) for target in TARGETS]


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (EventKind.CHANGE_LIVE, {}, "the change of webapp, mail, shop is live"),
        (EventKind.CHECKED, {"clean": True, "checks": []}, "checked webapp, mail, shop: all passed"),
        (EventKind.VERIFICATION_FAILED, {"analysis": "x"}, "webapp, mail, shop are not cured: x"),
    ],
)
def test_a_pass_says_what_happened_to_all(kind: EventKind, data: dict[str, Any], said: str) -> None:
    """One sentence."""
    event = replace(ended().events[-1], kind=kind, data=data)

    assert sentence(event, operation()) == said


def test_explain_tells_of_each_what_is_wrong_and_what_changes() -> None:
    """Two actions an object, each with its own verdict."""
    text = "\n".join(written(story(operation(), ended().events, NOW)))

    for name in NAMES:
        assert f"{name}: container web is OOMKilled at its memory limit 512Mi" in text
        assert f"{name}: memory limit 512Mi → 1Gi" in text
        assert f"restart Deployment production/{name}" in text


def test_dashboard_and_action_name_all() -> None:
    """The issue's row, and the outputs of the GitHub action."""
    many = together([remedy(f"a-service-with-a-rather-long-name-{n}") for n in range(10)])
    text = dashboard([Story(many).operation], Conversation(), NOW)
    assert all(f"production/{target.name}" in text for target in many.targets)
    row = next(line for line in dashboard([operation()], Conversation(), NOW).splitlines() if "op-1" in line)
    outputs = of_pass(passed())

    assert all(f"production/{name}" in row for name in NAMES)
    for said in (outputs["pull_requests"], outputs["outcomes"]):
        assert json.loads(said)[0]["target"] == ", ".join(map(str, TARGETS))


def passed() -> PassReport:
    """Return a pass in which the operation ended."""
    nothing: dict[str, Any] = dict.fromkeys(("lines", "waiting", "findings", "held", "unknown"), ())
    return PassReport(started_at=NOW, finished_at=NOW, sentence="done", operations=(operation(),), **nothing)


def test_a_plan_counts_one_pull_request_and_each_restart() -> None:
    """The first declarative action holds the proposal of all; the others are no direct actions."""
    run, propose = restart_verdict(), replace(restart_verdict(), route=Route.PULL_REQUEST)
    going = {i: replace(propose if i in trio().declaratives else run, answer=Answer.GO) for i in range(6)}
    actions = [PlannedAction(action=action, verdict=going[i]) for i, action in enumerate(trio().actions)]
    actions[1] = replace(actions[1], proposal=replace(proposal(), targets=TARGETS))
    planned = PlannedRemedy(remedy=trio(), actions=tuple(actions))
    findings = tuple(FOUND.values())
    plan = Plan(taken_at=NOW, findings=findings, remedies=(planned,), held=(), unknown=())

    assert plan_sentence(plan) == "3 findings; 1 pull request and 3 direct actions would follow; nothing was touched"
    assert "\n".join(written(plan_blocks(plan))).startswith(", ".join(map(str, TARGETS)))
    assert encode(plan)["remedies"][0]["actions"][1]["proposal"]["targets"][2]["name"] == "shop"
