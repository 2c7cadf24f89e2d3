"""What the API tells about a pull request, as the page shows it."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.web.api import ApiRefused, version_of
from reconciler.sandbox.forge.web.page import METHODS, Ending, Entry, FileView, Live, PageView, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.forge.web.api import Json, Pull

_LARGEST = 200_000  # bytes of a file that a person may edit in a browser
_ALLOWED = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
_REVIEWS: dict[str, tuple[Any, str]] = {
    "APPROVED": ("approved", "approved"),
    "CHANGES_REQUESTED": ("refused", "requested changes"),
    "COMMENTED": ("comment", "reviewed"),
    "DISMISSED": ("event", "reviewed, which was dismissed"),
}
_EVENTS = {
    "closed": "closed this",
    "reopened": "reopened this",
    "merged": "merged this",
    "head_ref_deleted": "deleted the branch",
    "head_ref_force_pushed": "replaced the branch",
    "base_ref_changed": "changed the base",
    "renamed": "changed the title",
}
_OBSTACLES = {
    "dirty": "This branch conflicts with its base and cannot be merged.",
    "blocked": "The rules of the base branch do not allow a merge yet.",
    "behind": "The branch is behind its base and must be updated first.",
    "draft": "This is still a draft.",
}


def view_of(pull: Pull, *, viewer: str, csrf: str, nonce: str, live: Live, notice: str, error: str) -> PageView:
    """Return the page's values; raises ApiRefused where there is no such pull request."""
    now = pull.now()
    state: State = "merged" if now["merged_at"] else "open" if now["state"] == "open" else "closed"
    repository = pull.api.get(pull.root)
    return PageView(
        path=pull.path,
        repository=pull.repository,
        number=pull.number,
        title=now["title"],
        author=now["user"]["login"],
        created_at=_time(now["created_at"]),
        state=state,
        base=now["base"]["ref"],
        head=now["head"]["ref"],
        head_sha=now["head"]["sha"],
        body=now["body"] or "",
        viewer=viewer,
        csrf=csrf,
        nonce=nonce,
        files=tuple(_file(pull, now, found) for found in pull.api.all(f"{pull.pull}/files")),
        conversation=tuple(entry for _, entry in sorted(_conversation(pull), key=lambda each: (each[1].at, each[0]))),
        methods=tuple(method for method in METHODS if repository.get(_ALLOWED[method], True)),
        obstacle=_OBSTACLES.get(now.get("mergeable_state", ""), "") if state == "open" else "",
        ending=_ending(pull, now),
        live=live,
        version=version_of(now),
        notice=notice,
        error=error,
    )


def _file(pull: Pull, now: Json, found: Json) -> FileView:
    return FileView(
        path=found["filename"],
        previous=found.get("previous_filename", ""),
        status=found["status"],
        additions=found["additions"],
        deletions=found["deletions"],
        patch=found.get("patch", ""),
        blob=found["sha"],
        content=_content(pull, now, found) if now["state"] == "open" else None,
    )


def _content(pull: Pull, now: Json, found: Json) -> str | None:
    """Return a file's text at the head; None where there is none that a person could edit."""
    home = now["head"]["repo"]
    if home is None or found["status"] == "removed" or not found.get("patch"):
        return None
    try:
        held = pull.api.get(f"/repos/{home['full_name']}/contents/{found['filename']}", ref=now["head"]["sha"])
        return base64.b64decode(held["content"]).decode() if held["size"] <= _LARGEST else None
    except (ApiRefused, UnicodeDecodeError):
        return None


def _conversation(pull: Pull) -> Iterator[tuple[int, Entry]]:
    """Yield what was said and done, in no order, each with its id: ids rise with time."""
    for comment in pull.api.all(f"{pull.issue}/comments"):
        yield comment["id"], _entry(comment, "created_at", "comment", "commented", comment["body"])
    for review in pull.api.all(f"{pull.pull}/reviews"):
        if review["state"] in _REVIEWS:
            kind, did = _REVIEWS[review["state"]]
            yield review["id"], _entry(review, "submitted_at", kind, did, review["body"] or "")
    for commit in pull.api.all(f"{pull.pull}/commits"):
        author, subject = commit["commit"]["author"], commit["commit"]["message"].partition("\n")[0]
        name = commit["author"]["login"] if commit.get("author") else author["name"]
        yield (
            0,
            Entry(author=name, at=_time(author["date"]), kind="commit", did=f"wrote {commit['sha'][:7]}: {subject}"),
        )
    for event in pull.api.all(f"{pull.issue}/events"):
        by_merge = event["event"] == "closed" and event["commit_id"]
        if event["event"] in _EVENTS and not by_merge:
            yield event["id"], _entry(event | {"user": event["actor"]}, "created_at", "event", _EVENTS[event["event"]])


def _entry(found: Json, time: str, kind: Any, did: str, body: str = "") -> Entry:  # noqa: ANN401 - one of a few words
    return Entry(author=found["user"]["login"], at=_time(found[time]), kind=kind, did=did, body=body)


def _ending(pull: Pull, now: Json) -> Ending | None:
    if now["merged_at"]:
        by = (now.get("merged_by") or {}).get("login", "somebody")
        return Ending(by=by, at=_time(now["merged_at"]), commit=now["merge_commit_sha"] or "")
    if now["state"] == "open":
        return None
    by = (pull.api.get(pull.issue).get("closed_by") or {}).get("login", "somebody")
    return Ending(by=by, at=_time(now["closed_at"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
