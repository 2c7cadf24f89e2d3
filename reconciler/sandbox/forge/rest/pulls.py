"""Pull requests: listed, shown, opened, edited, closed and reopened; their files and commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import gates, lifecycle, mergeability, objects, owners, reopening
from reconciler.sandbox.forge.model import Issue, Json, Permission, PullRequest, Repository, Side
from reconciler.sandbox.forge.refusals import NO_RIGHTS, forbidden, invalid, invalid_fields
from reconciler.sandbox.forge.rest import answers_git, answers_pulls
from reconciler.sandbox.forge.rest.commits import in_network
from reconciler.sandbox.forge.rest.fields import FLAG, NEEDED, STRING, TEXT, one_of
from reconciler.sandbox.forge.rest.issues import check_body, check_title, rename, rewrite
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call, Reply

_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/{{number}}"
_COMMITS = 250  # that GitHub lists of one pull request
_FILES = 3000
_RESOURCE = "PullRequest"


def _list(call: Call) -> Reply:
    state, base = call.choice("state", ("open", "closed", "all")), call.request.first("base")
    owner, colon, branch = call.request.first("head").partition(":")  # without the owner, GitHub ignores the filter
    found = [
        (issue, pull)
        for issue, pull in call.repository.pulls
        if state in ("all", issue.state)
        and base in ("", pull.base.ref)
        and (not colon or (owner.lower(), branch) == (pull.head.owner.login.lower(), pull.head.ref))
    ]
    keys = {
        "created": lambda each: (each[0].created_at, each[0].number),
        "updated": lambda each: (each[0].updated_at, each[0].number),
        "popularity": lambda each: (len(each[0].comments), each[0].number),
    }
    sort = call.choice("sort", tuple(keys))
    directions = ("desc", "asc") if sort == "created" else ("asc", "desc")
    newest_first = call.choice("direction", directions) == "desc"
    shown = sorted(found, key=keys[sort], reverse=newest_first)
    return call.paged(shown, lambda each: answers_pulls.simple(call.view, call.repository, *each))


def _get(call: Call) -> Json:
    call.accepts_raw()
    issue, pull = call.pull()
    mergeability.asked(call.state, call.repository, issue, pull)
    return answers_pulls.full(call.view, call.repository, issue, pull)


def _create(call: Call) -> Json:
    repository, given, state = call.repository, call.given, call.state
    title = check_title(given.get("title"), "Issue")
    body = check_body(given.get("body"), "Issue")
    head, base = _sides(call)
    _check_new(call, head, base)
    number = lifecycle.next_number(repository)
    pull = PullRequest(id=state.next_id(), head=head, base=base, draft=given.get("draft", False))
    pull.maintainer_can_modify = head.repository is not repository and given.get("maintainer_can_modify", True)
    now = state.now()
    issue = Issue(
        id=state.next_id(), number=number, user=call.me, title=title, body=body, created_at=now, updated_at=now
    )
    issue.pull = pull
    lifecycle.open_pull(state, repository, issue, pull)
    return answers_pulls.full(call.view, repository, issue, pull)


def _update(call: Call) -> Json:
    repository, given = call.repository, call.given
    issue, pull = call.pull()
    if call.me is not issue.user and call.permission < Permission.WRITE:
        raise forbidden(NO_RIGHTS)
    title = check_title(given.get("title", issue.title), "Issue")
    body = check_body(given.get("body", issue.body), "Issue")
    state = given.get("state", issue.state)
    if given.get("base", pull.base.ref) != pull.base.ref:
        _check_base(repository, issue, pull, given["base"], state)
    if state == "open" and not issue.is_open:
        reopening.check(repository, pull)
    rename(call, issue, title)
    rewrite(call, issue, body)
    if "maintainer_can_modify" in given and pull.head.repository is not repository:
        pull.maintainer_can_modify = given["maintainer_can_modify"]
    if given.get("base", pull.base.ref) != pull.base.ref:
        lifecycle.retarget(call.state, repository, issue, given["base"], call.me)
    if state == "closed" and issue.is_open:
        lifecycle.close(call.state, repository, issue, call.me)
    elif state == "open" and not issue.is_open:
        lifecycle.reopen(call.state, repository, issue, call.me)
    issue.updated_at = call.state.now()
    return answers_pulls.full(call.view, repository, issue, pull)


def _files(call: Call) -> Reply:
    _, pull = call.pull()
    found = call.repository.git.changed_files(pull.base.sha, pull.head.sha)[:_FILES]
    return call.paged(found, lambda each: answers_git.file_change(call.view, call.repository, each, pull.head.sha))


def _commits(call: Call) -> Reply:
    _, pull = call.pull()
    found = call.repository.git.commits_between(pull.base.sha, pull.head.sha)[:_COMMITS]
    return call.paged(found, lambda each: answers_git.commit(call.view, call.repository, each))


def _sides(call: Call) -> tuple[Side, Side]:
    """Return head and base as they are now; a head may be a fork's, by its owner."""
    repository, given = call.repository, call.given
    owner, colon, branch = given["head"].rpartition(":")
    home = in_network(call, owner) if colon else repository
    tip, base = home.git.head(branch) if home else None, repository.git.head(given["base"])
    wrong = [(_RESOURCE, field, "invalid", "") for field, found in (("head", tip), ("base", base)) if found is None]
    if home is None or tip is None or base is None:
        raise invalid_fields(*wrong)
    head = Side(repository=home, owner=home.owner, ref=branch, sha=tip)
    return head, Side(repository=repository, owner=repository.owner, ref=given["base"], sha=base)


def _check_new(call: Call, head: Side, base: Side) -> None:
    repository, home = call.repository, head.repository or call.repository
    if call.state.permission(call.me, home) < Permission.WRITE:
        raise invalid(_RESOURCE, "", "custom", "must be a collaborator")
    name, other = reopening.names(repository, head, base)
    if lifecycle.existing(repository, head, base.ref) is not None:
        raise invalid(_RESOURCE, "", "custom", f"A pull request already exists for {head.owner.login}:{head.ref}.")
    if home is not repository:
        objects.fetch(home.git, repository.git, head.sha)
    if repository.git.merge_base(base.sha, head.sha) is None:
        raise invalid(_RESOURCE, "", "custom", f"The {name} branch has no history in common with {other}")
    if repository.git.is_ancestor(head.sha, base.sha):
        raise invalid(_RESOURCE, "", "custom", f"No commits between {other} and {name}")
    _check_owners(call, head, base)


def _check_owners(call: Call, head: Side, base: Side) -> None:
    """Refuse what could never be merged here: a team would have to approve it."""
    if gates.rules_of(call.repository, base.ref).code_owners:
        for each in owners.owned(call.state, call.repository, base, head):
            if each.teams:
                raise NotInSandbox(f"the code owner @{each.teams[0]}, a team")


def _check_base(repository: Repository, issue: Issue, pull: PullRequest, branch: str, state: str) -> None:
    tip = repository.git.head(branch)
    if not issue.is_open or state != "open":
        raise invalid(_RESOURCE, "base", "custom", "Cannot change the base branch of a closed pull request.")
    if tip is None:
        raise invalid(_RESOURCE, "base")
    if lifecycle.existing(repository, pull.head, branch) is not None:
        word = f"A pull request already exists for base branch '{branch}' and head branch '{pull.head.ref}'"
        raise invalid(_RESOURCE, "base", "custom", word)
    if repository.git.is_ancestor(pull.head.sha, tip):
        word = f"There are no new commits between base branch '{branch}' and head branch '{pull.head.ref}'"
        raise invalid(_RESOURCE, "base", "custom", word)


_NEW = {
    "title": STRING,
    "head": NEEDED,
    "base": NEEDED,
    "body": TEXT,
    "draft": FLAG,
    "maintainer_can_modify": FLAG,
}
_CHANGES = {
    "title": STRING,
    "body": TEXT,
    "state": one_of("open", "closed"),
    "base": STRING,
    "maintainer_can_modify": FLAG,
}

ROUTES = (
    get(_PULLS, _list, query=(*PAGES, "state", "head", "base", "sort", "direction")),
    write("POST", _PULLS, _create, _NEW, status=201, needs=Permission.READ),
    get(_ONE, _get),
    write("PATCH", _ONE, _update, _CHANGES, needs=Permission.READ),
    get(f"{_ONE}/files", _files, query=PAGES),
    get(f"{_ONE}/commits", _commits, query=PAGES),
)
