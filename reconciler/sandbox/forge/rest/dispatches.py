"""Dispatches: how a program starts a workflow. The sandbox runs none; it tells webhooks, and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing
from reconciler.sandbox.forge.refusals import Refused, not_found
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED, THING
from reconciler.sandbox.forge.rest.routes import write

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json
    from reconciler.sandbox.forge.rest.call import Call

_LONGEST = 100  # characters of an event's type
_WORKFLOWS = ".github/workflows"


def _repository_dispatch(call: Call) -> Reply:
    kind = call.given["event_type"]
    if not kind or len(kind) > _LONGEST:
        raise Refused(422, f"Invalid request.\n\nevent_type must have 1 to {_LONGEST} characters.")
    git = call.repository.git
    payload: Json = {"branch": git.default_branch, "client_payload": call.given.get("client_payload") or {}}
    _dispatch(call, "repository_dispatch", payload, action=kind)
    return Reply(status=204)


def _workflow_dispatch(call: Call) -> Reply:
    git, ref, path = call.repository.git, call.given["ref"], f"{_WORKFLOWS}/{call.parts['workflow']}"
    if git.read(git.default_branch, path) is None:
        raise not_found()
    if git.resolve(ref) is None:
        raise Refused(422, f"No ref found for: {ref}")
    _dispatch(call, "workflow_dispatch", {"ref": ref, "inputs": call.given.get("inputs") or {}, "workflow": path})
    return Reply(status=204)


def _dispatch(call: Call, event: str, payload: Json, *, action: str = "") -> None:
    call.state.dispatched.append((call.repository.full_name, event, ({"action": action} if action else {}) | payload))
    announcing.announce(call.state, call.repository, event, call.me, lambda _: dict(payload), action=action)


_KIND = {"event_type": NEEDED, "client_payload": THING}
_RUN = {"ref": NEEDED, "inputs": THING}

ROUTES = (
    write("POST", "/repos/{owner}/{repo}/dispatches", _repository_dispatch, _KIND, status=204),
    write(
        "POST",
        "/repos/{owner}/{repo}/actions/workflows/{workflow}/dispatches",
        _workflow_dispatch,
        _RUN,
        status=204,
    ),
)
