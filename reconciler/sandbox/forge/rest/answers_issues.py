"""Issues, comments, labels and events as GitHub's JSON; a pull request is an issue too."""

from __future__ import annotations

from reconciler.sandbox.forge.model import Comment, Event, Issue, Json, Label, Repository, User
from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.view import View, stamp, stamp_or_none
from reconciler.sandbox.forge.urls import escaped, node_id

_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def url(view: View, repository: Repository, issue: Issue) -> str:
    """Return where an issue is in the API."""
    return view.api(f"/repos/{repository.full_name}/issues/{issue.number}")


def page(view: View, repository: Repository, issue: Issue) -> str:
    """Return where people read it."""
    kind = "issues" if issue.pull is None else "pull"
    return view.web(f"/{repository.full_name}/{kind}/{issue.number}")


def association(repository: Repository, user: User) -> str:
    """Return how somebody is bound to a repository; only a hint, on GitHub too."""
    if repository.owner is user:
        return "OWNER"
    if user.login.lower() in repository.owner.members:
        return "MEMBER"
    if user.login.lower() in repository.collaborators:
        return "COLLABORATOR"
    merged = any(issue.user is user and pull.merged_at is not None for issue, pull in repository.pulls)
    return "CONTRIBUTOR" if merged else "NONE"


def issue(view: View, repository: Repository, shown: Issue) -> Json:
    """Return an issue."""
    api = url(view, repository, shown)
    kind = "Issue" if shown.pull is None else "PullRequest"
    answer: Json = {
        "url": api,
        "repository_url": view.api(f"/repos/{repository.full_name}"),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "timeline_url": f"{api}/timeline",
        "html_url": page(view, repository, shown),
        "id": shown.id,
        "node_id": node_id(kind, shown.id),
        "number": shown.number,
        "title": shown.title,
        "user": answers.user(view, shown.user),
        "labels": [label(view, repository, each) for each in shown.labels],
        "state": shown.state,
        "state_reason": shown.state_reason,
        "locked": False,
        "active_lock_reason": None,
        "assignee": answers.user_or_none(view, next(iter(shown.assignees), None)),
        "assignees": [answers.user(view, each) for each in shown.assignees],
        "milestone": None,
        "comments": len(shown.comments),
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
        "closed_at": stamp_or_none(shown.closed_at),
        "closed_by": answers.user_or_none(view, shown.closed_by),
        "author_association": association(repository, shown.user),
        "body": shown.body,
        "performed_via_github_app": None,
        "reactions": _reactions(f"{api}/reactions"),
    }
    return answer if shown.pull is None else answer | _as_pull_request(view, repository, shown)


def comment(view: View, repository: Repository, parent: Issue, shown: Comment) -> Json:
    """Return a comment."""
    api = view.api(f"/repos/{repository.full_name}/issues/comments/{shown.id}")
    return {
        "url": api,
        "html_url": f"{page(view, repository, parent)}#issuecomment-{shown.id}",
        "issue_url": url(view, repository, parent),
        "id": shown.id,
        "node_id": node_id("IssueComment", shown.id),
        "user": answers.user(view, shown.user),
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
        "body": shown.body,
        "author_association": association(repository, shown.user),
        "performed_via_github_app": None,
        "reactions": _reactions(f"{api}/reactions"),
    }


def label(view: View, repository: Repository, shown: Label) -> Json:
    """Return a label."""
    return {
        "id": shown.id,
        "node_id": node_id("Label", shown.id),
        "url": view.api(f"/repos/{repository.full_name}/labels/{escaped(shown.name)}"),
        "name": shown.name,
        "color": shown.color,
        "default": False,
        "description": shown.description,
    }


def event(view: View, repository: Repository, shown: Event) -> Json:
    """Return something that happened to an issue."""
    api = f"/repos/{repository.full_name}"
    commit_url = view.api(f"{api}/commits/{shown.commit}") if shown.commit else None
    answer: Json = {
        "id": shown.id,
        "node_id": node_id(_camel(shown.word), shown.id),
        "url": view.api(f"{api}/issues/events/{shown.id}"),
        "actor": answers.user(view, shown.actor),
        "event": shown.word,
        "commit_id": shown.commit,
        "commit_url": commit_url,
        "created_at": stamp(shown.at),
        "performed_via_github_app": None,
    }
    return answer | {key: _told(view, value) for key, value in shown.about.items()}


def _told(view: View, value: object) -> object:
    return answers.user(view, value) if isinstance(value, User) else value


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_")) + "Event"


def _reactions(api: str) -> Json:
    return {"url": api, "total_count": 0} | dict.fromkeys(_REACTIONS, 0)


def _as_pull_request(view: View, repository: Repository, shown: Issue) -> Json:
    web = page(view, repository, shown)
    pull = shown.pull
    return {
        "draft": pull is not None and pull.draft,
        "pull_request": {
            "url": view.api(f"/repos/{repository.full_name}/pulls/{shown.number}"),
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "merged_at": stamp_or_none(pull.merged_at if pull else None),
        },
    }
