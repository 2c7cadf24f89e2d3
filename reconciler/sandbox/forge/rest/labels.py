"""Labels of a repository, and of its issues; putting an unknown one on an issue makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import announcing, lifecycle
from reconciler.sandbox.forge.model import Issue, Json, Label, Permission
from reconciler.sandbox.forge.refusals import NO_RIGHTS, invalid, malformed, not_found
from reconciler.sandbox.forge.rest import answers_issues
from reconciler.sandbox.forge.rest.call import Reply
from reconciler.sandbox.forge.rest.fields import NEEDED, STRING, TEXT, Field
from reconciler.sandbox.forge.rest.routes import PAGES, get, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.forge.rest.call import Call

_LABELS = "/repos/{owner}/{repo}/labels"
_OF_ISSUE = "/repos/{owner}/{repo}/issues/{number}/labels"
_DIGITS = 6  # of a colour


def names(given: Iterable[Any]) -> list[str]:
    """Return the names of labels given as texts or as objects."""
    found = [each.get("name") if isinstance(each, dict) else each for each in given]
    if not all(isinstance(name, str) and name.strip() for name in found):
        raise malformed("For 'properties/labels', each must be a string or an object with a name.")
    return [str(name) for name in found]


def put_on(call: Call, issue: Issue, wanted: Iterable[str]) -> None:
    """Put labels on an issue; those that the repository lacks are made."""
    for name in wanted:
        found = call.repository.labels.get(name.lower()) or _made(call, name)
        if found not in issue.labels:
            issue.labels.append(found)
            _note(call, issue, "labeled", found)


def take_off(call: Call, issue: Issue, gone: Iterable[Label]) -> None:
    """Take labels off an issue."""
    for each in gone:
        issue.labels.remove(each)
        _note(call, issue, "unlabeled", each)


def replace(call: Call, issue: Issue, wanted: list[str]) -> None:
    """Let an issue have these labels and no others."""
    keys = {name.lower() for name in wanted}
    take_off(call, issue, [label for label in issue.labels if label.name.lower() not in keys])
    put_on(call, issue, wanted)


def _made(call: Call, name: str) -> Label:
    made = call.repository.labels[name.lower()] = Label(id=call.state.next_id(), name=name)
    return made


def _note(call: Call, issue: Issue, word: str, label: Label) -> None:
    lifecycle.record(call.state, issue, word, call.me, label={"name": label.name, "color": label.color})
    shown = answers_issues.label(call.view, call.repository, label)
    if issue.pull is not None:
        announcing.announce_pull(call.state, call.repository, issue, call.me, word, label=shown)
    else:
        announcing.announce_issue(call.state, call.repository, issue, call.me, "issues", word, label=shown)


def _list(call: Call) -> Reply:
    found = sorted(call.repository.labels.values(), key=lambda label: label.name.lower())
    return call.paged(found, lambda label: _answer(call, label))


def _get(call: Call) -> Json:
    return _answer(call, _found(call))


def _create(call: Call) -> Json:
    name = call.given["name"]
    if not name.strip():
        raise invalid("Label", "name", "missing_field")
    if name.lower() in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    color = _color(call)
    made = _made(call, name)
    made.color, made.description = color or made.color, call.given.get("description")
    return _answer(call, made)


def _update(call: Call) -> Json:
    found, labels = _found(call), call.repository.labels
    new = call.given.get("new_name", found.name)
    if labels.get(new.lower(), found) is not found:
        raise invalid("Label", "name", "already_exists")
    found.color = _color(call) or found.color
    del labels[found.name.lower()]
    labels[new.lower()], found.name = found, new
    found.description = call.given.get("description", found.description)
    return _answer(call, found)


def _delete(call: Call) -> Reply:
    gone = _found(call)
    del call.repository.labels[gone.name.lower()]
    for issue in call.repository.issues.values():
        if gone in issue.labels:
            issue.labels.remove(gone)
    return Reply(status=204)


def _of_issue(call: Call) -> Reply:
    return call.paged(call.issue().labels, lambda label: _answer(call, label))


def _add(call: Call) -> list[Json]:
    issue = call.issue()
    put_on(call, issue, names(call.given.get("labels", ())))
    return [_answer(call, label) for label in issue.labels]


def _replace(call: Call) -> list[Json]:
    issue = call.issue()
    replace(call, issue, names(call.given.get("labels", ())))
    return [_answer(call, label) for label in issue.labels]


def _remove(call: Call) -> list[Json]:
    issue, name = call.issue(), call.parts["name"].lower()
    gone = [label for label in issue.labels if label.name.lower() == name]
    if not gone:
        raise not_found("Label does not exist")
    take_off(call, issue, gone)
    return [_answer(call, label) for label in issue.labels]


def _remove_all(call: Call) -> Reply:
    issue = call.issue()
    take_off(call, issue, list(issue.labels))
    return Reply(status=204)


def _found(call: Call) -> Label:
    found = call.repository.labels.get(call.parts["name"].lower())
    if found is None:
        raise not_found()
    return found


def _color(call: Call) -> str:
    color: str = call.given.get("color", "")
    if color and (len(color) != _DIGITS or set(color.lower()) - set("0123456789abcdef")):
        raise invalid("Label", "color")
    return color


def _answer(call: Call, label: Label) -> Json:
    return answers_issues.label(call.view, call.repository, label)


_TRIAGE: dict[str, Any] = {"needs": Permission.TRIAGE, "lacking": NO_RIGHTS}
_SOME = {"labels": Field("array", bare=True)}

ROUTES = (
    get(_LABELS, _list, query=PAGES),
    write("POST", _LABELS, _create, {"name": NEEDED, "color": STRING, "description": TEXT}, status=201),
    get(f"{_LABELS}/{{name+}}", _get),
    write("PATCH", f"{_LABELS}/{{name+}}", _update, {"new_name": STRING, "color": STRING, "description": TEXT}),
    write("DELETE", f"{_LABELS}/{{name+}}", _delete, status=204),
    get(_OF_ISSUE, _of_issue, query=PAGES),
    write("POST", _OF_ISSUE, _add, _SOME, **_TRIAGE),
    write("PUT", _OF_ISSUE, _replace, _SOME, **_TRIAGE),
    write("DELETE", _OF_ISSUE, _remove_all, status=204, **_TRIAGE),
    write("DELETE", f"{_OF_ISSUE}/{{name+}}", _remove, **_TRIAGE),
)
