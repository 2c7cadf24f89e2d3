"""The merge button, the update button, and merges of branches without a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from reconciler.sandbox.forge import gates, lifecycle, mergeability, objects, pushes
from reconciler.sandbox.forge.model import Issue, Json, Permission, PullRequest, Repository
from reconciler.sandbox.forge.refusals import Refused, invalid, not_found
from reconciler.sandbox.forge.repository import MergeConflict, Person
from reconciler.sandbox.forge.rest import answers_git
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED, STRING, TEXT, one_of
from reconciler.sandbox.forge.rest.routes import get, write
from reconciler.sandbox.forge.state import FORGE, person

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call

Method = Literal["merge", "squash", "rebase"]

_MERGE = "/repos/{owner}/{repo}/pulls/{number}/merge"
_UNMERGEABLE = "Pull Request is not mergeable"
_MODIFIED = "Head branch was modified. Review and try the merge again."
_NAMES = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}


@dataclass(frozen=True, slots=True)
class _Text:
    """What a merge says, and in whose name."""

    message: str
    author: Person
    committer: Person


def _is_merged(call: Call) -> Reply:
    _, pull = call.pull()
    if pull.merged_at is None:
        raise not_found()
    return Reply(status=204)


def _merge(call: Call) -> Json:
    repository, given = call.repository, call.given
    issue, pull = call.pull()
    method = cast("Method", given.get("merge_method", "merge"))
    _check(call, issue, pull, method)
    base, ref = pull.base.ref, f"{pushes.HEADS}{pull.base.ref}"
    before, text = repository.git.head(base), _text(call, issue, pull, method)
    try:
        made = repository.git.merge(
            base,
            pull.head.sha,
            method,
            message=text.message,
            author=text.author,
            committer=text.committer,
            at=call.state.now(),
        )
    except MergeConflict:
        raise Refused(405, "This branch can't be rebased" if method == "rebase" else _UNMERGEABLE) from None
    lifecycle.merged(call.state, repository, issue, call.me, made)
    pushes.followed(call.state, repository, ref, before, made, call.me)
    if repository.settings.delete_branch_on_merge:
        _delete_head(call, repository, pull)
    return {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


def _check(call: Call, issue: Issue, pull: PullRequest, method: Method) -> None:
    """Raise what keeps a pull request from being merged; in GitHub's order, and nothing has changed yet."""
    repository, settings = call.repository, call.repository.settings
    if not issue.is_open:
        raise Refused(405, _UNMERGEABLE)
    if pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    if call.given.get("sha", pull.head.sha) != pull.head.sha:
        raise Refused(409, _MODIFIED)
    allowed = {
        "merge": settings.allow_merge_commit,
        "squash": settings.allow_squash_merge,
        "rebase": settings.allow_rebase_merge,
    }
    if not allowed[method]:
        raise Refused(405, f"{_NAMES[method]} are not allowed on this repository.")
    if mergeability.worked_out(call.state, repository, issue, pull).merge is None:
        raise Refused(405, _UNMERGEABLE)
    reasons = _against(call, pull, method)
    if reasons:
        raise Refused(405, " ".join(reasons))


def _against(call: Call, pull: PullRequest, method: Method) -> list[str]:
    """Return which rules of the base are against it."""
    repository = call.repository
    rules = gates.rules_of(repository, pull.base.ref, call.permission)
    reasons = ["Cannot change this locked branch"] if rules.locked else []
    reasons += gates.unmet(call.state, repository, pull, rules)
    if rules.linear and method == "merge":
        reasons.append("This branch must not contain merge commits.")
    if rules.pushers is not None and call.me.login.lower() not in rules.pushers:
        reasons.append("You're not authorized to push to this branch.")
    if rules.strict and mergeability.is_behind(repository, pull):
        reasons.append("Head branch is out of date. Review and try the merge again.")
    return reasons


def _text(call: Call, issue: Issue, pull: PullRequest, method: Method) -> _Text:
    title, body = call.given.get("commit_title"), call.given.get("commit_message")
    if method == "rebase":
        return _Text("", person(call.me), person(call.me))
    usual = _squash_words(call, issue, pull) if method == "squash" else _merge_words(call, issue, pull)
    shown = (title or usual[0], usual[1] if body is None else body)
    author = issue.user if method == "squash" else call.me
    return _Text("\n\n".join(part for part in shown if part), person(author), FORGE)


def _merge_words(call: Call, issue: Issue, pull: PullRequest) -> tuple[str, str]:
    settings = call.repository.settings
    usual = f"Merge pull request #{issue.number} from {pull.head.owner.login}/{pull.head.ref}"
    title = f"{issue.title} (#{issue.number})" if settings.merge_commit_title == "PR_TITLE" else usual
    bodies = {"PR_TITLE": issue.title, "PR_BODY": issue.body or "", "BLANK": ""}
    return title, bodies[settings.merge_commit_message]


def _squash_words(call: Call, issue: Issue, pull: PullRequest) -> tuple[str, str]:
    """Return title and body of a squashed commit: of a single commit its own, of several a list."""
    git, settings = call.repository.git, call.repository.settings
    messages = [each.message.strip() for each in git.commits_between(pull.base.sha, pull.head.sha)]
    alone = len(messages) == 1
    first, _, rest = messages[0].partition("\n")
    own = alone and settings.squash_merge_commit_title == "COMMIT_OR_PR_TITLE"
    listed = rest.strip() if alone else "\n\n".join(f"* {message}" for message in messages)
    bodies = {"COMMIT_MESSAGES": listed, "PR_BODY": issue.body or "", "BLANK": ""}
    return f"{first if own else issue.title} (#{issue.number})", bodies[settings.squash_merge_commit_message]


def _delete_head(call: Call, repository: Repository, pull: PullRequest) -> None:
    """Delete the head's branch as the repository wishes; a fork's is its owner's."""
    ref, sha = f"{pushes.HEADS}{pull.head.ref}", pull.head.sha
    here = pull.head.repository is repository and repository.git.ref(ref) == sha
    if here and pull.head.ref != repository.git.default_branch and gates.rules_of(repository, pull.head.ref).deletions:
        repository.git.set_ref(ref, None, expected=sha)
        pushes.followed(call.state, repository, ref, sha, None, call.me)


def _update_branch(call: Call) -> Json:
    """Merge base into the head."""
    issue, pull = call.pull()
    home = pull.head.repository
    if home is None or call.state.permission(call.me, home) < Permission.WRITE:
        raise Refused(403, "Must have push access to the head branch.")
    if call.given.get("expected_head_sha", pull.head.sha) != pull.head.sha:
        raise invalid("PullRequest", "expected_head_sha", message="expected head sha didn't match current head ref.")
    base = call.repository.git.head(pull.base.ref)
    if not issue.is_open or base is None or not mergeability.is_behind(call.repository, pull):
        raise Refused(422, "There are no new commits on the base branch.")
    if home is not call.repository:
        objects.fetch(call.repository.git, home.git, base)
    _merged_into(call, home, pull.head.ref, base, f"Merge branch '{pull.base.ref}' into {pull.head.ref}", 422)
    url = call.view.api(f"/repos/{call.repository.full_name}/pulls/{issue.number}")
    return {"message": "Updating pull request branch.", "url": url}


def _merge_branches(call: Call) -> Reply:
    repository, base, head = call.repository, call.given["base"], call.given["head"]
    sha, tip = repository.git.resolve(head), repository.git.head(base)
    if tip is None or sha is None:
        raise not_found("Base does not exist" if tip is None else "Head does not exist")
    if repository.git.is_ancestor(sha, tip):
        return Reply(status=204)
    message = call.given.get("commit_message", f"Merge {head} into {base}")
    made = _merged_into(call, repository, base, sha, message, 409)
    return Reply(answers_git.commit(call.view, repository, repository.git.commit(made)), 201)


def _merged_into(call: Call, home: Repository, branch: str, sha: str, message: str, conflict: int) -> str:
    before = home.git.head(branch)
    me = person(call.me)
    reason = gates.refused_push(call.state, call.me, home, branch, old=before, new=sha)
    if reason is not None:
        raise Refused(409, reason)
    try:
        made = home.git.merge(branch, sha, "merge", message=message, author=me, committer=FORGE, at=call.state.now())
    except MergeConflict:
        raise Refused(conflict, "Merge conflict") from None
    pushes.followed(call.state, home, f"{pushes.HEADS}{branch}", before, made, call.me)
    return made


_HOW = {
    "commit_title": TEXT,
    "commit_message": TEXT,
    "sha": STRING,
    "merge_method": one_of("merge", "squash", "rebase"),
}

ROUTES = (
    get(_MERGE, _is_merged, status=204),
    write("PUT", _MERGE, _merge, _HOW),
    write(
        "PUT",
        "/repos/{owner}/{repo}/pulls/{number}/update-branch",
        _update_branch,
        {"expected_head_sha": STRING},
        status=202,
        needs=Permission.READ,
    ),
    write(
        "POST",
        "/repos/{owner}/{repo}/merges",
        _merge_branches,
        {"base": NEEDED, "head": NEEDED, "commit_message": STRING},
        status=201,
    ),
)
