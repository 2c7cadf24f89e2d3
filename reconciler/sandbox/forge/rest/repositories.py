"""Repositories: made, described, changed, renamed, transferred, forked, deleted."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import objects, pushes
from reconciler.sandbox.forge.model import Json, Permission, Repository, User
from reconciler.sandbox.forge.refusals import ARCHIVED, NO_RIGHTS, Refused, forbidden, invalid, not_found
from reconciler.sandbox.forge.repository import BareRepository
from reconciler.sandbox.forge.rest import answers, people
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import FLAG, LIST, NEEDED, STRING, TEXT, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call

_FLAGS = (
    "allow_merge_commit",
    "allow_squash_merge",
    "allow_rebase_merge",
    "allow_update_branch",
    "delete_branch_on_merge",
    "has_issues",
    "has_projects",
    "has_wiki",
    "has_discussions",
)
_SETTINGS = dict.fromkeys(_FLAGS, FLAG) | {
    "homepage": TEXT,
    "squash_merge_commit_title": one_of("PR_TITLE", "COMMIT_OR_PR_TITLE"),
    "squash_merge_commit_message": one_of("PR_BODY", "COMMIT_MESSAGES", "BLANK"),
    "merge_commit_title": one_of("PR_TITLE", "MERGE_MESSAGE"),
    "merge_commit_message": one_of("PR_BODY", "PR_TITLE", "BLANK"),
}
_ABOUT = {"description": TEXT, "private": FLAG, "visibility": one_of("public", "private")} | _SETTINGS


def _create(call: Call) -> Json:
    owner = people.organization(call) if "org" in call.parts else call.me
    if owner is not call.me and call.me.login.lower() not in owner.members:
        raise forbidden("You need admin access to the organization before adding a repository to it.")
    name = call.given["name"]
    _check_name(call, owner, name)
    files = {"README.md": f"# {name}\n"} if call.given.get("auto_init") else {}
    made = call.state.add_repository(owner, name, files, author=call.me)
    if owner is not call.me:
        made.collaborators[call.me.login.lower()] = Permission.ADMIN
    _settle(call, made)
    return answers.full_repository(call.view, made)


def _get(call: Call) -> Json:
    return answers.full_repository(call.view, call.repository)


def _update(call: Call) -> Json:
    repository, given = call.repository, call.given
    if repository.archived and given.get("archived") is not False:
        raise forbidden(ARCHIVED)
    branch = given.get("default_branch")
    if branch is not None and repository.git.head(branch) is None:
        raise invalid(
            "Repository", "default_branch", message=f"The branch {branch} was not found. Please push that ref first."
        )
    if given.get("name", repository.name) != repository.name:
        _check_name(call, repository.owner, given["name"])
        move(call, repository, repository.owner, given["name"])
    if branch is not None:
        objects.set_default_branch(repository.git, branch)
    repository.archived = given.get("archived", repository.archived)
    _settle(call, repository)
    return answers.full_repository(call.view, repository)


def _delete(call: Call) -> Reply:
    gone = call.repository
    del call.state.repositories[gone.id]
    for other in call.state.repositories.values():
        other.parent = None if other.parent is gone else other.parent
        for _, pull in other.pulls:
            if pull.head.repository is gone:
                pull.head.repository = None
    shutil.rmtree(gone.git.path)
    return Reply(status=204)


def _transfer(call: Call) -> Json:
    owner = call.state.user(call.given["new_owner"])
    if owner is None:
        raise invalid("Repository", "new_owner", message="new_owner is not a user or an organization")
    if call.me.login.lower() not in owner.members:
        raise NotInSandbox(f"a transfer to {owner.login}, who would have to accept it")
    name = call.given.get("new_name", call.repository.name)
    _check_name(call, owner, name)
    move(call, call.repository, owner, name)
    return answers.repository(call.view, call.repository)


def _forks(call: Call) -> Reply:
    found = answers.forks_of(call.view, call.repository)
    order = call.choice("sort", ("newest", "oldest"))
    shown = found if order == "oldest" else found[::-1]
    return call.paged(shown, lambda each: answers.repository(call.view, each))


def _fork(call: Call) -> Json:
    source, given = call.repository, call.given
    owner = call.me
    if "organization" in given:
        found = call.state.user(given["organization"])
        if found is None or call.me.login.lower() not in found.members:
            raise not_found()
        owner = found
    if owner is source.owner:
        return answers.full_repository(call.view, source)
    for existing in answers.forks_of(call.view, source):
        if existing.owner is owner:
            return answers.full_repository(call.view, existing)
    return answers.full_repository(call.view, _copied(call, source, owner, given.get("name", source.name)))


def _copied(call: Call, source: Repository, owner: User, wanted: str) -> Repository:
    name, count = wanted, 0
    while call.state.repository(f"{owner.login}/{name}") is not None:
        count += 1
        name = f"{wanted}-{count}"
    path = call.state.path(owner.login, name)
    shutil.copytree(source.git.path, path)
    git, kept = BareRepository(path), f"refs/heads/{source.git.default_branch}"
    for ref, sha in git.refs("refs/").items():
        if ref.startswith("refs/pull/") or (call.given.get("default_branch_only") and ref != kept):
            git.set_ref(ref, None, expected=sha)
    fork = call.state.add_repository(owner, name, {}, author=call.me, private=source.private, git=git)
    fork.parent, fork.description = source, source.description
    return fork


def move(call: Call, repository: Repository, owner: User, name: str) -> None:
    """Give a repository another name; the former one leads to it."""
    state, before = call.state, repository.full_name.lower()
    path = state.path(owner.login, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    repository.git.path.rename(path)
    repository.git = BareRepository(path)
    for issue, pull in repository.pulls:
        pull.base.owner = owner
        del issue
    repository.owner, repository.name = owner, name
    state.moved[before] = repository.id
    state.moved.pop(repository.full_name.lower(), None)
    pushes.changed(state, repository)


def _settle(call: Call, repository: Repository) -> None:
    given = call.given
    if "visibility" in given or "private" in given:
        repository.private = given.get("visibility") == "private" or bool(given.get("private"))
    if "description" in given:
        repository.description = given["description"]
    for name in _SETTINGS:
        if name in given:
            setattr(repository.settings, name, given[name])
    repository.updated_at = call.state.now()


def _check_name(call: Call, owner: User, name: str) -> None:
    if not name or set(name) & set(" /?#"):
        raise invalid("Repository", "name", message="name is invalid")
    if call.state.repository(f"{owner.login}/{name}") is not None:
        error = {"resource": "Repository", "code": "custom", "field": "name"}
        error["message"] = "name already exists on this account"
        raise Refused(422, "Repository creation failed.", errors=[error])


_NEW = {"name": NEEDED, "auto_init": FLAG} | _ABOUT
_CHANGED = {"name": STRING, "archived": FLAG, "default_branch": STRING} | _ABOUT
_FORKED = {"organization": STRING, "name": STRING, "default_branch_only": FLAG}
_MOVED = {"new_owner": NEEDED, "new_name": STRING, "team_ids": LIST}
_ADMIN: dict[str, Any] = {"needs": Permission.ADMIN, "lacking": NO_RIGHTS}

ROUTES = (
    write("POST", "/user/repos", _create, _NEW, status=201),
    write("POST", "/orgs/{org}/repos", _create, _NEW, status=201),
    get("/repos/{owner}/{repo}", _get),
    write("PATCH", "/repos/{owner}/{repo}", _update, _CHANGED, archived=True, **_ADMIN),
    write("DELETE", "/repos/{owner}/{repo}", _delete, archived=True, **_ADMIN),
    write("POST", "/repos/{owner}/{repo}/transfer", _transfer, _MOVED, status=202, **_ADMIN),
    get("/repos/{owner}/{repo}/forks", _forks, query=(*PAGES, "sort")),
    write("POST", "/repos/{owner}/{repo}/forks", _fork, _FORKED, status=202, needs=Permission.READ, archived=True),
)
