"""What GitHub answers when something is wrong with references, files, rights, talk and limits."""

from __future__ import annotations

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.refusals import (
    ANA,
    HEAD,
    ISSUES,
    MALLORY,
    ONES,
    PROTECTION,
    WEB,
    Given,
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


def head(world: World) -> Given:
    """The head's commit."""
    return {"sha": world.tip(BRANCH)}


# fmt: off
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
