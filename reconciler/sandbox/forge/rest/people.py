"""Users, organizations, and the rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge.model import Permission, User
from reconciler.sandbox.forge.refusals import forbidden, not_found
from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.routes import PAGES, get

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.forge.model import Json, Repository
    from reconciler.sandbox.forge.rest.call import Call

_SORTS = ("full_name", "created", "updated", "pushed")


def _me(call: Call) -> Json:
    if call.me.app is not None:
        raise forbidden("Resource not accessible by integration")
    return answers.account(call.view, call.me)


def _user(call: Call) -> Json:
    return answers.account(call.view, _named(call, call.parts["username"]))


def _organization(call: Call) -> Json:
    return answers.organization(call.view, organization(call))


def _membership(call: Call) -> Reply:
    if call.parts["username"].lower() not in organization(call).members:
        raise not_found()
    return Reply(status=204)


def _my_repositories(call: Call) -> Reply:
    mine = [r for r in _visible(call) if call.state.is_collaborator(call.me, r)]
    return call.paged(_sorted(call, mine), lambda each: answers.repository(call.view, each))


def _repositories_of(call: Call) -> Reply:
    owner = organization(call) if "org" in call.parts else _named(call, call.parts["username"])
    owned = [r for r in _visible(call) if r.owner is owner]
    return call.paged(_sorted(call, owned), lambda each: answers.repository(call.view, each))


def _rate_limit(call: Call) -> Json:
    return call.limits.overview(call.user, call.state.now())


def organization(call: Call) -> User:
    """Return the organization of the path."""
    found = call.state.user(call.parts["org"])
    if found is None or found.kind != "Organization":
        raise not_found()
    return found


def _named(call: Call, login: str) -> User:
    found = call.state.user(login)
    if found is None:
        raise not_found()
    return found


def _visible(call: Call) -> list[Repository]:
    return [r for r in call.state.repositories.values() if call.view.permission(r) >= Permission.READ]


def _sorted(call: Call, found: Iterable[Repository]) -> list[Repository]:
    keys = {
        "full_name": lambda r: r.full_name.lower(),
        "created": lambda r: r.created_at,
        "updated": lambda r: r.updated_at,
        "pushed": lambda r: r.pushed_at or r.created_at,
    }
    sort = call.choice("sort", _SORTS)
    direction = call.choice("direction", ("asc", "desc") if sort == "full_name" else ("desc", "asc"))
    return sorted(found, key=keys[sort], reverse=direction == "desc")


_LISTED = (*PAGES, "sort", "direction")

ROUTES = (
    get("/user", _me),
    get("/user/repos", _my_repositories, query=_LISTED),
    get("/users/{username}", _user, open=True),
    get("/users/{username}/repos", _repositories_of, query=_LISTED, open=True),
    get("/orgs/{org}", _organization, open=True),
    get("/orgs/{org}/repos", _repositories_of, query=_LISTED, open=True),
    get("/orgs/{org}/members/{username}", _membership, status=204),
    get("/rate_limit", _rate_limit, free=True, open=True),
)
