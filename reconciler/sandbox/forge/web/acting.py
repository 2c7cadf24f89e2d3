"""What each button does, as requests to the API."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.web.diff import NotEditable, as_the_file_ends_lines, edited

if TYPE_CHECKING:
    from reconciler.sandbox.forge.web.actions import Action
    from reconciler.sandbox.forge.web.api import Pull

_EVENTS = {"approve": "APPROVE", "approve_and_merge": "APPROVE", "request_changes": "REQUEST_CHANGES"}


def act(pull: Pull, action: Action) -> None:
    """Do what a person asked for; raises ApiRefused with the forge's no, NotEditable for an edit that does not fit."""
    if action.name in ("edit", "rewrite"):
        _commit(pull, action)
    elif action.name == "comment":
        pull.api.write("POST", f"{pull.issue}/comments", body=action.text)
    elif action.name in ("close", "reopen"):
        pull.api.write("PATCH", pull.pull, state="closed" if action.name == "close" else "open")
    else:
        _review(pull, action)


def _review(pull: Pull, action: Action) -> None:
    """Review the commit that the person saw, and merge that one if they want it merged."""
    text = {"body": action.text} if action.text else {}
    pull.api.write("POST", f"{pull.pull}/reviews", event=_EVENTS[action.name], commit_id=action.head, **text)
    if action.name == "approve_and_merge":
        pull.api.write("PUT", f"{pull.pull}/merge", sha=action.head, merge_method=action.method)


def _commit(pull: Pull, action: Action) -> None:
    """Commit another content of a file to the head's branch, on top of what the person saw."""
    head = pull.now()["head"]
    if head["sha"] != action.head:
        raise NotEditable("the branch has moved meanwhile; look at it again before you edit it")
    contents = f"/repos/{head['repo']['full_name']}/contents/{action.path}"
    now = base64.b64decode(pull.api.get(contents, ref=head["sha"])["content"]).decode()
    content = edited(now, action.values) if action.name == "edit" else as_the_file_ends_lines(action.text, now)
    if content == now:
        raise NotEditable("the branch holds exactly that already")
    pull.api.write(
        "PUT",
        contents,
        message=f"Update {action.path}",
        content=base64.b64encode(content.encode()).decode(),
        sha=action.blob,
        branch=head["ref"],
    )
