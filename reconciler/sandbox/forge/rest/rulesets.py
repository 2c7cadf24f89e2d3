"""Rulesets, and the rules that apply to a branch; readable by everybody who may read the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import gates
from reconciler.sandbox.forge.model import Json, Permission, Ruleset
from reconciler.sandbox.forge.refusals import invalid, malformed, not_found
from reconciler.sandbox.forge.rest import answers_rules
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import LIST, STRING, THING, Fields, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.forge.rest.call import Call

_PATH = "/repos/{owner}/{repo}/rulesets"
# What the sandbox enforces, and of each the parameters that it heeds; others must be off.
_PARAMETERS: dict[str, frozenset[str]] = {
    "pull_request": frozenset(
        {
            "required_approving_review_count",
            "dismiss_stale_reviews_on_push",
            "require_code_owner_review",
            "require_last_push_approval",
        }
    ),
    "required_status_checks": frozenset({"required_status_checks", "strict_required_status_checks_policy"}),
    "non_fast_forward": frozenset(),
    "deletion": frozenset(),
    "update": frozenset(),
    "required_linear_history": frozenset(),
}


def _list(call: Call) -> Reply:
    found = list(call.repository.rulesets.values())
    return call.paged(found, lambda each: answers_rules.ruleset(call.view, call.repository, each, whole=False))


def _get(call: Call) -> Json:
    return answers_rules.ruleset(call.view, call.repository, _found(call))


def _create(call: Call) -> Json:
    given, now = call.given, call.state.now()
    if not given.get("name") or "enforcement" not in given:
        raise malformed('"name" and "enforcement" must be supplied.')
    _check(call)
    made = Ruleset(
        id=call.state.next_id(),
        name=given["name"],
        target=given.get("target", "branch"),
        enforcement=given["enforcement"],
        include=(),
        exclude=(),
        rules=(),
        created_at=now,
        updated_at=now,
    )
    call.repository.rulesets[made.id] = made
    return _settled(call, made)


def _update(call: Call) -> Json:
    found = _found(call)
    _check(call)
    return _settled(call, found)


def _delete(call: Call) -> Reply:
    del call.repository.rulesets[_found(call).id]
    return Reply(status=204)


def _of_branch(call: Call) -> Reply:
    found = gates.active_rules(call.repository, call.parts["branch"])
    return call.paged(found, lambda each: answers_rules.rule(call.repository, *each))


def _settled(call: Call, ruleset: Ruleset) -> Json:
    given = call.given
    ruleset.name = given.get("name", ruleset.name)
    ruleset.enforcement = given.get("enforcement", ruleset.enforcement)
    if "conditions" in given:
        names = (given["conditions"] or {}).get("ref_name", {})
        ruleset.include, ruleset.exclude = tuple(names.get("include", ())), tuple(names.get("exclude", ()))
    if "rules" in given:
        ruleset.rules = tuple(given["rules"])
    ruleset.updated_at = call.state.now()
    return answers_rules.ruleset(call.view, call.repository, ruleset)


def _found(call: Call) -> Ruleset:
    found = call.repository.rulesets.get(call.number("id"))
    if found is None:
        raise not_found()
    return found


def _check(call: Call) -> None:
    """Refuse what the sandbox would not enforce."""
    if call.given.get("target", "branch") != "branch":
        raise NotInSandbox("rulesets of tags and pushes")
    if call.given.get("bypass_actors"):
        raise NotInSandbox("bypass_actors of a ruleset")
    if call.given.get("enforcement") == "evaluate":
        raise NotInSandbox("rulesets that are only evaluated")
    _check_rules(call.given.get("rules", ()))


def _check_rules(rules: Iterable[Any]) -> None:
    for rule in rules:
        kind = rule.get("type") if isinstance(rule, dict) else None
        if kind is None:
            raise invalid("Ruleset", "rules")
        if kind not in _PARAMETERS:
            raise NotInSandbox(f"the rule {kind} of a ruleset")
        for name, value in rule.get("parameters", {}).items():
            if value and name not in _PARAMETERS[kind]:
                raise NotInSandbox(f"{name} of the rule {kind}")


_FIELDS: Fields = {
    "name": STRING,
    "target": one_of("branch", "tag", "push"),
    "enforcement": one_of("disabled", "active", "evaluate"),
    "bypass_actors": LIST,
    "conditions": THING,
    "rules": LIST,
}
_ADMIN: dict[str, Any] = {"needs": Permission.ADMIN}

ROUTES = (
    get(_PATH, _list, query=(*PAGES, "includes_parents")),
    write("POST", _PATH, _create, _FIELDS, status=201, **_ADMIN),
    get(f"{_PATH}/{{id}}", _get, query=("includes_parents",)),
    write("PUT", f"{_PATH}/{{id}}", _update, _FIELDS, **_ADMIN),
    write("DELETE", f"{_PATH}/{{id}}", _delete, status=204, **_ADMIN),
    get("/repos/{owner}/{repo}/rules/branches/{branch+}", _of_branch, query=PAGES),
)
