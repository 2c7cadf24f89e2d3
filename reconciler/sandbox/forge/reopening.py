"""When a closed pull request cannot be opened again, in GitHub's sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import lifecycle
from reconciler.sandbox.forge.refusals import invalid

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import PullRequest, Repository, Side


def check(repository: Repository, pull: PullRequest) -> None:
    """Raise why a pull request stays closed."""
    if pull.merged_at is not None:
        raise invalid("PullRequest", "state")
    problem = _against(repository, pull)
    if problem:
        raise invalid("PullRequest", "state", "custom", f"state cannot be changed. {problem}")


def names(repository: Repository, head: Side, base: Side) -> tuple[str, str]:
    """Return head and base as GitHub's sentences call them: with owners when they differ."""
    if head.repository is repository:
        return head.ref, base.ref
    return f"{head.owner.login}:{head.ref}", f"{base.owner.login}:{base.ref}"


def _against(repository: Repository, pull: PullRequest) -> str:
    home, base = pull.head.repository, repository.git.head(pull.base.ref)
    if home is None:
        return "The repository that submitted this pull request has been deleted."
    if base is None:
        return f"The {pull.base.ref} branch has been deleted."
    tip = home.git.head(pull.head.ref)
    name, other = names(repository, pull.head, pull.base)
    if tip is None:
        return f"The {name} branch has been deleted."
    if lifecycle.existing(repository, pull.head, pull.base.ref) is not None:
        return f"There is already an open pull request from {name} to {other}."
    if not home.git.has(pull.head.sha) or not home.git.is_ancestor(pull.head.sha, tip):
        return f"The {name} branch was force-pushed or recreated."
    if repository.git.has(tip) and repository.git.is_ancestor(tip, base):
        return f"There are no new commits on the {name} branch."
    return ""
