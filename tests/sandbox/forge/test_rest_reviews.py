"""Reviews, who may give them, and what branch protection makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

ONE = f"{PULLS}/1"
REVIEWS = f"{ONE}/reviews"


def review(world: World, user: str, event: str, **given: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Review pull request 1."""
    return world.do(user, "POST", REVIEWS, event=event, **given)


def blocked(world: World) -> bool:
    """Tell whether pull request 1 may not be merged now."""
    world.do("ana", "GET", ONE)
    word: str = world.do("ana", "GET", ONE)["mergeable_state"]
    return word == "blocked"


def test_a_review_belongs_to_the_commit_that_was_reviewed(world: World) -> None:
    """A later push leaves it where it was."""
    world.opened()
    seen = world.tip(BRANCH)
    given = review(world, "ana", "APPROVE")
    world.commit(BRANCH, "more.txt", "more")

    [found] = world.do("ana", "GET", REVIEWS)

    assert (given["commit_id"], given["state"], given["submitted_at"]) == (seen, "APPROVED", "2026-01-05T09:00:00Z")
    assert (found["commit_id"], found["state"], found["user"]["login"]) == (seen, "APPROVED", "ana")
    assert found["author_association"] == "COLLABORATOR"


def test_an_older_commit_of_the_head_can_be_reviewed(world: World) -> None:
    """By its name."""
    world.opened()
    older = world.tip(BRANCH)
    world.commit(BRANCH, "more.txt", "more")

    assert review(world, "ana", "APPROVE", commit_id=older)["commit_id"] == older


def test_a_required_approval_comes_from_somebody_who_may_write(world: World) -> None:
    """A reader's does not count, a writer's does."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})
    world.opened()
    review(world, "mallory", "APPROVE")
    before = blocked(world)

    review(world, "ana", "APPROVE")

    assert (before, blocked(world)) == (True, False)
    assert world.do("ana", "PUT", f"{ONE}/merge")["merged"]


def test_the_newest_opinion_of_each_reviewer_counts(world: World) -> None:
    """Changes asked for undo one's approval, a comment undoes nothing, another approval undoes the objection."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})
    world.opened()
    seen = []
    for event in ("APPROVE", "COMMENT", "REQUEST_CHANGES", "APPROVE"):
        review(world, "ana", event, body="so")
        seen.append(blocked(world))

    assert seen == [False, False, True, False]


def test_a_push_dismisses_approvals_where_protection_says_so(world: World) -> None:
    """Else they stay."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})
    world.opened()
    review(world, "ana", "APPROVE")
    world.commit(BRANCH, "more.txt", "more")
    kept = blocked(world)
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1, "dismiss_stale_reviews": True})
    world.commit(BRANCH, "more.txt", "yet more")

    assert (kept, blocked(world)) == (False, True)
    assert [each["state"] for each in world.do("ana", "GET", REVIEWS)] == ["DISMISSED"]


def test_the_last_pusher_cannot_approve_alone(world: World) -> None:
    """Where protection wants somebody else's eyes on the last push."""
    world.protect(
        required_pull_request_reviews={"required_approving_review_count": 1, "require_last_push_approval": True}
    )
    world.opened()
    world.commit(BRANCH, "more.txt", "more", user="ana")
    review(world, "ana", "APPROVE")
    alone = world.ask("ana", "PUT", f"{ONE}/merge")
    review(world, ADMIN, "APPROVE")

    assert (alone.status, alone.said) == (405, "New changes require approval from someone other than the last pusher.")
    assert not blocked(world)


def test_a_dismissed_review_counts_no_more(world: World) -> None:
    """And the timeline says by whom and why."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})
    world.opened()
    number = review(world, "ana", "APPROVE", body="fine")["id"]

    dismissed = world.do(ADMIN, "PUT", f"{REVIEWS}/{number}/dismissals", message="not so fast")

    [event] = world.do("ana", "GET", f"{REPO}/issues/1/events")
    assert (dismissed["state"], dismissed["body"]) == ("DISMISSED", "fine")
    assert blocked(world)
    assert (event["event"], event["actor"]["login"]) == ("review_dismissed", ADMIN)
    assert event["dismissed_review"] == {
        "state": "approved",
        "review_id": number,
        "dismissal_message": "not so fast",
    }


def test_administrators_pass_unless_protection_binds_them(world: World) -> None:
    """enforce_admins makes the difference."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1}, enforce_admins=True)
    world.opened()
    bound = world.ask(ADMIN, "PUT", f"{ONE}/merge").status
    world.do(ADMIN, "DELETE", f"{REPO}/branches/main/protection/enforce_admins")

    assert (bound, world.ask(ADMIN, "PUT", f"{ONE}/merge").status) == (405, 200)


def test_a_review_that_is_only_begun_is_its_authors_secret(world: World) -> None:
    """Until it is submitted."""
    world.opened()
    number = world.do("ana", "POST", REVIEWS, body="thinking")["id"]
    hidden = world.do(BOT, "GET", REVIEWS)
    submitted = world.do("ana", "POST", f"{REVIEWS}/{number}/events", event="APPROVE")

    assert hidden == []
    assert (submitted["state"], submitted["body"]) == ("APPROVED", "thinking")
    assert [each["id"] for each in world.do(BOT, "GET", REVIEWS)] == [number]


def test_who_was_asked_is_asked_no_more_after_reviewing(world: World) -> None:
    """The list of the asked empties, the event stays."""
    world.opened()
    asked = world.do(BOT, "POST", f"{ONE}/requested_reviewers", reviewers=["ana", ADMIN])
    review(world, "ana", "COMMENT", body="hm")

    left = world.do(BOT, "GET", f"{ONE}/requested_reviewers")

    assert [each["login"] for each in asked["requested_reviewers"]] == ["ana", ADMIN]
    assert [each["login"] for each in left["users"]] == [ADMIN]
    [event, _] = world.do(BOT, "GET", f"{REPO}/issues/1/events")
    assert (event["event"], event["requested_reviewer"]["login"]) == ("review_requested", "ana")


def test_asking_one_who_cannot_be_asked_asks_nobody(world: World) -> None:
    """All or none."""
    world.opened()

    refused = world.ask(BOT, "POST", f"{ONE}/requested_reviewers", reviewers=["ana", "nobody"])

    assert refused.status == 422
    assert world.do(BOT, "GET", f"{ONE}/requested_reviewers")["users"] == []


def test_a_remark_stands_at_its_line(world: World) -> None:
    """With the hunk as far as that line; a line that was not changed takes none."""
    world.branch()
    world.commit(BRANCH, "deploy/web.yaml", "memory: 1Gi\ncpu: 1\n")
    world.pull()
    given = {"commit_id": world.tip(BRANCH), "path": "deploy/web.yaml", "side": "RIGHT", "body": "why?"}

    made = world.do("ana", "POST", f"{ONE}/comments", whole=given | {"line": 1})
    refused = world.ask("ana", "POST", f"{ONE}/comments", whole=given | {"line": 40})

    assert (made["line"], made["position"]) == (1, 2)
    assert made["diff_hunk"].splitlines()[1:] == ["-memory: 512Mi", "+memory: 1Gi"]
    assert (refused.status, refused.said) == (
        422,
        "Validation Failed; pull_request_review_thread.line must be part of the diff",
    )


def test_a_check_pinned_to_an_app_counts_only_from_it(world: World) -> None:
    """Any writer can post a status of that name; it is still expected."""
    world.forge.add_app("ci")
    world.do(ADMIN, "PUT", f"{REPO}/collaborators/ci%5Bbot%5D", permission="push")
    app = world.forge.state.users["ci[bot]"].app
    assert app is not None
    checks = {"strict": False, "contexts": [], "checks": [{"context": "ci", "app_id": app.id}]}
    world.protect(required_status_checks=checks)
    world.opened()
    head = world.tip(BRANCH)
    world.do(BOT, "POST", f"{REPO}/statuses/{head}", state="success", context="ci")
    forged = blocked(world)

    world.do("ci[bot]", "POST", f"{REPO}/check-runs", name="ci", head_sha=head, conclusion="success")

    assert (forged, blocked(world)) == (True, False)


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([], "pending"),
        (["pending", "success"], "success"),
        (["success", "failure"], "failure"),
        (["error"], "failure"),
        (["pending"], "pending"),
    ],
)
def test_the_newest_status_of_a_context_makes_the_combined_one(world: World, states: list[str], word: str) -> None:
    """One context, several reports."""
    sha = world.tip()
    for each in states:
        world.do(BOT, "POST", f"{REPO}/statuses/{sha}", state=each, context="ci")

    found = world.do(BOT, "GET", f"{REPO}/commits/main/status")

    assert (found["state"], found["total_count"], found["sha"]) == (word, min(len(states), 1), sha)
    assert len(world.do(BOT, "GET", f"{REPO}/commits/{sha}/statuses")) == len(states)
