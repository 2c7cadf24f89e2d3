"""Who may do what in a repository. The people of the sandbox accept an invitation at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge.model import GRANTS, Permission, User
from reconciler.sandbox.forge.refusals import invalid, not_found
from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.forge.rest.view import stamp
from reconciler.sandbox.forge.urls import node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.rest.call import Call

_PATH = "/repos/{owner}/{repo}/collaborators"


def _list(call: Call) -> Reply:
    least = GRANTS.get(call.request.first("permission"), Permission.READ)
    found = [user for user in call.state.users.values() if call.state.is_collaborator(user, call.repository)]
    shown = [user for user in found if _permission(call, user) >= least]
    return call.paged(shown, lambda user: answers.collaborator(call.view, user, _permission(call, user)))


def _check(call: Call) -> Reply:
    if not call.state.is_collaborator(_user(call), call.repository):
        raise not_found(f"{call.parts['username']} is not a user" if call.user is None else "Not Found")
    return Reply(status=204)


def _look_up(call: Call) -> Json:
    user = _user(call)
    permission = _permission(call, user)
    shown = answers.collaborator(call.view, user, permission)
    return {"permission": permission.legacy, "role_name": permission.role, "user": shown}


def _add(call: Call) -> Reply:
    user, repository = _user(call), call.repository
    if user is repository.owner:
        raise invalid("Repository", "", "custom", "Repository owner cannot be a collaborator")
    word = call.given.get("permission", "push")
    known = call.state.is_collaborator(user, repository)
    repository.collaborators[user.login.lower()] = GRANTS[word]
    if known:
        return Reply(status=204)
    number = call.state.next_id()
    words = {"pull": "read", "push": "write"}
    invitation = {
        "id": number,
        "node_id": node_id("RepositoryInvitation", number),
        "repository": answers.repository(call.view, repository),
        "invitee": answers.user(call.view, user),
        "inviter": answers.user(call.view, call.me),
        "permissions": words.get(word, word),
        "created_at": stamp(call.state.now()),
        "expired": False,
        "url": call.view.api(f"/user/repository_invitations/{number}"),
        "html_url": call.view.web(f"/{repository.full_name}/invitations"),
    }
    return Reply(invitation, 201)


def _remove(call: Call) -> Reply:
    call.repository.collaborators.pop(_user(call).login.lower(), None)
    return Reply(status=204)


def _permission(call: Call, user: User) -> Permission:
    return call.state.permission(user, call.repository)


def _user(call: Call) -> User:
    found = call.state.user(call.parts["username"])
    if found is None:
        raise not_found()
    return found


_SEE = {"needs": Permission.WRITE, "lacking": "Must have push access to view repository collaborators."}

ROUTES = (
    get(_PATH, _list, query=(*PAGES, "permission"), **_SEE),
    get(f"{_PATH}/{{username}}", _check, status=204, **_SEE),
    get(f"{_PATH}/{{username}}/permission", _look_up, **_SEE),
    write("PUT", f"{_PATH}/{{username}}", _add, {"permission": one_of(*GRANTS)}, status=201, needs=Permission.ADMIN),
    write("DELETE", f"{_PATH}/{{username}}", _remove, status=204, needs=Permission.ADMIN),
)
