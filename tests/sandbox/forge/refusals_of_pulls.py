"""What GitHub answers when something is wrong with a pull request: opening, merging, editing, reviewing."""

from __future__ import annotations

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.refusals import (
    ANA,
    HEAD,
    ISSUES,
    MALLORY,
    ONE,
    ONES,
    ZEROS,
    Row,
    behind,
    branch,
    locked,
    needs_review,
    new,
    opened,
    without,
)
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, World


def draft(world: World) -> None:
    """Pull request 1 is a draft."""
    world.branch()
    world.pull(draft=True)


def conflict(world: World) -> None:
    """Head and base of pull request 1 have changed the same line."""
    sha = world.tip()
    world.do(BOT, "POST", f"{REPO}/git/refs", ref=f"refs/heads/{BRANCH}", sha=sha)
    world.commit(BRANCH, "deploy/web.yaml", "memory: 1Gi\ncpu: 1\n")
    world.pull()
    world.commit("main", "deploy/web.yaml", "memory: 2Gi\ncpu: 1\n", user=ANA)


def closed(world: World) -> None:
    """Pull request 1 was closed by ana."""
    world.do(ANA, "PATCH", ONE, state="closed")


def merged(world: World) -> None:
    """Pull request 1 was merged by ana."""
    world.do(ANA, "PUT", f"{ONE}/merge")


def deleted(world: World) -> None:
    """The branch is gone."""
    world.do(BOT, "DELETE", f"{REPO}/git/refs/{HEAD}")


def forced(world: World) -> None:
    """The branch was forced to other commits."""
    sha = world.commit("main", "other.txt", "other", user=ANA)
    world.do(BOT, "PATCH", f"{REPO}/git/refs/{HEAD}", sha=sha, force=True)


def another(world: World) -> None:
    """A second pull request from the same head is open."""
    world.pull()


def needs_two_reviews(world: World) -> None:
    """Main needs two approvals."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 2})


def needs_check(world: World) -> None:
    """Main needs the check `ci`, and heads that are up to date."""
    world.protect(required_status_checks={"strict": True, "contexts": ["ci"]})


def needs_checks(world: World) -> None:
    """Main needs two checks."""
    world.protect(required_status_checks={"strict": False, "contexts": ["ci", "lint"]})


def linear(world: World) -> None:
    """Main takes no merge commits."""
    world.protect(required_linear_history=True)


def ruled(world: World) -> None:
    """A ruleset wants pull requests with an approval, from administrators too."""
    review = {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": False}
    off = ("require_code_owner_review", "require_last_push_approval", "required_review_thread_resolution")
    rules = [{"type": "pull_request", "parameters": review | dict.fromkeys(off, False)}]
    where = {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}
    world.do(ADMIN, "POST", f"{REPO}/rulesets", name="r", enforcement="active", conditions=where, rules=rules)


def failed(world: World) -> None:
    """The check `ci` of the head failed."""
    world.do(BOT, "POST", f"{REPO}/statuses/{world.tip(BRANCH)}", state="failure", context="ci")


def pending(world: World) -> None:
    """The check `ci` of the head runs."""
    world.do(BOT, "POST", f"{REPO}/statuses/{world.tip(BRANCH)}", state="pending", context="ci")


def succeeded(world: World) -> None:
    """The check `ci` of the head succeeded."""
    world.do(BOT, "POST", f"{REPO}/statuses/{world.tip(BRANCH)}", state="success", context="ci")


def approved_by_reader(world: World) -> None:
    """Somebody who may only read approves."""
    world.do(MALLORY, "POST", f"{ONE}/reviews", event="APPROVE")


def approved(world: World) -> None:
    """Ana approves."""
    world.do(ANA, "POST", f"{ONE}/reviews", event="APPROVE")


def objected(world: World) -> None:
    """Ana approves, and then asks for changes."""
    approved(world)
    world.do(ANA, "POST", f"{ONE}/reviews", event="REQUEST_CHANGES", body="no")


# fmt: off
OPENING = [
    Row("a second one for the same head", BOT, "POST", PULLS, 422,
        f"Validation Failed; A pull request already exists for shop:{BRANCH}.", new(), (opened,)),
    Row("a second one by its owner and branch", BOT, "POST", PULLS, 422,
        f"Validation Failed; A pull request already exists for shop:{BRANCH}.", new(f"shop:{BRANCH}"), (opened,)),
    Row("from base to base", BOT, "POST", PULLS, 422,
        "Validation Failed; No commits between main and main", new("main")),
    Row("a head without commits of its own", BOT, "POST", PULLS, 422,
        "Validation Failed; No commits between main and same", new("same"),
        (lambda world: world.do(BOT, "POST", f"{REPO}/git/refs", ref="refs/heads/same", sha=world.tip()),)),
    Row("a head that is not there", BOT, "POST", PULLS, 422,
        "Validation Failed; PullRequest head invalid", new("nowhere")),
    Row("a base that is not there", BOT, "POST", PULLS, 422,
        "Validation Failed; PullRequest base invalid", new(base="nowhere"), (branch,)),
    Row("neither head nor base is there", BOT, "POST", PULLS, 422,
        "Validation Failed; PullRequest head invalid; PullRequest base invalid", new("x", "y")),
    Row("a head of an unknown owner", BOT, "POST", PULLS, 422,
        "Validation Failed; PullRequest head invalid", new("nobody:main")),
    Row("no title", BOT, "POST", PULLS, 422,
        "Validation Failed; Issue title missing_field", {"head": BRANCH, "base": "main"}, (branch,)),
    Row("too long a body", BOT, "POST", PULLS, 422,
        "Validation Failed; body is too long (maximum is 65536 characters)", new(body="x" * 65_537), (branch,)),
    Row("no head at all", BOT, "POST", PULLS, 422,
        "Invalid request.\n\n\"head\" wasn't supplied.", {"base": "main", "title": "T"}),
    Row("a head that is no text", BOT, "POST", PULLS, 422,
        "Invalid request.\n\nFor 'properties/head', 1 is not a string.", {"head": 1, "base": "main", "title": "T"}),
    Row("from a branch that one may not write", MALLORY, "POST", PULLS, 422,
        "Validation Failed; must be a collaborator", new(), (branch,)),
    Row("without a token", None, "POST", PULLS, 401, "Requires authentication", new()),
]

MERGING = [
    Row("a head that is not the one seen", ANA, "PUT", f"{ONE}/merge", 409,
        "Head branch was modified. Review and try the merge again.", {"sha": ZEROS}, (opened,)),
    Row("both sides changed a line", ANA, "PUT", f"{ONE}/merge", 405, "Pull Request is not mergeable", {}, (conflict,)),
    Row("a conflict, by rebasing", ANA, "PUT", f"{ONE}/merge", 405,
        "Pull Request is not mergeable", {"merge_method": "rebase"}, (conflict,)),
    Row("a draft", ANA, "PUT", f"{ONE}/merge", 405, "Pull Request is still a draft", {}, (draft,)),
    Row("a merged one", ANA, "PUT", f"{ONE}/merge", 405, "Pull Request is not mergeable", {}, (opened, merged)),
    Row("a closed one", ANA, "PUT", f"{ONE}/merge", 405, "Pull Request is not mergeable", {}, (opened, closed)),
    Row("none of that number", ANA, "PUT", f"{PULLS}/9/merge", 404, "Not Found"),
    Row("an issue that is none", ANA, "PUT", f"{ONE}/merge", 404, "Not Found", {},
        (lambda world: world.do(ANA, "POST", ISSUES, title="T"),)),
    Row("by somebody who may not write", MALLORY, "PUT", f"{ONE}/merge", 404, "Not Found", {}, (opened,)),
    Row("a way that there is not", ANA, "PUT", f"{ONE}/merge", 422,
        'Invalid request.\n\nFor \'properties/merge_method\', fast is not a member of ["merge", "squash", "rebase"].',
        {"merge_method": "fast"}, (opened,)),
    Row("merge commits are not wanted", ANA, "PUT", f"{ONE}/merge", 405,
        "Merge commits are not allowed on this repository.", {}, (opened, without("allow_merge_commit"))),
    Row("squashing is not wanted", ANA, "PUT", f"{ONE}/merge", 405, "Squash merges are not allowed on this repository.",
        {"merge_method": "squash"}, (opened, without("allow_squash_merge"))),
    Row("rebasing is not wanted", ANA, "PUT", f"{ONE}/merge", 405, "Rebase merges are not allowed on this repository.",
        {"merge_method": "rebase"}, (opened, without("allow_rebase_merge"))),
    Row("without the approval that base needs", ANA, "PUT", f"{ONE}/merge", 405,
        "At least 1 approving review is required by reviewers with write access.", {}, (opened, needs_review)),
    Row("with one approval of two", ANA, "PUT", f"{ONE}/merge", 405,
        "At least 2 approving reviews are required by reviewers with write access.", {},
        (opened, needs_two_reviews, approved)),
    Row("with a reader's approval", ANA, "PUT", f"{ONE}/merge", 405,
        "At least 1 approving review is required by reviewers with write access.", {},
        (opened, needs_review, approved_by_reader)),
    Row("after a change was asked for", ADMIN, "PUT", f"{ONE}/merge", 405,
        "1 review requesting changes by reviewers with write access. "
        "At least 1 approving review is required by reviewers with write access.", {}, (opened, ruled, objected)),
    Row("by an administrator whom the rules bind", ADMIN, "PUT", f"{ONE}/merge", 405,
        "At least 1 approving review is required by reviewers with write access.", {}, (opened, ruled)),
    Row("before the check has reported", ANA, "PUT", f"{ONE}/merge", 405,
        'Required status check "ci" is expected.', {}, (opened, needs_check)),
    Row("while the check runs", ANA, "PUT", f"{ONE}/merge", 405,
        'Required status check "ci" is pending.', {}, (opened, needs_check, pending)),
    Row("after the check failed", ANA, "PUT", f"{ONE}/merge", 405,
        'Required status check "ci" is failing.', {}, (opened, needs_check, failed)),
    Row("before two checks have reported", ANA, "PUT", f"{ONE}/merge", 405,
        "2 of 2 required status checks are expected.", {}, (opened, needs_checks)),
    Row("one check failed, the other is silent", ANA, "PUT", f"{ONE}/merge", 405,
        "2 of 2 required status checks have not succeeded: 1 expected and 1 failing.", {},
        (opened, needs_checks, failed)),
    Row("a head behind a strict base", ANA, "PUT", f"{ONE}/merge", 405,
        "Head branch is out of date. Review and try the merge again.", {}, (opened, behind, needs_check, succeeded)),
    Row("into a locked branch", ANA, "PUT", f"{ONE}/merge", 405,
        "Cannot change this locked branch", {}, (opened, locked)),
    Row("a merge commit into a linear branch", ANA, "PUT", f"{ONE}/merge", 405,
        "This branch must not contain merge commits.", {}, (opened, linear)),
    Row("an update from a base that has not moved", BOT, "PUT", f"{ONE}/update-branch", 422,
        "There are no new commits on the base branch.", {}, (opened,)),
    Row("an update of a head that is not the one seen", BOT, "PUT", f"{ONE}/update-branch", 422,
        "Validation Failed; expected head sha didn't match current head ref.", {"expected_head_sha": ZEROS},
        (opened, behind)),
    Row("an update with a conflict", BOT, "PUT", f"{ONE}/update-branch", 422, "Merge conflict", {}, (conflict,)),
    Row("asking whether an open one is merged", ANA, "GET", f"{ONE}/merge", 404, "Not Found", {}, (opened,)),
    Row("branches that conflict", ANA, "POST", f"{REPO}/merges", 409, "Merge conflict",
        {"base": "main", "head": BRANCH}, (conflict,)),
    Row("a branch that is not there", ANA, "POST", f"{REPO}/merges", 404, "Head does not exist",
        {"base": "main", "head": "nowhere"}),
]

EDITING = [
    Row("reopening a merged one", BOT, "PATCH", ONE, 422,
        "Validation Failed; PullRequest state invalid", {"state": "open"}, (opened, merged)),
    Row("reopening without the head", BOT, "PATCH", ONE, 422,
        f"Validation Failed; state cannot be changed. The {BRANCH} branch has been deleted.", {"state": "open"},
        (opened, deleted)),
    Row("reopening after the head was forced", BOT, "PATCH", ONE, 422,
        f"Validation Failed; state cannot be changed. The {BRANCH} branch was force-pushed or recreated.",
        {"state": "open"}, (opened, closed, forced)),
    Row("reopening beside another", BOT, "PATCH", ONE, 422,
        f"Validation Failed; state cannot be changed. There is already an open pull request from {BRANCH} to main.",
        {"state": "open"}, (opened, closed, another)),
    Row("another base for a closed one", BOT, "PATCH", ONE, 422,
        "Validation Failed; Cannot change the base branch of a closed pull request.", {"base": "other"},
        (opened, closed)),
    Row("a base that is not there", BOT, "PATCH", ONE, 422,
        "Validation Failed; PullRequest base invalid", {"base": "other"}, (opened,)),
    Row("by somebody who may not", MALLORY, "PATCH", ONE, 403,
        "Must have admin rights to Repository.", {"state": "closed"}, (opened,)),
    Row("a state that there is not", BOT, "PATCH", ONE, 422,
        'Invalid request.\n\nFor \'properties/state\', merged is not a member of ["open", "closed"].',
        {"state": "merged"}, (opened,)),
]

REVIEWING = [
    Row("approving one's own", BOT, "POST", f"{ONE}/reviews", 422,
        "Unprocessable Entity; Can not approve your own pull request", {"event": "APPROVE"}, (opened,)),
    Row("asking oneself for changes", BOT, "POST", f"{ONE}/reviews", 422,
        "Unprocessable Entity; Can not request changes on your own pull request",
        {"event": "REQUEST_CHANGES", "body": "no"}, (opened,)),
    Row("a comment without words", ANA, "POST", f"{ONE}/reviews", 422,
        "Unprocessable Entity; Body can't be blank", {"event": "COMMENT"}, (opened,)),
    Row("of a commit that is none of it", ANA, "POST", f"{ONE}/reviews", 422,
        "Unprocessable Entity; Variable $commitOID of type GitObjectID was provided invalid value",
        {"event": "APPROVE", "commit_id": ONES}, (opened,)),
    Row("a second one begun", ANA, "POST", f"{ONE}/reviews", 422,
        "Unprocessable Entity; User can only have one pending review per pull request", {"body": "b"},
        (opened, lambda world: world.do(ANA, "POST", f"{ONE}/reviews", body="a"))),
    Row("by nobody", None, "POST", f"{ONE}/reviews", 401, "Requires authentication", {"event": "APPROVE"}, (opened,)),
    Row("one of no collaborator", BOT, "POST", f"{ONE}/requested_reviewers", 422,
        "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a "
        "collaborator of the shop/manifests repository.", {"reviewers": [ANA, "nobody"]}, (opened,)),
    Row("one of the author", BOT, "POST", f"{ONE}/requested_reviewers", 422,
        "Review cannot be requested from pull request author.", {"reviewers": [BOT]}, (opened,)),
]
