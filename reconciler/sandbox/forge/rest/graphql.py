"""GitHub's GraphQL, as far as the sandbox has it: who asks, and the revisions of an issue's text.

It knows whole queries and no language: a query is answered when it is one of these, word by word, and refused by its
name otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.model import Permission
from reconciler.sandbox.forge.rest.view import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sandbox.forge.model import Edit, Json, User
    from reconciler.sandbox.forge.state import State

_WHO = "query Who { viewer { login } }"
_EDITS = """
query Edits($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      userContentEdits(first: 50) { nodes { editedAt diff editor { login __typename } } }
    }
  }
}
"""
_FIRST = 50


def answer(state: State, user: User | None, body: bytes) -> Json | None:
    """Return the answer to a query, or None for one that the sandbox does not know."""
    try:
        asked = json.loads(body)
        query, variables = str(asked["query"]), dict(asked.get("variables") or {})
    except (ValueError, TypeError, KeyError):
        return None
    known = _KNOWN.get(" ".join(query.split()))
    return None if known is None or user is None else known(state, user, variables)


def _who(_: State, user: User, __: Mapping[str, Any]) -> Json:
    return {"data": {"viewer": {"login": user.login}}}


def _edits(state: State, user: User, variables: Mapping[str, Any]) -> Json:
    name = f"{variables.get('owner')}/{variables.get('name')}"
    repository = state.repository(name)
    if repository is None or state.permission(user, repository) < Permission.READ:
        return _missing(
            "repository", f"Could not resolve to a Repository with the name '{name}'.", {"repository": None}
        )
    number = variables.get("number")
    issue = repository.issues.get(number) if isinstance(number, int) else None
    if issue is None or issue.pull is not None:
        text = f"Could not resolve to an Issue with the number of {number}."
        return _missing("issue", text, {"repository": {"issue": None}})
    nodes = [_edit(edit) for edit in reversed(issue.edits)][:_FIRST]
    return {"data": {"repository": {"issue": {"userContentEdits": {"nodes": nodes}}}}}


def _edit(edit: Edit) -> Json:
    """Return a revision; GitHub calls its whole text the difference."""
    editor = {"login": edit.editor.login.removesuffix("[bot]"), "__typename": edit.editor.kind}
    return {"editedAt": stamp(edit.at), "diff": edit.body, "editor": editor}


def _missing(what: str, text: str, data: Json) -> Json:
    return {"data": data, "errors": [{"type": "NOT_FOUND", "path": [what], "message": text}]}


_KNOWN: dict[str, Callable[[State, User, Mapping[str, Any]], Json]] = {
    " ".join(_WHO.split()): _who,
    " ".join(_EDITS.split()): _edits,
}
