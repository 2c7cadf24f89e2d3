"""An open pull request that persons approved, found again by a reconciler that lost its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.objects import CommitId
from reconciler.model.review import Mergeability, MergeState, Review, ReviewState
from reconciler.propose.publish import publish
from tests.adapters.git_http import git
from tests.manifests.examples import MANIFEST
from tests.propose.desk import FILE

if TYPE_CHECKING:
    from reconciler.ports import Forge
    from tests.propose.desk import Desk

APPROVAL = Review(user="ana", state=ReviewState.APPROVED, commit=CommitId("0" * 40), may_write=True)


def approved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """Return the forge, with ana's approval of whatever is open."""
    forge = desk.forge
    monkeypatch.setattr(forge, "reviews", lambda _: (APPROVAL,))
    monkeypatch.setattr(forge, "mergeability", lambda _: Mergeability(state=MergeState.CLEAN, reason=""))
    desk.pulls.head_of = desk.head
    return forge


@pytest.mark.parametrize(
    ("path", "text"), [("README.md", "moved\n"), (FILE, f"# A new first line.\n{MANIFEST}")], ids=["beside", "within"]
)
def test_approved_change_of_ours_is_left_when_base_moved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    """Whether base moved beside our file or within it, the approval is kept."""
    opened = desk.publish(desk.propose())
    desk.shop.ana.commit("trunk", {path: text}, base="trunk")

    again = publish(desk.propose(), desk.repository(), approved(desk, monkeypatch))

    assert (again.number, again.head, desk.head(opened.branch)) == (opened.number, opened.head, opened.head)


@pytest.mark.parametrize(
    ("path", "text"),
    [("README.md", "mine\n"), (FILE, MANIFEST.replace("1, memory: 512Mi", "1, memory: 64Gi"))],
    ids=["another file", "another value"],
)
def test_approved_head_under_our_name_with_more_in_it_is_never_taken_for_ours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    """Invariant 9: whoever may write could push their change under our name, approve it, and lose our ledger."""
    proposal = desk.propose()
    opened, mallory = desk.publish(proposal), desk.shop.ana
    git(mallory.folder, "fetch", "-q", str(desk.shop.bare), opened.branch)
    mallory.commit("forged", {path: text}, base="FETCH_HEAD")
    git(mallory.folder, "reset", "-q", "--soft", "HEAD~2")
    us = "reconciler@localhost"
    git(mallory.folder, "commit", "-q", "-m", proposal.message, GIT_AUTHOR_EMAIL=us, GIT_COMMITTER_EMAIL=us)
    git(mallory.folder, "push", "-q", "--force", str(desk.shop.bare), f"HEAD:refs/heads/{opened.branch}")
    assert desk.head(opened.branch) != opened.head

    again = publish(desk.propose(), desk.repository(), approved(desk, monkeypatch))

    assert (again.number, again.head, desk.head(opened.branch)) == (opened.number, opened.head, opened.head)
