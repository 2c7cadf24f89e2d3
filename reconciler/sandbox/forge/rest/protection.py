"""Classic branch protection: read and written by administrators; to others it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.model import Json, Permission, Protection
from reconciler.sandbox.forge.refusals import Refused, malformed, not_found
from reconciler.sandbox.forge.rest import answers_rules
from reconciler.sandbox.forge.rest.branches import tip
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import FLAG, LIST, NUMBER, Field
from reconciler.sandbox.forge.rest.routes import get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sandbox.forge.rest.call import Call

_PATH = "/repos/{owner}/{repo}/branches/{branch+}/protection"
_MOST = 6  # approvals
_REVIEWS = frozenset(
    {
        "dismiss_stale_reviews",
        "require_code_owner_reviews",
        "required_approving_review_count",
        "require_last_push_approval",
    }
)

_OFF = ("block_creations", "required_conversation_resolution", "allow_fork_syncing")  # which the sandbox lacks


def _get(call: Call) -> Json:
    return answers_rules.protection(call.view, call.repository, call.parts["branch"], _found(call))


def _put(call: Call) -> Json:
    branch = call.parts["branch"]
    tip(call, branch)
    for name in _OFF:
        if call.given.get(name):
            raise NotInSandbox(f"{name} of branch protection")
    made = Protection(
        enforce_admins=bool(call.given["enforce_admins"]),
        linear=call.given.get("required_linear_history", False),
        force_pushes=bool(call.given.get("allow_force_pushes", False)),
        deletions=call.given.get("allow_deletions", False),
        locked=call.given.get("lock_branch", False),
    )
    _set_checks(made, call.given["required_status_checks"])
    _set_reviews(made, call.given["required_pull_request_reviews"])
    made.pushers = _pushers(call, call.given["restrictions"])
    call.repository.protections[branch] = made
    return answers_rules.protection(call.view, call.repository, branch, made)


def _delete(call: Call) -> Reply:
    _found(call)
    del call.repository.protections[call.parts["branch"]]
    return Reply(status=204)


def _checks(call: Call) -> Json:
    found = _found(call)
    if found.contexts is None:
        raise not_found("Required status checks not enabled")
    return answers_rules.required_checks(call.view, call.repository, call.parts["branch"], found)


def _contexts(call: Call) -> Reply:
    found = _found(call)
    if found.contexts is None:
        raise not_found("Required status checks not enabled")
    return Reply([context for context, _ in found.contexts])


def _patch_checks(call: Call) -> Json:
    found = _found(call)
    given: Json = {"strict": found.strict, "contexts": []} | dict(call.given)
    if "contexts" not in call.given and "checks" not in call.given:
        found.strict = given["strict"]
    else:
        _set_checks(found, given)
    return _checks(call)


def _delete_checks(call: Call) -> Reply:
    found = _found(call)
    found.contexts, found.strict = None, False
    return Reply(status=204)


def _reviews(call: Call) -> Json:
    found = _found(call)
    if found.reviews is None:
        raise not_found("Pull request reviews are not enabled")
    return answers_rules.required_reviews(call.view, call.repository, call.parts["branch"], found)


def _patch_reviews(call: Call) -> Json:
    found = _found(call)
    before = {
        "dismiss_stale_reviews": found.dismiss_stale,
        "require_code_owner_reviews": found.code_owners,
        "required_approving_review_count": found.reviews or 0,
        "require_last_push_approval": found.last_push_approval,
    }
    _set_reviews(found, before | dict(call.given))
    return _reviews(call)


def _delete_reviews(call: Call) -> Reply:
    found = _found(call)
    _set_reviews(found, None)
    return Reply(status=204)


def _enforce_admins(*, value: bool | None) -> Callable[[Call], Json]:
    def handler(call: Call) -> Json:
        found = _found(call)
        found.enforce_admins = found.enforce_admins if value is None else value
        return answers_rules.enforce_admins(call.view, call.repository, call.parts["branch"], found)

    return handler


def _free_admins(call: Call) -> Reply:
    _found(call).enforce_admins = False
    return Reply(status=204)


def _found(call: Call) -> Protection:
    branch = call.parts["branch"]
    tip(call, branch)
    found = call.repository.protections.get(branch)
    if found is None:
        raise not_found("Branch not protected")
    return found


def _set_checks(protection: Protection, given: Mapping[str, Any] | None) -> None:
    if given is None:
        protection.contexts, protection.strict = None, False
        return
    apps = [(check["context"], check.get("app_id")) for check in given.get("checks", ())]
    named = [(context, None) for context in given.get("contexts", ()) if context not in dict(apps)]
    pinned = [(context, None if app == -1 else app) for context, app in apps]  # -1: any App
    protection.contexts = (*pinned, *named)
    protection.strict = bool(given.get("strict", False))


def _set_reviews(protection: Protection, given: Mapping[str, Any] | None) -> None:
    if given is None:
        protection.reviews = None
        protection.dismiss_stale = protection.code_owners = protection.last_push_approval = False
        return
    for name, value in given.items():
        if name not in _REVIEWS and value:
            raise NotInSandbox(f"{name} of branch protection")
    count = given.get("required_approving_review_count", 1)
    if not isinstance(count, int) or not 0 <= count <= _MOST:
        raise malformed(f"For 'properties/required_approving_review_count', {count} is not between 0 and {_MOST}.")
    protection.reviews = count
    protection.dismiss_stale = bool(given.get("dismiss_stale_reviews", False))
    protection.code_owners = bool(given.get("require_code_owner_reviews", False))
    protection.last_push_approval = bool(given.get("require_last_push_approval", False))


def _pushers(call: Call, given: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if call.repository.owner.kind != "Organization":
        raise Refused(422, "Only organization repositories can have users and team restrictions")
    if given.get("teams") or given.get("apps"):
        raise NotInSandbox("teams and Apps in restrictions of branch protection")
    return tuple(str(login).lower() for login in given.get("users", ()))


_PART = Field("object", required=True, nullable=True)
_NEW = {
    "required_status_checks": _PART,
    "enforce_admins": Field("boolean", required=True, nullable=True),
    "required_pull_request_reviews": _PART,
    "restrictions": _PART,
    "required_linear_history": FLAG,
    "allow_force_pushes": Field("boolean", nullable=True),
    "allow_deletions": FLAG,
    "lock_branch": FLAG,
} | dict.fromkeys(_OFF, FLAG)
_CHECKS = {"strict": FLAG, "contexts": LIST, "checks": LIST}
_REVIEW_FIELDS = {
    "dismiss_stale_reviews": FLAG,
    "require_code_owner_reviews": FLAG,
    "required_approving_review_count": NUMBER,
    "require_last_push_approval": FLAG,
}
_ADMIN: dict[str, Any] = {"needs": Permission.ADMIN}

ROUTES = (
    get(f"{_PATH}/required_status_checks/contexts", _contexts, **_ADMIN),
    get(f"{_PATH}/required_status_checks", _checks, **_ADMIN),
    write("PATCH", f"{_PATH}/required_status_checks", _patch_checks, _CHECKS, **_ADMIN),
    write("DELETE", f"{_PATH}/required_status_checks", _delete_checks, status=204, **_ADMIN),
    get(f"{_PATH}/required_pull_request_reviews", _reviews, **_ADMIN),
    write("PATCH", f"{_PATH}/required_pull_request_reviews", _patch_reviews, _REVIEW_FIELDS, **_ADMIN),
    write("DELETE", f"{_PATH}/required_pull_request_reviews", _delete_reviews, status=204, **_ADMIN),
    get(f"{_PATH}/enforce_admins", _enforce_admins(value=None), **_ADMIN),
    write("POST", f"{_PATH}/enforce_admins", _enforce_admins(value=True), **_ADMIN),
    write("DELETE", f"{_PATH}/enforce_admins", _free_admins, status=204, **_ADMIN),
    get(_PATH, _get, **_ADMIN),
    write("PUT", _PATH, _put, _NEW, **_ADMIN),
    write("DELETE", _PATH, _delete, status=204, **_ADMIN),
)
