"""Approve and reject: what a person says is written once, where it may be, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.advance import fold
from reconciler.cli.answers import _record
from reconciler.cli.session import Session
from reconciler.model.operation import Draft, EventKind, Phase
from tests.cli.desk import Desk, awaiting_approval
from tests.worlds import NOW, Story

if TYPE_CHECKING:
    from reconciler.model.operation import Operation


def test_approve_records_the_persons_yes(desk: Desk) -> None:
    """The event names the action and the person, and the operation goes on."""
    desk.record(awaiting_approval())

    result = desk.run("approve", "op-1", "--as", "ana")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "approved by ana: restart Deployment production/webapp (op-1)"
    assert desk.events()[-1].data == {"action": 0, "by": "ana"}
    assert fold(desk.events())["op-1"].phase is Phase.DECIDED


def test_approve_takes_the_login_name(desk: Desk) -> None:
    """Without --as the person is who is logged in."""
    desk.record(awaiting_approval())

    desk.run("approve", "op", LOGNAME="bea")

    assert desk.events()[-1].data["by"] == "bea"


def test_second_approval_by_the_same_person_is_refused(desk: Desk) -> None:
    """Where two people must agree, one person cannot be both, and the ledger stays readable."""
    desk.record(awaiting_approval(approvers=2).add(EventKind.APPROVAL_GIVEN, action=0, by="ana"))
    before = desk.events()

    result = desk.run("approve", "op-1", "--as", "ana")

    assert result.exit_code == 4
    assert "[approve.already]" in result.stderr
    assert desk.events() == before


def test_two_people_can_approve_one_action(desk: Desk) -> None:
    """The second yes is recorded too, and the status asks for it in between."""
    desk.record(awaiting_approval(approvers=2))

    first = desk.run("approve", "op-1", "--as", "ana")
    between = desk.run("status").stdout
    second = desk.run("approve", "op-1", "--as", "bea")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "an approval of restart-deployment" in between
    assert [a.by for a in fold(desk.events())["op-1"].approvals] == ["ana", "bea"]


def test_one_yes_is_for_every_action_that_waits(desk: Desk) -> None:
    """Two actions wait; without --action both are meant, in one append."""
    desk.record(awaiting_approval().add(EventKind.APPROVAL_REQUESTED, action=1))

    result = desk.run("approve", "op-1", "--as", "ana")

    assert result.exit_code == 0
    assert [a.action for a in fold(desk.events())["op-1"].approvals] == [0, 1]


def test_approve_of_an_open_pull_request_points_to_the_forge(desk: Desk) -> None:
    """A pull request is approved by reviewing it; the error says where."""
    desk.record(Story().pull_request_opened())

    result = desk.run("approve", "op-1", "--as", "ana")

    assert result.exit_code == 4
    assert "[approve.on_forge]" in result.stderr
    assert "http://localhost:3/platform/manifests/pulls/41" in result.stderr


def test_approve_of_an_action_that_does_not_wait_is_refused(desk: Desk) -> None:
    """Action 1 was never asked for, so a yes to it means nothing."""
    desk.record(awaiting_approval())

    result = desk.run("approve", "op-1", "--action", "1", "--as", "ana")

    assert (result.exit_code, len(desk.events())) == (4, 3)
    assert "[approve.nothing_waits]" in result.stderr


def test_reject_records_name_and_reason(desk: Desk) -> None:
    """The no is remembered with who and why (invariant 7: people win)."""
    desk.record(Story().pull_request_opened())

    result = desk.run("reject", "op-1", "--as", "ana", "--reason", "the batch job\nis to blame")

    assert result.exit_code == 0
    assert desk.events()[-1].data == {"by": "ana", "reason": "the batch job is to blame"}
    assert "closes pull request 41" in result.stdout


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_an_ended_operation_takes_no_answer(desk: Desk, command: str) -> None:
    """What is over is over; nothing is appended to it."""
    ended = awaiting_approval().add(EventKind.OPERATION_CLOSED, outcome="resolved", reason="it recovered")
    desk.record(ended)

    result = desk.run(command, "op-1", "--as", "ana")

    assert result.exit_code == 4
    assert "op-1 ended resolved" in result.stderr
    assert len(desk.events()) == 4


def test_a_rejected_operation_is_not_approved_any_more(desk: Desk) -> None:
    """A no stands against a later yes."""
    desk.record(awaiting_approval())
    desk.run("reject", "op-1", "--as", "ana")

    result = desk.run("approve", "op-1", "--as", "bea")

    assert result.exit_code == 4
    assert "was rejected by ana" in result.stderr


@pytest.mark.parametrize(("wanted", "code"), [("nope", "operation.unknown"), ("op-", "operation.ambiguous")])
def test_an_id_must_mean_one_operation(desk: Desk, wanted: str, code: str) -> None:
    """Exit code 7 for none and for several alike, and the message says which."""
    desk.record(awaiting_approval(), "op-1")
    desk.record(awaiting_approval(), "op-2")

    result = desk.run("approve", wanted)

    assert result.exit_code == 7
    assert f"[{code}]" in result.stderr


def test_an_answer_survives_a_pass_that_appends_meanwhile(desk: Desk) -> None:
    """The ledger moved between read and append: everything is read again and the yes is recorded on top."""
    desk.record(awaiting_approval())
    session = Session(config=str(desk.folder / "reconciler.yaml"), debug=False, environ={})
    read: list[int] = []

    def overtaken_once(operation: Operation) -> list[Draft]:
        read.append(operation.version)
        if len(read) == 1:
            other = Draft(operation="op-1", kind=EventKind.ESCALATED, data={"reason": "look"})
            desk.ledger.append([other], at=NOW, expected=operation.version)
        return [Draft(operation="op-1", kind=EventKind.APPROVAL_GIVEN, data={"action": 0, "by": "ana"})]

    _record(session, "op-1", overtaken_once)

    assert read == [3, 4]
    assert [e.kind for e in desk.events()][-2:] == [EventKind.ESCALATED, EventKind.APPROVAL_GIVEN]


def test_a_nameless_person_is_asked_for_a_name(desk: Desk) -> None:
    """An approval by nobody would be worth nothing."""
    desk.record(awaiting_approval())

    result = desk.run("approve", "op-1", "--as", "  ")

    assert result.exit_code == 2
    assert result.stderr.endswith("remedy: say it with --as NAME\n")
