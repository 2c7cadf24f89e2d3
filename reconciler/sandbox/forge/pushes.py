"""What follows when a reference has moved, whoever moved it: Git over HTTP, the API, or the merge button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing, lifecycle
from reconciler.sandbox.forge.rest import answers_git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.forge.lifecycle import Placed
    from reconciler.sandbox.forge.model import Json, Repository, User
    from reconciler.sandbox.forge.rest.view import View
    from reconciler.sandbox.forge.state import State

HEADS = "refs/heads/"
_NOWHERE = "0" * 40


def followed(state: State, repository: Repository, ref: str, old: str | None, new: str | None, actor: User) -> None:
    """Follow one reference from one commit to another; None is nowhere."""
    if old == new:
        return
    repository.pushed_at = repository.updated_at = state.now()
    repository.pushers[ref] = actor
    _announce_push(state, repository, ref, old, new, actor)
    if ref.startswith(HEADS):
        branch = ref.removeprefix(HEADS)
        _follow_heads(state, repository, branch, old, new, actor)
        _follow_bases(state, repository, branch, new, actor)
    changed(state, repository)


def changed(state: State, repository: Repository) -> None:
    """Let whoever follows repositories know that this one changed."""
    state.on_push(repository.full_name)


def _follow_heads(
    state: State, repository: Repository, branch: str, old: str | None, new: str | None, actor: User
) -> None:
    for placed in list(network_pulls(state, repository)):
        _, issue, pull = placed
        if pull.head.repository is not repository or pull.head.ref != branch:
            continue
        if new is None:
            lifecycle.head_deleted(state, placed, actor)
        elif issue.is_open and old is not None:
            lifecycle.head_moved(state, placed, old, new, actor)


def _follow_bases(state: State, repository: Repository, branch: str, new: str | None, actor: User) -> None:
    for issue, pull in repository.pulls:
        if issue.is_open and pull.base.ref == branch:
            placed = (repository, issue, pull)
            if new is None:
                lifecycle.base_deleted(state, placed, actor)
            else:
                lifecycle.base_moved(state, placed, actor)


def network_pulls(state: State, repository: Repository) -> Iterator[Placed]:
    """Yield all pull requests of a repository's network: a head may be in a fork."""
    for each in state.repositories.values():
        if each.network is repository.network:
            yield from ((each, issue, pull) for issue, pull in each.pulls)


def _announce_push(
    state: State, repository: Repository, ref: str, old: str | None, new: str | None, actor: User
) -> None:
    def tell(view: View) -> Json:
        head = answers_git.git_commit(view, repository, repository.git.commit(new)) if new else None
        return {
            "ref": ref,
            "before": old or _NOWHERE,
            "after": new or _NOWHERE,
            "created": old is None,
            "deleted": new is None,
            "forced": bool(old and new and not repository.git.is_ancestor(old, new)),
            "head_commit": head,
            "pusher": {"name": actor.login, "email": actor.email},
        }

    announcing.announce(state, repository, "push", actor, tell)
    if old is None or new is None:
        short = ref.removeprefix(HEADS).removeprefix("refs/tags/")
        kind = "branch" if ref.startswith(HEADS) else "tag"
        event = "create" if old is None else "delete"
        announcing.announce(state, repository, event, actor, lambda _: {"ref": short, "ref_type": kind})
