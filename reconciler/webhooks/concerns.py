"""Which messages are about us: a push, a pull request, a review, a comment on one or a check, of our repository.

What they say about these is not looked at: that is asked of the forge. Of issues, which are everybody's, only what may
be said to us on the dashboard wakes: a comment with a command, and a box that is ticked.
"""

from __future__ import annotations

import re
from typing import Any

_COMMAND = re.compile(r"^/reconciler\b", re.MULTILINE)
_TICKED = re.compile(r"^- \[[xX]\] .*<!-- reconciler:box ", re.MULTILINE)
_ALWAYS = frozenset(
    {
        "check_run",
        "check_suite",
        "pull_request",
        "pull_request_approved",  # Gitea's names for reviews: approved, changes requested, only words
        "pull_request_comment",
        "pull_request_rejected",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
        "push",
        "status",
    }
)


def is_ours(payload: dict[str, Any], repository: str) -> bool:
    """Tell whether a message is about this repository, `owner/name`; forges do not care about upper and lower case."""
    found = payload.get("repository")
    name = found.get("full_name") if isinstance(found, dict) else None
    return isinstance(name, str) and name.lower() == repository.lower()


def wakes(event: str, payload: dict[str, Any]) -> bool:
    """Tell whether a message may mean that a pull request of ours can go on."""
    if event == "issue_comment":  # which is said of comments on pull requests too
        return bool(_at(payload, "issue", "pull_request")) or _says(_COMMAND, _at(payload, "comment", "body"))
    if event == "issues":
        return payload.get("action") == "edited" and _says(_TICKED, _at(payload, "issue", "body"))
    return event in _ALWAYS


def _at(payload: dict[str, Any], holder: str, key: str) -> object:
    found = payload.get(holder)
    return found.get(key) if isinstance(found, dict) else None


def _says(wanted: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and wanted.search(text) is not None
