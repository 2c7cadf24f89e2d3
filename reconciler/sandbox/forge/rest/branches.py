"""Branches: listed, shown, renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import gates, objects, pushes
from reconciler.sandbox.forge.model import Permission
from reconciler.sandbox.forge.refusals import Refused, not_found
from reconciler.sandbox.forge.repository import RefRefused
from reconciler.sandbox.forge.rest import answers_git
from reconciler.sandbox.forge.rest.fields import NEEDED
from reconciler.sandbox.forge.rest.routes import PAGES, get, write

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.rest.call import Call, Reply

_HEADS = pushes.HEADS


def tip(call: Call, branch: str) -> str:
    """Return where a branch is."""
    found = call.repository.git.head(branch)
    if found is None:
        raise not_found("Branch not found")
    return found


def _list(call: Call) -> Reply:
    repository = call.repository
    wanted = {"true": True, "false": False}.get(call.request.first("protected"))
    found = [(ref.removeprefix(_HEADS), sha) for ref, sha in repository.git.refs().items()]
    shown = [each for each in found if wanted in (None, gates.rules_of(repository, each[0]).protected)]
    return call.paged(shown, lambda each: answers_git.short_branch(call.view, repository, *each))


def _get(call: Call) -> Json:
    branch = call.parts["branch"]
    return answers_git.branch(call.view, call.repository, branch, tip(call, branch))


def _rename(call: Call) -> Json:
    """Rename a branch; pull requests from it and to it follow."""
    repository, git, new = call.repository, call.repository.git, call.given["new_name"]
    old = call.parts["branch"]
    sha = tip(call, old)
    was_default = git.default_branch == old
    if was_default and call.permission < Permission.ADMIN:
        raise Refused(403, "Must have admin rights to Repository.")
    if git.head(new) is not None:
        raise Refused(422, "New branch already exists")
    try:
        git.set_ref(_HEADS + new, sha, expected=None)
    except RefRefused:
        raise Refused(422, f"{new} is not a valid branch name") from None
    if was_default:
        objects.set_default_branch(git, new)
    git.set_ref(_HEADS + old, None, expected=sha)
    if old in repository.protections:
        repository.protections[new] = repository.protections.pop(old)
    for placed, _, pull in pushes.network_pulls(call.state, repository):
        if placed is repository and pull.base.ref == old:
            pull.base.ref = new
        if pull.head.repository is repository and pull.head.ref == old:
            pull.head.ref = new
    pushes.changed(call.state, repository)
    return answers_git.branch(call.view, repository, new, sha)


ROUTES = (
    get("/repos/{owner}/{repo}/branches", _list, query=(*PAGES, "protected")),
    write("POST", "/repos/{owner}/{repo}/branches/{branch+}/rename", _rename, {"new_name": NEEDED}, status=201),
)
ONE = (get("/repos/{owner}/{repo}/branches/{branch+}", _get),)  # after what is below a branch: its name has slashes
