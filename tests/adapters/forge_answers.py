"""What forges answer, as JSON, and a proposal to put before them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.adapters.github import github
from reconciler.model.objects import CommitId
from reconciler.model.proposal import Proposal
from reconciler.settings import ForgeSettings
from tests.worlds import WEBAPP, located_at

if TYPE_CHECKING:
    from reconciler.ports import Forge
    from tests.adapters.wire import Wire

BRANCH = "reconciler/webapp-0123abcd"
TOKEN = "topsecret0123456789"  # noqa: S105 - a token of no server
HEAD = "a" * 40
MERGE = "b" * 40


def proposal() -> Proposal:
    """A proposal as the forge sees it."""
    return Proposal(
        identity="0123abcd",
        digest="d1",
        branch=BRANCH,
        base="main",
        base_commit=CommitId("0" * 40),
        targets=(WEBAPP,),
        located=located_at("deploy/web.yaml"),
        changes=(),
        edits=(),
        title="webapp: memory 512Mi to 1Gi",
        body="It was OOM killed.",
        message="",
    )


def pull_request(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the answer
    """A pull request as both forges list it: the fields that we read and some that must not mislead."""
    repository = {"id": 7, "full_name": "o/r", "name": "r", "owner": {"login": "o"}}
    made: dict[str, Any] = {
        "number": number,
        "html_url": f"http://forge/o/r/pull/{number}",
        "state": "open",
        "title": "webapp: memory 512Mi to 1Gi",
        "body": "It was OOM killed.",
        "user": {"login": "bot"},
        "labels": [],
        "head": {"ref": BRANCH, "label": BRANCH, "sha": HEAD, "repo_id": 7, "repo": repository},
        "base": {"ref": "main", "label": "main", "sha": "0" * 40, "repo_id": 7, "repo": repository},
        "merged_at": None,
        "merge_commit_sha": MERGE,  # on an open one it is a trial
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }
    return made | changes


def from_fork(number: int = 2) -> dict[str, Any]:
    """A pull request whose head is another repository's."""
    made = pull_request(number)
    made["head"] = made["head"] | {"repo_id": 8, "repo": {"id": 8, "full_name": "mallory/r"}}
    return made


def github_on(
    wire: Wire,
    *,
    labels: tuple[str, ...] = (),
    reviewers: tuple[str, ...] = (),
    seconds: float = 5.0,
    base: str | None = None,
) -> Forge:
    """The adapter, speaking to the scripted server."""
    settings = ForgeSettings(
        url=wire.url, repository="o/r", labels=labels, reviewers=reviewers, timeout=timedelta(seconds=seconds)
    )
    return github(settings, f"{TOKEN}\n", base=base)
