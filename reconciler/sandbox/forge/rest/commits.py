"""Commits: listed, shown, compared, and the pull requests that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import objects
from reconciler.sandbox.forge.refusals import Refused, not_found
from reconciler.sandbox.forge.rest import answers_git, answers_pulls
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.routes import PAGES, get

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json, Repository
    from reconciler.sandbox.forge.nouns import CommitView
    from reconciler.sandbox.forge.rest.call import Call

_COMMITS = "/repos/{owner}/{repo}/commits"
_MANY = 10_000
_SHOWN_FILES = 300  # of a comparison


def resolved(call: Call, ref: str, status: int = 422) -> str:
    """Return the commit that a branch, a tag or a name of a commit stands for."""
    git = call.repository.git
    if not git.refs():
        raise Refused(409, "Git Repository is empty.")
    found = git.resolve(ref) or objects.full_sha(git, ref)
    if found is None:
        raise Refused(status, f"No commit found for SHA: {ref}" if status == 422 else "Not Found")  # noqa: PLR2004
    return found


def _list(call: Call) -> Reply:
    git = call.repository.git
    start = resolved(call, call.request.first("sha") or git.default_branch, 404)
    found: list[CommitView] = git.history(start, _MANY)
    path, author, since = call.request.first("path"), call.request.first("author"), call.since()
    if path:
        found = list(objects.touching(found, git, path))
    if author:
        user = call.state.user(author)
        emails = {author, user.email if user else ""}
        found = [each for each in found if each.author.email in emails]
    if since is not None:
        found = [each for each in found if each.committer.at >= since]
    return call.paged(found, lambda each: answers_git.commit(call.view, call.repository, each))


def _get(call: Call) -> Json:
    call.accepts_raw()
    sha = resolved(call, call.parts["ref"])
    return answers_git.commit_with_files(call.view, call.repository, call.repository.git.commit(sha))


def _pulls(call: Call) -> Reply:
    """List the merged pull requests that brought a commit, and the open ones that hold it."""
    git, sha = call.repository.git, resolved(call, call.parts["sha"])
    found = [
        (issue, pull)
        for issue, pull in call.repository.pulls
        if sha == pull.merge_commit or sha in {each.sha for each in git.commits_between(pull.base.sha, pull.head.sha)}
    ]
    return call.paged(found, lambda each: answers_pulls.simple(call.view, call.repository, *each))


def _compare(call: Call) -> Reply:
    call.accepts_raw()
    before, dots, after = call.parts["basehead"].partition("...")
    if not dots:
        raise not_found()
    repository, view = call.repository, call.view
    git = repository.git
    base, head = _compared(call, before), _compared(call, after)
    ancestor = git.merge_base(base, head)
    if ancestor is None:
        raise not_found(f"No common ancestor between {before} and {after}.")
    ahead, behind, word = git.compare(base, head)
    page, headers = call.page(git.commits_between(base, head))
    files = git.changed_files(base, head)[:_SHOWN_FILES]
    url = answers_git.api(view, repository, f"/compare/{before}...{after}")
    html = answers_git.web(view, repository, f"/compare/{before}...{after}")
    return Reply(
        {
            "url": url,
            "html_url": html,
            "permalink_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": answers_git.commit(view, repository, git.commit(base)),
            "merge_base_commit": answers_git.commit(view, repository, git.commit(ancestor)),
            "status": word,
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [answers_git.commit(view, repository, each) for each in page],
            "files": [answers_git.file_change(view, repository, each, head) for each in files],
        },
        headers=headers,
    )


def _compared(call: Call, name: str) -> str:
    """Return one side of a comparison: of this repository, or of a fork by its owner; its objects come here."""
    owner, colon, branch = name.rpartition(":")
    if not colon:
        return resolved(call, name, 404)
    home = in_network(call, owner)
    found = home.git.resolve(branch) if home else None
    if home is None or found is None:
        raise not_found()
    if home is not call.repository:
        objects.fetch(home.git, call.repository.git, found)
    return found


def in_network(call: Call, owner: str) -> Repository | None:
    """Return the repository of an owner in this network of forks."""
    if owner.lower() == call.repository.owner.login.lower():
        return call.repository
    same = [r for r in call.state.repositories.values() if r.network is call.repository.network]
    return next((r for r in same if r.owner.login.lower() == owner.lower()), None)


def _tags(call: Call) -> Reply:
    repository, view = call.repository, call.view
    found = [(ref.removeprefix("refs/tags/"), ref) for ref in repository.git.refs("refs/tags/")]

    def answer(each: tuple[str, str]) -> Json:
        name, ref = each
        sha = repository.git.resolve(ref) or ""
        balls = {kind: answers_git.api(view, repository, f"/{kind[:-4]}/{ref}") for kind in _BALLS}
        commit = {"sha": sha, "url": answers_git.api(view, repository, f"/commits/{sha}")}
        return {"name": name, "commit": commit, "node_id": f"ref:{repository.id}:{name}"} | balls

    return call.paged(found[::-1], answer)


_BALLS = ("zipball_url", "tarball_url")

ROUTES = (
    get(_COMMITS, _list, query=(*PAGES, "sha", "path", "author", "since")),
    get(f"{_COMMITS}/{{sha}}/pulls", _pulls, query=PAGES),
    get("/repos/{owner}/{repo}/compare/{basehead+}", _compare, query=PAGES),
    get("/repos/{owner}/{repo}/tags", _tags, query=PAGES),
)
ONE = (get(f"{_COMMITS}/{{ref+}}", _get, query=PAGES),)  # after what is below a commit: a branch's name has slashes
