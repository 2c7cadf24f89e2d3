"""What people say in the stories of talking, and what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.talk.texts import ANSWER_MARKER, DASHBOARD_MARKER
from tests.beds.users import REVIEWER

if TYPE_CHECKING:
    from tests.lifecycle.life import Life


def say(life: Life, body: str, *, by: str = REVIEWER, number: int | None = None) -> None:
    """Comment, and let a pass hear it."""
    life.side.person(by).comment(life.side.repository, number or life.number, body)
    life.run()


def ours(life: Life, number: int | None = None) -> list[str]:
    """Return our answers."""
    return [body for body in life.side.comments(number or life.number) if ANSWER_MARKER in body.splitlines()]


def labels(life: Life) -> list[str]:
    """Return the labels of the pull request."""
    return [label["name"] for label in life.pull["labels"]]


def dashboards(life: Life) -> list[dict[str, Any]]:
    """Return the issues that carry the dashboard's marker."""
    found = life.side.person(REVIEWER).call("GET", f"/repos/{life.side.repository}/issues?state=all")
    return [issue for issue in found if DASHBOARD_MARKER in (issue["body"] or "").splitlines()]


def statuses(life: Life, commit: str) -> list[tuple[str, str]]:
    """Return context and state of a commit's statuses, newest first."""
    found = life.side.person(REVIEWER).call("GET", f"/repos/{life.side.repository}/commits/{commit}/statuses")
    newest = sorted(found, key=lambda each: -int(each["id"]))
    return [(each["context"], each.get("state") or each["status"]) for each in newest]
