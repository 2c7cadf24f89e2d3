"""Pull requests and reviews as GitHub's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import mergeability
from reconciler.sandbox.forge.rest import answers, answers_issues
from reconciler.sandbox.forge.rest.answers_issues import association
from reconciler.sandbox.forge.rest.view import View, stamp, stamp_or_none
from reconciler.sandbox.forge.urls import node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import (
        Issue,
        Json,
        Label,
        PullRequest,
        Repository,
        Review,
        ReviewComment,
        Side,
    )


def simple(view: View, repository: Repository, issue: Issue, pull: PullRequest) -> Json:
    """Return a pull request as lists show it: without who merged it, and whether it can be merged."""
    return {
        **_links(view, repository, issue, pull),
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "number": issue.number,
        "state": issue.state,
        "locked": False,
        "title": issue.title,
        "user": answers.user(view, issue.user),
        "body": issue.body,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp_or_none(issue.closed_at),
        "merged_at": stamp_or_none(pull.merged_at),
        "merge_commit_sha": _merge_commit(pull),
        "assignee": answers.user_or_none(view, next(iter(issue.assignees), None)),
        "assignees": [answers.user(view, each) for each in issue.assignees],
        "requested_reviewers": [answers.user(view, each) for each in pull.requested],
        "requested_teams": [],
        "labels": [_label(view, repository, each) for each in issue.labels],
        "milestone": None,
        "draft": pull.draft,
        "head": _side(view, pull.head),
        "base": _side(view, pull.base),
        "author_association": association(repository, issue.user),
        "auto_merge": None,
        "active_lock_reason": None,
    }


def full(view: View, repository: Repository, issue: Issue, pull: PullRequest) -> Json:
    """Return a pull request with everything; what is unknown of its mergeability stays so."""
    trial = mergeability.known(repository, pull) if issue.is_open else None
    mergeable = None if trial is None else trial.merge is not None
    changes = repository.git.changed_files(pull.base.sha, pull.head.sha)
    return simple(view, repository, issue, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": mergeability.word(view.state, repository, issue, pull),
        "merged_by": answers.user_or_none(view, pull.merged_by),
        "comments": len(issue.comments),
        "review_comments": len(pull.remarks),
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": len(repository.git.commits_between(pull.base.sha, pull.head.sha)),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def minimal(view: View, issue: Issue, pull: PullRequest, repository: Repository) -> Json:
    """Return a pull request as check runs name it."""
    url = view.api(f"/repos/{repository.full_name}/pulls/{issue.number}")
    sides = {name: _minimal_side(view, side) for name, side in (("head", pull.head), ("base", pull.base))}
    return {"id": pull.id, "number": issue.number, "url": url} | sides


def review(view: View, repository: Repository, issue: Issue, shown: Review) -> Json:
    """Return a review; one that was not submitted has no time."""
    pull_request = view.api(f"/repos/{repository.full_name}/pulls/{issue.number}")
    html = f"{answers_issues.page(view, repository, issue)}#pullrequestreview-{shown.id}"
    answer: Json = {
        "id": shown.id,
        "node_id": node_id("PullRequestReview", shown.id),
        "user": answers.user(view, shown.user),
        "body": shown.body,
        "state": shown.state,
        "html_url": html,
        "pull_request_url": pull_request,
        "author_association": association(repository, shown.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": pull_request}},
        "commit_id": shown.commit,
    }
    if shown.submitted_at is not None:
        answer["submitted_at"] = stamp(shown.submitted_at)
    return answer


def remark(view: View, repository: Repository, issue: Issue, shown: ReviewComment) -> Json:
    """Return a remark at a line."""
    pull_request = view.api(f"/repos/{repository.full_name}/pulls/{issue.number}")
    api = view.api(f"/repos/{repository.full_name}/pulls/comments/{shown.id}")
    html = f"{answers_issues.page(view, repository, issue)}#discussion_r{shown.id}"
    answer: Json = {
        "url": api,
        "pull_request_review_id": shown.review,
        "id": shown.id,
        "node_id": node_id("PullRequestReviewComment", shown.id),
        "diff_hunk": shown.hunk,
        "path": shown.path,
        "position": shown.position,
        "original_position": shown.position,
        "commit_id": shown.commit,
        "original_commit_id": shown.original_commit,
        "user": answers.user(view, shown.user),
        "body": shown.body,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
        "html_url": html,
        "pull_request_url": pull_request,
        "author_association": association(repository, shown.user),
        "_links": {"self": {"href": api}, "html": {"href": html}, "pull_request": {"href": pull_request}},
        "start_line": shown.start_line,
        "original_start_line": shown.start_line,
        "start_side": shown.side if shown.start_line else None,
        "side": shown.side,
        "subject_type": "file" if shown.line is None else "line",
    }
    if shown.line is not None:
        answer |= {"line": shown.line, "original_line": shown.line}
    if shown.reply_to is not None:
        answer["in_reply_to_id"] = shown.reply_to
    return answer


def _merge_commit(pull: PullRequest) -> str | None:
    """Return what GitHub calls the merge commit: before the merge, of the newest trial."""
    if pull.merged_at is not None:
        return pull.merge_commit
    return pull.trial.merge if pull.trial else None


def _label(view: View, repository: Repository, shown: Label) -> Json:
    """Return a label as pull requests show it; there, the description is never null."""
    return answers_issues.label(view, repository, shown) | {"description": shown.description or ""}


def _side(view: View, side: Side) -> Json:
    home = side.repository
    return {
        "label": f"{side.owner.login}:{side.ref}",
        "ref": side.ref,
        "sha": side.sha,
        "user": answers.user(view, side.owner),
        "repo": None if home is None else answers.repository(view, home),
    }


def _minimal_side(view: View, side: Side) -> Json:
    home = side.repository
    number, name = (home.id, home.name) if home else (0, "unknown")
    url = view.api(f"/repos/{side.owner.login}/{name}")
    return {"ref": side.ref, "sha": side.sha, "repo": {"id": number, "url": url, "name": name}}


def _links(view: View, repository: Repository, issue: Issue, pull: PullRequest) -> Json:
    root = view.api(f"/repos/{repository.full_name}")
    api, html = f"{root}/pulls/{issue.number}", answers_issues.page(view, repository, issue)
    other = answers_issues.url(view, repository, issue)
    links = {
        "html_url": html,
        "issue_url": other,
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{root}/pulls/comments{{/number}}",
        "comments_url": f"{other}/comments",
        "statuses_url": f"{root}/statuses/{pull.head.sha}",
    }
    hrefs = {name.removesuffix("_url"): {"href": link} for name, link in links.items()}
    more = {"diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
    return {"url": api} | links | more | {"_links": {"self": {"href": api}} | hrefs}
