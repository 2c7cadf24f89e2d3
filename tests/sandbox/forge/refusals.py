"""One row for each behaviour of the forge when something is wrong: what was before, what is asked, what is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from reconciler.sandbox.forge import ADMIN
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, Answer, World

ANA, MALLORY = "ana", "mallory"
ZEROS, ONES = "0" * 40, "1" * 40
HEAD = quote(f"heads/{BRANCH}", safe="")
ONE, ISSUES = f"{PULLS}/1", f"{REPO}/issues"
PROTECTION = f"{REPO}/branches/main/protection"
WEB = quote("deploy/web.yaml", safe="")
Scene = Callable[[World], object]
Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One behaviour: what was done before, who then asks what, and what they are told."""

    claim: str
    user: str | None
    method: str
    path: str
    status: int
    said: str
    given: Given | Callable[[World], Given] = field(default_factory=dict)
    before: tuple[Scene, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def redirects(self) -> bool:
        """Whether the answer leads elsewhere, which Prism follows instead of passing it on."""
        return self.status in (301, 307)


def branch(world: World) -> None:
    """A branch is there."""
    world.branch()


def opened(world: World) -> None:
    """Pull request 1 is open, by our bot."""
    world.opened()


def behind(world: World) -> None:
    """Base has moved."""
    world.commit("main", "other.txt", "other", user=ANA)


def needs_review(world: World) -> None:
    """Main needs one approval."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})


def locked(world: World) -> None:
    """Main takes nothing."""
    world.protect(lock_branch=True)


def without(setting: str) -> Scene:
    """Return the scene in which the repository does without a way to merge."""
    return lambda world: world.do(ADMIN, "PATCH", REPO, **{setting: False})


def new(head: str = BRANCH, base: str = "main", **more: Any) -> Given:  # noqa: ANN401 - JSON of any shape
    """A pull request."""
    return {"head": head, "base": base, "title": "T"} | more


def asked(world: World, row: Row) -> Answer:
    """Set the scene, and ask."""
    for scene in row.before:
        scene(world)
    given = row.given(world) if callable(row.given) else row.given
    world.violations.clear()
    return world.ask(row.user, row.method, row.path, headers=row.headers, **given)
