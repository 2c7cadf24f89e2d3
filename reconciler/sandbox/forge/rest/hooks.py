"""Webhooks: registered, pinged, their deliveries listed and repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import announcing
from reconciler.sandbox.forge.model import Delivery, Hook, Json, Permission
from reconciler.sandbox.forge.refusals import Refused, invalid, not_found
from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import FLAG, LIST, STRING, THING
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.forge.rest.view import stamp
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call
    from reconciler.sandbox.forge.rest.view import View

_HOOKS = "/repos/{owner}/{repo}/hooks"
_ONE = f"{_HOOKS}/{{id}}"
_CONFIG = frozenset({"url", "content_type", "secret", "insecure_ssl"})
EVENTS = frozenset(
    {
        "*",
        "push",
        "create",
        "delete",
        "pull_request",
        "pull_request_review",
        "issues",
        "issue_comment",
        "status",
        "check_run",
        "repository_dispatch",
        "workflow_dispatch",
    }
)


def _list(call: Call) -> Reply:
    return call.paged(list(call.repository.hooks.values()), lambda hook: _answer(call, hook))


def _get(call: Call) -> Json:
    return _answer(call, _found(call))


def _create(call: Call) -> Json:
    given, now = call.given, call.state.now()
    if given.get("name", "web") != "web":
        raise invalid("Hook", "name", "custom", 'name must be "web"')
    config = _config(given.get("config"))
    if not config.get("url"):
        raise invalid("Hook", "url", "missing_field")
    if any(hook.url == config["url"] for hook in call.repository.hooks.values()):
        raise invalid("Hook", "", "custom", "Hook already exists on this repository")
    made = Hook(
        id=call.state.next_id(),
        url=config["url"],
        content_type="form",
        secret="",
        insecure_ssl="0",
        events=_some(given.get("events", ["push"])),
        active=given.get("active", True),
        created_at=now,
        updated_at=now,
    )
    _configure(made, config)
    call.repository.hooks[made.id] = made
    _ping(call, made)
    return _answer(call, made)


def _update(call: Call) -> Json:
    found, given = _found(call), call.given
    events = _known(given.get("events", found.events))
    events += [event for event in _known(given.get("add_events", [])) if event not in events]
    found.events = _some([event for event in events if event not in given.get("remove_events", ())])
    found.active = given.get("active", found.active)
    _configure(found, _config(given.get("config")))
    found.updated_at = call.state.now()
    return _answer(call, found)


def _delete(call: Call) -> Reply:
    del call.repository.hooks[_found(call).id]
    return Reply(status=204)


def _pinged(call: Call) -> Reply:
    _ping(call, _found(call))
    return Reply(status=204)


def _ping(call: Call, hook: Hook) -> None:
    payload = {
        "zen": "Keep it logically awesome.",
        "hook_id": hook.id,
        "hook": _answer(call, hook),
        "repository": answers.repository(call.view, call.repository),
        "sender": answers.user(call.view, call.me),
    }
    announcing.plan(call.state, hook, "ping", payload)


def _deliveries(call: Call) -> Reply:
    found = _found(call).deliveries[::-1]
    return call.paged(found, lambda each: _summary(call, each))


def _delivery(call: Call) -> Json:
    found = _delivered(call)
    return _summary(call, found) | {
        "url": found.hook.url,
        "request": {"headers": found.request_headers or None, "payload": found.payload},
        "response": {"headers": found.response_headers or None, "payload": found.response_body or None},
    }


def _redeliver(call: Call) -> Reply:
    found = _delivered(call)
    announcing.plan(call.state, found.hook, found.event, found.payload, action=found.action or "", redelivers=found)
    return Reply({}, 202)


def _found(call: Call) -> Hook:
    found = call.repository.hooks.get(call.number("id"))
    if found is None:
        raise not_found()
    return found


def _delivered(call: Call) -> Delivery:
    number = call.number("delivery")
    found = next((each for each in _found(call).deliveries if each.id == number), None)
    if found is None:
        raise not_found()
    return found


def _config(given: Json | None) -> Json:
    found = given or {}
    unknown = set(found) - _CONFIG
    if unknown:
        raise NotInSandbox(f"{min(unknown)} in the configuration of a webhook")
    if found.get("content_type", "form") not in ("form", "json"):
        raise invalid("Hook", "content_type")
    return found


def _configure(hook: Hook, config: Json) -> None:
    hook.url = config.get("url", hook.url)
    hook.content_type = config.get("content_type", hook.content_type)
    hook.secret = config.get("secret", hook.secret)
    hook.insecure_ssl = str(config.get("insecure_ssl", hook.insecure_ssl))


def _known(events: list[str]) -> list[str]:
    unknown = [event for event in events if event not in EVENTS]
    if unknown:
        raise NotInSandbox(f"webhooks for the event {unknown[0]}")
    return list(events)


def _some(events: list[str]) -> list[str]:
    if not events:
        raise Refused(422, "Validation Failed", errors=["events must not be empty"])
    return _known(events)


def _summary(call: Call, shown: Delivery) -> Json:
    return {
        "id": shown.id,
        "guid": shown.guid,
        "delivered_at": stamp(shown.at),
        "redelivery": shown.redelivery,
        "duration": 0.0,
        "status": shown.status,
        "status_code": shown.status_code,
        "event": shown.event,
        "action": shown.action,
        "installation_id": None,
        "repository_id": call.repository.id,
        "throttled_at": None,
    }


def _answer(call: Call, hook: Hook) -> Json:
    view: View = call.view
    api = view.api(f"/repos/{call.repository.full_name}/hooks/{hook.id}")
    config = {"url": hook.url, "content_type": hook.content_type, "insecure_ssl": hook.insecure_ssl}
    last = next((each for each in reversed(hook.deliveries) if each.status != "pending"), None)
    response: dict[str, Any] = {"code": None, "status": "unused", "message": None}
    if last is not None:
        fine = last.status == "OK"
        response = {"code": last.status_code or None, "status": "active" if fine else "failed", "message": last.status}
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config | ({"secret": "********"} if hook.secret else {}),
        "updated_at": stamp(hook.updated_at),
        "created_at": stamp(hook.created_at),
        "url": api,
        "test_url": f"{api}/test",
        "ping_url": f"{api}/pings",
        "deliveries_url": f"{api}/deliveries",
        "last_response": response,
    }


_NEW = {"name": STRING, "config": THING, "events": LIST, "active": FLAG}
_CHANGES = {"config": THING, "events": LIST, "add_events": LIST, "remove_events": LIST, "active": FLAG}
_ADMIN: dict[str, Any] = {"needs": Permission.ADMIN}

ROUTES = (
    get(_HOOKS, _list, query=PAGES, **_ADMIN),
    write("POST", _HOOKS, _create, _NEW, status=201, **_ADMIN),
    get(_ONE, _get, **_ADMIN),
    write("PATCH", _ONE, _update, _CHANGES, **_ADMIN),
    write("DELETE", _ONE, _delete, status=204, **_ADMIN),
    write("POST", f"{_ONE}/pings", _pinged, status=204, **_ADMIN),
    get(f"{_ONE}/deliveries", _deliveries, query=PAGES, **_ADMIN),
    get(f"{_ONE}/deliveries/{{delivery}}", _delivery, **_ADMIN),
    write("POST", f"{_ONE}/deliveries/{{delivery}}/attempts", _redeliver, status=202, **_ADMIN),
)
