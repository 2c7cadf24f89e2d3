"""GitHub Apps: who they are, where they are installed, their tokens of an hour, and what those are good for.

An App proves itself by a JSON web token that it signs with its private key; the sandbox was given the public one.
Protects: a proof that is not the App's, is older than ten minutes or claims more, is 401; a token gives no permission
that the App lacks, and is good in the named repositories alone.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.model import App, Permission
from reconciler.sandbox.forge.refusals import Refused, forbidden, not_found
from reconciler.sandbox.forge.rest import answers_apps
from reconciler.sandbox.forge.rest.fields import THING, Field
from reconciler.sandbox.forge.rest.routes import get, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.forge.model import Json, User
    from reconciler.sandbox.forge.people import Installation, Lease
    from reconciler.sandbox.forge.rest.call import Call
    from reconciler.sandbox.forge.rest.routes import Route
    from reconciler.sandbox.forge.state import State

_LONGEST = 600  # seconds from now that a proof may claim to hold
_RANKS = ("read", "write", "admin")
_BY_PULL_REQUESTS = ("issues", "pull_requests")  # either does, where the issue is a pull request
_SCOPES = (  # what a token needs for an address below a repository; any one of the names does
    (re.compile(r"/branches/.*/protection.*"), ("administration",)),
    (re.compile(r"/collaborators.*"), ("metadata",)),
    (re.compile(r"/pulls/\{number\}/merge"), ("contents",)),
    (re.compile(r"/pulls.*"), ("pull_requests",)),
    (re.compile(r"/(issues|labels).*"), _BY_PULL_REQUESTS),
    (re.compile(r"/(statuses/.*|commits/.*/status(es)?)"), ("statuses",)),
    (re.compile(r"/(check-runs.*|commits/.*/check-runs)"), ("checks",)),
    (re.compile(r"/(git|contents|branches|commits|compare|merges)(/.*)?"), ("contents",)),
)
_REPOSITORY = "/repos/{owner}/{repo}"


def is_proof(token: str) -> bool:
    """Tell whether a token is an App's own, signed by itself."""
    return token.count(".") == 2  # noqa: PLR2004 - head, claims and signature


def proven(state: State, token: str) -> User:
    """Return the bot of the App that signed this; the time is the machine's, because the client's library takes it."""
    import jwt

    undecodable = Refused(401, "A JSON web token could not be decoded")
    try:
        claimed = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
    except jwt.InvalidTokenError:
        raise undecodable from None
    bots = (user for user in state.users.values() if user.app is not None and user.app.public_key)
    bot = next((user for user in bots if user.app and claimed in (str(user.app.id), user.app.client_id)), None)
    if bot is None or bot.app is None:
        raise Refused(404, "Integration not found")
    try:
        claims = jwt.decode(token, bot.app.public_key, algorithms=["RS256"], options={"require": ["exp", "iat", "iss"]})
    except jwt.ExpiredSignatureError:
        raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value in the future") from None
    except jwt.InvalidTokenError:
        raise undecodable from None
    if claims["exp"] > time.time() + _LONGEST:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
    return bot


def check_scope(lease: Lease, route: Route) -> None:
    """Refuse what an installation's token is not good for."""
    below = route.path.removeprefix(_REPOSITORY)
    if below == route.path:
        return
    wanted = next((names for pattern, names in _SCOPES if pattern.fullmatch(below)), ("metadata",))
    level = "write" if route.writes else "read"
    if not any(_covers(lease.permissions.get(name), level) for name in wanted):
        raise forbidden("Resource not accessible by integration")


def _covers(held: str | None, wanted: str) -> bool:
    return held in _RANKS and _RANKS.index(held) >= _RANKS.index(wanted)


def _app(call: Call) -> Json:
    return answers_apps.app(call.view, _mine(call))


def _of_repository(call: Call) -> Json:
    found = call.state.installed(call.me, call.repository)
    if found is None:
        raise not_found()
    return answers_apps.installation(call.view, found, _mine(call))


def _installation(call: Call) -> Json:
    return answers_apps.installation(call.view, _known(call), _mine(call))


def _create_token(call: Call) -> Json:
    found, app = _known(call), _mine(call)
    if found.suspended_at is not None:
        raise forbidden("This installation has been suspended")
    asked: dict[str, str] = call.given.get("permissions") or dict(app.permissions)
    if any(not _covers(app.permissions.get(name), level) for name, level in asked.items()):
        raise Refused(422, "The permissions requested are not granted to this installation.")
    repositories = frozenset(_named(call, found, call.given.get("repositories")))
    token = call.state.lease(found, {"metadata": "read", **asked}, repositories)
    return answers_apps.lease(call.view, token, call.state.leases[token])


def _named(call: Call, found: Installation, names: list[Any] | None) -> Iterable[int]:
    if names is None:
        return found.repositories
    known = {call.state.repositories[number].name.lower(): number for number in found.repositories}
    if any(str(name).lower() not in known for name in names):
        raise Refused(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return [known[str(name).lower()] for name in names]


def _known(call: Call) -> Installation:
    found = call.state.installations.get(call.number("id"))
    if found is None or found.bot is not call.me:
        raise not_found()
    return found


def _mine(call: Call) -> App:
    if call.me.app is None:
        raise not_found()
    return call.me.app


_TOKEN = {"permissions": THING, "repositories": Field("array")}

ROUTES = (
    get("/app", _app, proof=True),
    get("/app/installations/{id}", _installation, proof=True),
    get(f"{_REPOSITORY}/installation", _of_repository, proof=True),
    write(
        "POST",
        "/app/installations/{id}/access_tokens",
        _create_token,
        _TOKEN,
        status=201,
        needs=Permission.NONE,
        proof=True,
    ),
)
