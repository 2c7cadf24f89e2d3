"""The dashboard on both forges: one issue that follows what happens, and its boxes where they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.talk.speaking import speak
from tests.beds.users import ADMIN, REVIEWER
from tests.lifecycle.talk import dashboards, ours, say

if TYPE_CHECKING:
    from tests.lifecycle.life import Life

BOXES = {"dashboard": True, "boxes": True}


@pytest.mark.long
def test_dashboard_is_one_issue_that_follows_what_happens(life: Life) -> None:
    """Made once, rewritten in place, and found again when the ledger is lost."""
    life.override("forge", dashboard=True)
    life.run()
    (issue,) = dashboards(life)
    assert "### Waiting for a review" in issue["body"]

    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run(2)
    (issue,) = dashboards(life)
    assert "### Rejected by a person" in issue["body"]

    life.ledger_name = "another.db"
    life.run()
    assert [each["number"] for each in dashboards(life)] == [issue["number"]]


@pytest.mark.long
def test_closed_dashboard_is_left_alone(life: Life) -> None:
    """Who closes it does not want to see it; people win."""
    life.override("forge", dashboard=True)
    life.run()
    (issue,) = dashboards(life)
    path = f"/repos/{life.side.repository}/issues/{issue['number']}"
    life.side.person(REVIEWER).call("PATCH", path, state="closed")
    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run(2)

    (after,) = dashboards(life)
    assert (after["state"], after["body"]) == ("closed", issue["body"])


@pytest.mark.long
def test_dashboard_takes_commands(life: Life) -> None:
    """There an operation is named, and a stop is about everything."""
    life.override("forge", dashboard=True)
    life.run()
    (issue,) = dashboards(life)
    say(life, "/reconciler stop", number=issue["number"])
    say(life, f"/reconciler explain {life.operation.id}", number=issue["number"])

    (answer,) = ours(life, issue["number"])
    assert "opened pull request" in answer
    (issue,) = dashboards(life)
    assert "Nothing new is started:" in issue["body"]


def tick(life: Life, command: str, *, by: str) -> None:
    """Tick a box of the dashboard as a browser does: by sending the whole text."""
    (issue,) = dashboards(life)
    lines = issue["body"].splitlines()
    text = "\r\n".join(each.replace("[ ]", "[x]") if f"box {command} " in each else each for each in lines)
    assert "[x]" in text
    path = f"/repos/{life.side.repository}/issues/{issue['number']}"
    life.side.person(by).call("PATCH", path, body=text)


@pytest.mark.long
def test_ticked_box_counts_once_and_is_emptied(on_github: Life) -> None:
    """It is the ticker's command; the answer is a comment, and the box can be ticked again."""
    life = on_github
    life.override("forge", **BOXES)
    life.run(2)
    tick(life, "stop", by=REVIEWER)
    assert life.run(2).sentence.startswith("paused")

    (issue,) = dashboards(life)
    assert "[x]" not in issue["body"]
    assert "box resume -->" in issue["body"]
    assert "| ana | stop |" in ours(life, issue["number"])[0]

    tick(life, "resume", by=REVIEWER)
    assert not life.run(2).sentence.startswith("paused")


@pytest.mark.long
def test_box_ticked_while_a_pass_decides_is_heard_in_the_next(on_github: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our text is not written over a tick that nobody has looked at."""
    life = on_github
    life.override("forge", **BOXES)
    life.run(2)

    def after_a_tick(*all_of_it: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
        tick(life, "stop", by=REVIEWER)
        speak(*all_of_it, **more)

    life.side.person(REVIEWER).close(life.side.repository, life.number)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("reconciler.reconcile.speak", after_a_tick)
        report = life.run()
    assert report.problems == ()
    (issue,) = dashboards(life)
    assert "[x]" in issue["body"]

    assert life.run().sentence.startswith("paused")
    (issue,) = dashboards(life)
    assert "[x]" not in issue["body"]
    assert "### Rejected by a person" in issue["body"]


@pytest.mark.long
def test_box_ticked_while_the_ledger_is_lost_is_looked_at_first(on_github: Life) -> None:
    """A dashboard that is found again is not written before its boxes were read."""
    life = on_github
    life.override("forge", **BOXES)
    life.run(2)
    tick(life, "stop", by=REVIEWER)
    life.ledger_name = "another.db"
    life.run()
    (issue,) = dashboards(life)
    assert "[x]" in issue["body"]

    assert life.run().sentence.startswith("paused")


@pytest.mark.long
def test_box_lets_a_rejected_change_be_proposed_again(on_github: Life) -> None:
    """As the comment would."""
    life = on_github
    life.override("forge", **BOXES)
    life.run()
    number = life.number
    life.side.person(REVIEWER).close(life.side.repository, number)
    life.run(2)
    tick(life, f"retry {life.operation.id}", by=REVIEWER)
    life.run(3)

    assert life.number > number


@pytest.mark.long
def test_boxes_count_for_those_who_may_write_when_it_is_asked(on_github: Life) -> None:
    """Who lost the right between tick and pass is not obeyed."""
    life = on_github
    life.override("forge", **BOXES)
    life.run(2)
    tick(life, "stop", by=REVIEWER)
    path = f"/repos/{life.side.repository}/collaborators/{REVIEWER}"
    life.side.person(ADMIN).call("PUT", path, permission="pull")
    report = life.run(2)

    assert not report.sentence.startswith("paused")
    (issue,) = dashboards(life)
    assert "[x]" not in issue["body"]
    assert "may not write" in ours(life, issue["number"])[0]


def test_no_boxes_where_nobody_tells_who_ticked(life: Life) -> None:
    """On Gitea, commands are comments, whatever the settings say."""
    life.override("forge", **BOXES)
    life.run()

    (issue,) = dashboards(life)
    assert ("- [ ]" in issue["body"]) is (life.side.kind == "github")
