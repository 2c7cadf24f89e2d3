"""What GitHub answers when something is wrong: one row for each behaviour, request to status and words.

Each row is asked of the forge itself, and all once more with GitHub's own description in front of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge import rest
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.forge import described

ANA, MALLORY = "ana", "mallory"
ZEROS, ONES = "0" * 40, "1" * 40
HEAD = quote(f"heads/{BRANCH}", safe="")
ONE, ISSUES = f"{PULLS}/1", f"{REPO}/issues"
PROTECTION = f"{REPO}/branches/main/protection"
WEB = quote("deploy/web.yaml", safe="")
Scene = Callable[[World], object]
Given = dict[str, Any]

# What GitHub itself answers against its description: statuses that it leaves out, and errors that fit two shapes.
EXCUSED = re.compile(r"Unable to match the returned status code|exactly one schema in oneOf$")


@dataclass(frozen=True, slots=True)
class Row:
    """One behaviour: what was done before, who then asks what, and what they are told."""

    claim: str
    user: str | None
    method: str
    path: str
    status: int
    said: str
    given: Given | Callable[[World], Given] = field(default_factory=dict)
    before: tuple[Scene, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def redirects(self) -> bool:
        """Whether the answer leads elsewhere, which Prism follows instead of passing it on."""
        return self.status in (301, 307)


# Scenes


def branch(world: World) -> None:
    """A branch is there."""
    world.branch()


def opened(world: World) -> None:
    """Pull request 1 is open, by our bot."""
    world.opened()


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


def behind(world: World) -> None:
    """Base has moved."""
    world.commit("main", "other.txt", "other", user=ANA)


def needs_review(world: World) -> None:
    """Main needs one approval."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})


def needs_two_reviews(world: World) -> None:
    """Main needs two approvals."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 2})


def needs_check(world: World) -> None:
    """Main needs the check `ci`, and heads that are up to date."""
    world.protect(required_status_checks={"strict": True, "contexts": ["ci"]})


def needs_checks(world: World) -> None:
    """Main needs two checks."""
    world.protect(required_status_checks={"strict": False, "contexts": ["ci", "lint"]})


def locked(world: World) -> None:
    """Main takes nothing."""
    world.protect(lock_branch=True)


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


def without(setting: str) -> Scene:
    """Return the scene in which the repository does without a way to merge."""
    return lambda world: world.do(ADMIN, "PATCH", REPO, **{setting: False})


def archived(world: World) -> None:
    """The repository is archived."""
    world.do(ADMIN, "PATCH", REPO, archived=True)


def renamed(world: World) -> None:
    """The repository has another name."""
    world.do(ADMIN, "PATCH", REPO, name="moved")


def private(world: World) -> None:
    """Only collaborators see the repository, and mallory is none."""
    world.do(ADMIN, "DELETE", f"{REPO}/collaborators/{MALLORY}")
    world.do(ADMIN, "PATCH", REPO, private=True)


def reviewed(state: str) -> Scene:
    """Return the scene in which ana has reviewed; it is the only review."""
    return lambda world: world.do(ANA, "POST", f"{ONE}/reviews", event=state, body="so")


def hooked(world: World) -> None:
    """A webhook is registered."""
    world.do(ADMIN, "POST", f"{REPO}/hooks", config={"url": "http://127.0.0.1:9/a"}, events=["push"])


def spent(world: World) -> None:
    """Our bot's hour is used up, by another program with its token."""
    world.forge.limits.use(BOT, 5000, world.clock.now())


def hasty(world: World) -> None:
    """Our bot has written as often as it may in a minute."""
    world.branch()
    world.forge.limits.writes_a_minute = 2


# What is given with a request


def head(world: World) -> Given:
    """The head's commit."""
    return {"sha": world.tip(BRANCH)}


def new(head: str = BRANCH, base: str = "main", **more: Any) -> Given:  # noqa: ANN401 - JSON of any shape
    """A pull request."""
    return {"head": head, "base": base, "title": "T"} | more


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

REFERENCES = [
    Row("one that is there", BOT, "POST", f"{REPO}/git/refs", 422, "Reference already exists",
        lambda world: {"ref": "refs/heads/main", "sha": world.tip()}),
    Row("to an object that is not there", BOT, "POST", f"{REPO}/git/refs", 422, "Object does not exist",
        {"ref": "refs/heads/x", "sha": ONES}),
    Row("a name that is none", BOT, "POST", f"{REPO}/git/refs", 422, "Reference update failed",
        lambda world: {"ref": "refs/heads/a..b", "sha": world.tip()}),
    Row("below a branch of that name", BOT, "POST", f"{REPO}/git/refs", 422, "Reference update failed",
        lambda world: {"ref": "refs/heads/main/sub", "sha": world.tip()}),
    Row("back without force", BOT, "PATCH", f"{REPO}/git/refs/{HEAD}", 422, "Update is not a fast forward",
        lambda world: {"sha": world.tip()}, (branch,)),
    Row("moving one that is not there", BOT, "PATCH", f"{REPO}/git/refs/{HEAD}", 422, "Reference does not exist",
        {"sha": ONES}),
    Row("deleting one that is not there", BOT, "DELETE", f"{REPO}/git/refs/{HEAD}", 422, "Reference does not exist"),
    Row("deleting the default branch", BOT, "DELETE", f"{REPO}/git/refs/heads%2Fmain", 422,
        "Cannot delete the default branch"),
    Row("reading one that is not there", BOT, "GET", f"{REPO}/git/ref/{HEAD}", 404, "Not Found"),
    Row("moving a protected one", BOT, "PATCH", f"{REPO}/git/refs/heads%2Fmain", 422,
        "Changes must be made through a pull request.", head, (branch, needs_review)),
    Row("moving a locked one", BOT, "PATCH", f"{REPO}/git/refs/heads%2Fmain", 422,
        "Cannot change this locked branch", head, (branch, locked)),
    Row("forcing a protected one", ANA, "PATCH", f"{REPO}/git/refs/heads%2Fmain", 422,
        "Cannot force-push to this branch",
        lambda world: {"sha": world.do(ANA, "GET", f"{REPO}/commits/main")["parents"][0]["sha"], "force": True},
        (behind, needs_review)),
    Row("by somebody who may not write", MALLORY, "POST", f"{REPO}/git/refs", 404, "Not Found",
        lambda world: {"ref": "refs/heads/x", "sha": world.tip()}),
    Row("a branch that is not there", BOT, "GET", f"{REPO}/branches/nowhere", 404, "Branch not found"),
    Row("a tree of another kind", BOT, "POST", f"{REPO}/git/commits", 422, "Tree SHA does not exist",
        {"message": "m", "tree": ONES}),
    Row("a commit that is not there", BOT, "GET", f"{REPO}/commits/{ONES}", 422, f"No commit found for SHA: {ONES}"),
    Row("a comparison with nothing", BOT, "GET", f"{REPO}/compare/main...nowhere", 404, "Not Found"),
]

FILES = [
    Row("a stale sha", BOT, "PUT", f"{REPO}/contents/{WEB}", 409, f"deploy/web.yaml does not match {ONES}",
        {"message": "m", "content": "eA==", "sha": ONES, "branch": "main"}),
    Row("no sha of one that is there", BOT, "PUT", f"{REPO}/contents/{WEB}", 422,
        "Invalid request.\n\n\"sha\" wasn't supplied.", {"message": "m", "content": "eA=="}),
    Row("a branch that is not there", BOT, "PUT", f"{REPO}/contents/{WEB}", 404, "Branch nowhere not found",
        {"message": "m", "content": "eA==", "sha": ONES, "branch": "nowhere"}),
    Row("content that is not base64", BOT, "PUT", f"{REPO}/contents/x.txt", 422, "content is not valid Base64",
        {"message": "m", "content": "?"}),
    Row("into a protected branch", BOT, "PUT", f"{REPO}/contents/x.txt", 409,
        "Could not create file: Changes must be made through a pull request.", {"message": "m", "content": "eA=="},
        (needs_review,)),
    Row("reading one that is not there", BOT, "GET", f"{REPO}/contents/nowhere", 404, "Not Found"),
    Row("reading at a commit that is not there", BOT, "GET", f"{REPO}/contents/README.md?ref=nowhere", 404,
        "No commit found for the ref nowhere"),
    Row("deleting with a stale sha", BOT, "DELETE", f"{REPO}/contents/README.md", 409,
        f"README.md does not match {ONES}", {"message": "m", "sha": ONES}),
    Row("by somebody who may not write", MALLORY, "PUT", f"{REPO}/contents/x.txt", 404, "Not Found",
        {"message": "m", "content": "eA=="}),
]

RIGHTS = [
    Row("a wrong token", None, "GET", REPO, 401, "Bad credentials", {}, (), {"Authorization": "token wrong"}),
    Row("a token in no known way", None, "GET", REPO, 401, "Bad credentials", {}, (), {"Authorization": "Digest x"}),
    Row("who am I without a token", None, "GET", "/user", 401, "Requires authentication"),
    Row("a repository that one may not see", MALLORY, "GET", REPO, 404, "Not Found", {}, (private,)),
    Row("a private repository, by nobody", None, "GET", REPO, 404, "Not Found", {}, (private,)),
    Row("a repository that is not there", ANA, "GET", "/repos/shop/nothing", 404, "Not Found"),
    Row("writing to an archived one", BOT, "POST", ISSUES, 403,
        "Repository was archived so is read-only.", {"title": "T"}, (archived,)),
    Row("pushing to an archived one", BOT, "POST", f"{REPO}/git/refs", 403,
        "Repository was archived so is read-only.", lambda world: {"ref": "refs/heads/x", "sha": world.tip()},
        (archived,)),
    Row("reading by a former name", BOT, "GET", f"{PULLS}?state=all", 301, "Moved Permanently", {}, (renamed,)),
    Row("writing by a former name", BOT, "POST", PULLS, 307, "Temporary Redirect", new(), (renamed,)),
    Row("protection, by a writer", BOT, "GET", PROTECTION, 404, "Not Found", {}, (needs_review,)),
    Row("protection that is not there", ADMIN, "GET", PROTECTION, 404, "Branch not protected"),
    Row("protection of no branch", ADMIN, "GET", f"{REPO}/branches/nowhere/protection", 404, "Branch not found"),
    Row("restrictions outside an organization", MALLORY, "PUT", "/repos/mallory/own/branches/main/protection", 422,
        "Only organization repositories can have users and team restrictions",
        dict.fromkeys(("required_status_checks", "enforce_admins", "required_pull_request_reviews"))
        | {"restrictions": {"users": [MALLORY], "teams": []}},
        (lambda world: world.do(MALLORY, "POST", "/user/repos", name="own", auto_init=True),)),
    Row("settings, by a writer", BOT, "PATCH", REPO, 403,
        "Must have admin rights to Repository.", {"description": "mine"}),
    Row("letting somebody in, by a writer", BOT, "PUT", f"{REPO}/collaborators/{MALLORY}", 404, "Not Found",
        {"permission": "push"}),
    Row("who may what, by a reader", MALLORY, "GET", f"{REPO}/collaborators/{ANA}/permission", 403,
        "Must have push access to view repository collaborators."),
    Row("webhooks, by a writer", BOT, "GET", f"{REPO}/hooks", 404, "Not Found"),
    Row("a second webhook to one address", ADMIN, "POST", f"{REPO}/hooks", 422,
        "Validation Failed; Hook already exists on this repository",
        {"config": {"url": "http://127.0.0.1:9/a"}, "events": ["push"]}, (hooked,)),
    Row("a status, by a reader", MALLORY, "POST", f"{REPO}/statuses/{ONES}", 404, "Not Found", {"state": "success"}),
    Row("a status of no commit", BOT, "POST", f"{REPO}/statuses/{ONES}", 422, f"No commit found for SHA: {ONES}",
        {"state": "success"}),
    Row("a check run, by a person", BOT, "POST", f"{REPO}/check-runs", 403,
        "You must authenticate via a GitHub App.", lambda world: {"name": "ci", "head_sha": world.tip()}),
    Row("a repository that one has", BOT, "POST", "/user/repos", 422,
        "Repository creation failed.; name already exists on this account", {"name": "mine"},
        (lambda world: world.do(BOT, "POST", "/user/repos", name="mine"),)),
    Row("a dispatch, by a reader", MALLORY, "POST", f"{REPO}/dispatches", 404, "Not Found", {"event_type": "go"}),
    Row("a workflow that is not there", BOT, "POST", f"{REPO}/actions/workflows/ci.yml/dispatches", 404, "Not Found",
        {"ref": "main"}),
]

TALKING = [
    Row("a label that is there", BOT, "POST", f"{REPO}/labels", 422, "Validation Failed; Label name already_exists",
        {"name": "BUG"}, (lambda world: world.do(BOT, "POST", f"{REPO}/labels", name="bug"),)),
    Row("a label that is not on it", BOT, "DELETE", f"{ISSUES}/1/labels/bug", 404, "Label does not exist", {},
        (opened,)),
    Row("labels, by a reader", MALLORY, "POST", f"{ISSUES}/1/labels", 403, "Must have admin rights to Repository.",
        {"labels": ["x"]}, (opened,)),
    Row("a comment on nothing", BOT, "POST", f"{ISSUES}/9/comments", 404, "Not Found", {"body": "x"}),
    Row("an empty comment", BOT, "POST", f"{ISSUES}/1/comments", 422,
        "Validation Failed; IssueComment body missing_field", {"body": " "}, (opened,)),
    Row("an assignee who is nobody", BOT, "POST", f"{ISSUES}/1/assignees", 422,
        "Validation Failed; Issue assignees invalid", {"assignees": ["nobody"]}, (opened,)),
    Row("an issue where there are none", BOT, "POST", ISSUES, 410, "Issues are disabled for this repo", {"title": "T"},
        (without("has_issues"),)),
]

LIMITS = [
    Row("an hour's requests are used up", BOT, "GET", REPO, 403,
        "API rate limit exceeded for user ID 2.", {}, (spent,)),
    Row("too many writes in a minute", BOT, "POST", PULLS, 403,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
        "If you reach out to GitHub Support for help, please include the request ID.", new(), (hasty,)),
]

# fmt: on
TABLE = {
    "opening": OPENING,
    "merging": MERGING,
    "editing": EDITING,
    "reviewing": REVIEWING,
    "references": REFERENCES,
    "files": FILES,
    "rights": RIGHTS,
    "talking": TALKING,
    "limits": LIMITS,
}
ROWS = [pytest.param(row, id=f"{group}: {row.claim}") for group, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize("row", ROWS)
def test_the_forge_refuses_as_github_does(world: World, row: Row) -> None:
    """Status and words are GitHub's."""
    answer = asked(world, row)

    assert (answer.status, answer.said) == (row.status, row.said)


@pytest.mark.github
def test_refusals_are_as_github_describes_them(checker: described.Checker, tmp_path: Path) -> None:
    """Nothing in a refusal is against the description of its operation."""
    broken = []
    for number, row in enumerate(row for rows in TABLE.values() for row in rows if not row.redirects):
        with rest.world(tmp_path / str(number)) as world:
            checker.behind.handle, world.url = world.forge.handle, checker.url
            asked(world, row)
        broken += [f"{row.claim}: {each}" for each in world.violations if "['response'" in each]

    assert [each for each in broken if not EXCUSED.search(each)] == []


def asked(world: World, row: Row) -> rest.Answer:
    """Set the scene, and ask."""
    for scene in row.before:
        scene(world)
    given = row.given(world) if callable(row.given) else row.given
    world.violations.clear()
    return world.ask(row.user, row.method, row.path, headers=row.headers, **given)
