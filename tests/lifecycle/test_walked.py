"""Orders of events that random walks through a pull request's life found, each cut down to what it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.perform import perform as perform_really
from reconciler.steps import Perform, Verb
from tests.beds.users import REVIEWER
from tests.lifecycle.life import FILE
from tests.lifecycle.sides import GitHubSide
from tests.lifecycle.talk import dashboards
from tests.manifests.examples import MANIFEST
from tests.worlds import LIMIT, WEBAPP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lifecycle.life import Life

pytestmark = pytest.mark.long

_HOUR = timedelta(hours=1)
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: beside\n"


def test_merge_queue_may_take_longer_than_our_tries(on_github: Life) -> None:
    """Waiting for the queue spends no try: once it is let go, it is written anew, and nobody was told of a failure."""
    life, side = on_github, on_github.side
    assert isinstance(side, GitHubSide)
    life.run()
    side.enqueue(life.number)
    life.edit("# The shop's front door.", "# The shop's front door, and its back door.")
    head = life.head

    said = dict(life.run(8, later=_HOUR).waiting)[life.operation.id]
    assert "is in the merge queue" in said
    assert (life.head, life.operation.escalated) == (head, False)

    side.dequeue(life.number)
    life.run()
    assert life.head != head


def test_pull_request_that_somebody_points_elsewhere_is_theirs(on_github: Life) -> None:
    """It is neither written nor merged by us, and a merge into another branch ends it: base does not get it so."""
    life = on_github
    life.run()
    person, path = life.side.person(REVIEWER), f"/repos/{life.side.repository}"
    person.call("POST", f"{path}/git/refs", ref="refs/heads/other", sha=life.first)
    person.call("PATCH", f"{path}/pulls/{life.number}", base="other")
    person.approve(life.side.repository, life.number)
    life.override("policy", merge="on_approval")

    said = dict(life.run(3).waiting)[life.operation.id]
    assert "goes into other by now, so it is theirs" in said
    assert life.pull["state"] == "open"

    person.merge(life.side.repository, life.number)
    life.run(2)
    assert life.operation.outcome is Outcome.REJECTED
    assert "into other, which is not base" in (life.operation.outcome_reason or "")
    assert life.operation.escalated
    assert len(life.side.pulls()) == 1


def test_merge_of_ours_goes_into_base_or_nowhere(on_github: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody points it elsewhere after the snapshot: what is looked at right before the merge is its base, too."""
    life = on_github
    life.run()
    path = f"/repos/{life.side.repository}"
    life.side.person(REVIEWER).call("POST", f"{path}/git/refs", ref="refs/heads/other", sha=life.first)
    life.override("policy", merge="autonomous")

    def perform(steps: Sequence[Perform], *given: Any, **named: Any) -> None:  # noqa: ANN401 - as it is called
        if any(step.verb is Verb.MERGE for step in steps):
            life.side.person(REVIEWER).call("PATCH", f"{path}/pulls/{life.number}", base="other")
        perform_really(steps, *given, **named)

    monkeypatch.setattr("reconciler.reconcile.perform", perform)
    life.run(4)

    assert life.pull["base"]["ref"] == "other"
    assert life.pull["merged_at"] is None


def test_proposed_value_that_came_another_way_ends_the_pull_request(on_github: Life) -> None:
    """Base has it and it is live, and the trouble goes on: an empty change would keep the next remedy waiting."""
    life = on_github
    life.run()
    first = life.operation.id
    life.edit("limits: {cpu: 1, memory: 512Mi}", "limits: {cpu: 1, memory: 1Gi}")
    observe = life.around.observe
    life.around.observe = lambda _: replace(observe(_), fields={(WEBAPP, LIMIT): "1Gi"})  # type: ignore[method-assign]
    life.run(3)

    ended = next(operation for operation in life.operations if operation.id == first)
    assert ended.outcome is Outcome.SUPERSEDED
    assert "it is live" in (ended.outcome_reason or "")
    assert [pull["state"] for pull in life.side.pulls()] == ["closed"]


def test_approved_pull_request_of_a_lost_ledger_is_taken_as_it_is(on_github: Life) -> None:
    """That base moved beside it takes no approval away, with a new ledger as with the old one."""
    life = on_github
    life.run()
    head = life.head
    life.side.person(REVIEWER).approve(life.side.repository, life.number)
    life.edit("# The shop's front door.", "# The shop's front door, and its back door.")
    life.ledger_name = "another.db"

    said = dict(life.run(2).waiting)[life.operation.id]
    assert "ana approved it" in said
    assert life.head == head


def test_file_that_base_renames_is_followed(on_github: Life) -> None:
    """The open pull request is written anew for the file's new name, and a merge beside another rename is no loss."""
    life, side = on_github, on_github.side
    life.run()
    side.commit({FILE: None, "apps/front.yaml": side.text(FILE)})
    life.run(2)
    assert "memory: 1Gi" in side.text("apps/front.yaml", life.branch)
    assert [pull["state"] for pull in side.pulls()] == ["open"]

    side.person(REVIEWER).merge(side.repository, life.number)
    side.commit({"apps/front.yaml": None, "apps/door.yaml": side.text("apps/front.yaml")})
    life.run(2)
    assert life.operation.is_open, life.operation.outcome_reason
    assert life.operation.expected == ("1Gi",)


def test_pull_request_that_nobody_follows_is_named(on_github: Life) -> None:
    """The ledger is lost, and the trouble is gone: report and dashboard name it, until a person ends it."""
    life = on_github
    life.override("forge", dashboard=True)
    life.run()
    number = f"pull request {life.number}"
    life.ledger_name, life.around.trouble = "another.db", False

    report = life.run(2)
    assert (
        dict(report.waiting)[number] == "open, and nothing follows it (the ledger does not know it): merge or close it"
    )
    assert f"{number} waits" in report.sentence
    (issue,) = dashboards(life)
    assert "### Open, and nothing follows it" in issue["body"]
    assert f"[{number}](" in issue["body"]

    life.side.person(REVIEWER).close(life.side.repository, life.number)
    assert not life.run(2).waiting
    (issue,) = dashboards(life)
    assert "nothing follows it" not in issue["body"]


def test_pull_request_that_nobody_follows_is_adopted_when_its_trouble_is_back(on_github: Life) -> None:
    """Then it is an operation's again, and another cluster's was never named here."""
    life = on_github
    life.override("cluster", name="north")
    life.run()
    life.ledger_name, life.around.trouble = "another.db", False
    assert life.run().waiting
    life.override("cluster", name="south")
    assert not life.run().waiting

    life.override("cluster", name="north")
    life.around.trouble = True
    assert list(dict(life.run(2).waiting)) == [life.operation.id]
    assert len(life.side.pulls()) == 1


def test_pull_request_that_is_opened_again_after_its_end_is_named(on_github: Life) -> None:
    """Its operation has ended, and says how."""
    life = on_github
    life.run()
    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run(2)
    life.side.reopen(life.number)

    said = dict(life.run().waiting)[f"pull request {life.number}"]
    assert f"{life.operation.id} ended rejected" in said


def test_no_is_remembered_behind_another_proposal_when_the_ledger_is_lost(on_github: Life) -> None:
    """The branch's newest pull request asked for more, and an older one for what is asked for now."""
    life = on_github
    life.run()
    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run()
    life.around.peak = 1200.0
    life.run(2)
    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run()
    assert [pull["number"] for pull in life.side.pulls()] == [2, 1]

    life.ledger_name, life.around.peak = "another.db", 512.0
    life.run(2)
    assert len(life.side.pulls()) == 2
    assert "a person closed pull request 1 on this same proposal" in life.operation.outcome_reason


def test_close_after_a_reopening_is_a_no(on_github: Life) -> None:
    """We closed it because the trouble was gone; a person opened it at once, and closed it after all."""
    life = on_github
    life.run()
    life.around.trouble = False
    while life.pull["state"] == "open":
        life.run()
    life.side.reopen(life.number)
    assert life.run().waiting
    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run()

    assert life.operation.outcome is Outcome.REJECTED
    life.around.trouble = True
    assert [held.code for held in life.run(2).held] == ["rejected_before"]


def test_merge_that_a_no_came_too_late_for_is_followed(on_github: Life) -> None:
    """What was merged reaches the cluster: it is verified, and no restart is tried for it meanwhile."""
    life = on_github
    life.run()
    life.side.person(REVIEWER).merge(life.side.repository, life.number)
    life.say(EventKind.APPROVAL_REJECTED, by="ana", reason="no")
    life.run()

    assert (life.operation.phase, life.operation.outcome) == (Phase.AWAITING_SYNC, None)


def test_merge_right_before_our_close_is_followed(on_github: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot did not know it, and the close found nothing to close: how it ended is read first."""
    life = on_github
    life.run()
    life.say(EventKind.APPROVAL_REJECTED, by="ana", reason="no")

    def perform(steps: Sequence[Perform], *given: Any, **named: Any) -> None:  # noqa: ANN401 - as it is called
        if any(step.verb is Verb.CLOSE for step in steps):
            life.side.person(REVIEWER).merge(life.side.repository, life.number)
        perform_really(steps, *given, **named)

    monkeypatch.setattr("reconciler.reconcile.perform", perform)
    said = dict(life.run().waiting)[life.operation.id]
    assert "seen in the next pass" in said
    life.run()
    assert life.operation.phase is Phase.AWAITING_SYNC


def test_object_that_base_moves_into_another_file_is_followed(on_github: Life) -> None:
    """Its old file stays, and has other objects: the pull request is written anew for the one that has it by now."""
    life, side = on_github, on_github.side
    side.commit({FILE: f"{MANIFEST}---\n{OTHER}", "apps/all.yaml": OTHER.replace("beside", "below")})
    life.run()
    side.commit({FILE: OTHER, "apps/all.yaml": f"{OTHER.replace('beside', 'below')}---\n{MANIFEST}"})
    life.run(2)
    assert "memory: 1Gi" in side.text("apps/all.yaml", life.branch)
    assert [pull["state"] for pull in side.pulls()] == ["open"]

    side.person(REVIEWER).merge(side.repository, life.number)
    life.run()
    assert life.operation.expected == ("1Gi",)


def test_merge_into_another_branch_that_base_took_in_is_followed(on_github: Life) -> None:
    """It came into base all the same, as after a renaming of base: it is verified as any other merge."""
    life = on_github
    life.run()
    person, path = life.side.person(REVIEWER), f"/repos/{life.side.repository}"
    person.call("POST", f"{path}/git/refs", ref="refs/heads/other", sha=life.first)
    person.call("PATCH", f"{path}/pulls/{life.number}", base="other")
    person.merge(life.side.repository, life.number)
    life.side.force("main", life.side.pulls()[0]["merge_commit_sha"])
    life.run(2)

    assert life.operation.phase is Phase.AWAITING_SYNC
    assert life.operation.expected == ("1Gi",)


def test_nobody_asks_whether_what_is_left_alone_could_be_merged(
    on_github: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On hold, and base went on in our file: an idle pass costs no request for it."""
    life = on_github
    life.run()
    life.side.label(life.number, "hold")
    life.edit("# The shop's front door.", "# The shop's front door, and its back door.")
    asked: list[int] = []
    monkeypatch.setattr("reconciler.adapters.github_reviews.mergeability", lambda _, number, __: asked.append(number))
    said = dict(life.run(3, later=_HOUR).waiting)[life.operation.id]

    assert "on hold" in said
    assert asked == []
