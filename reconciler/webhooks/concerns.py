"""Which messages are about us: a push, a pull request, a review, a comment on one or a check, of our repository.

What they say about these is not looked at: that is asked of the forge.
"""

from __future__ import annotations

from typing import Any

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
        issue = payload.get("issue")
        return isinstance(issue, dict) and bool(issue.get("pull_request"))
    return event in _ALWAYS
