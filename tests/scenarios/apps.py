"""A world whose reconciler is a GitHub App of the sandbox's forge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.operation import EventKind
from tests.beds.on_sandbox import SandboxBed
from tests.beds.users import READER
from tests.sandbox.forge.keys import keys
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from reconciler.sandbox.forge import Forge
    from tests.scenarios.conftest import Worlds

PERMISSIONS = {"contents": "write", "pull_requests": "write"}


def forge_of(world: World) -> Forge:
    """Return the sandbox's forge."""
    bed = world.place.bed
    assert isinstance(bed, SandboxBed)
    return bed.sandbox.forge


def as_app(world: World, **more: str) -> World:
    """Let the world's reconciler be an App, with more permissions if asked for, and have GitHub make its commits."""
    app, _ = forge_of(world).install_app("keeper", [world.place.repository], keys().public, PERMISSIONS | more)
    key = world.folder / "key.pem"
    key.write_text(keys().private)
    world.overrides["forge"] = {**world.overrides.get("forge", {}), "app_id": app, "app_key_file": "key.pem"}
    world.overrides["repository"] = {**world.overrides.get("repository", {}), "commits": "api"}
    return world


def troubled(worlds: Worlds, **overrides: Any) -> World:  # noqa: ANN401 - sections of the configuration
    """Return a world with a container that needs more memory, tended by an App."""
    world = as_app(worlds(hungry(), **overrides))
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    return world


def heads(world: World) -> dict[str, str]:
    """Return our branches and where they are."""
    git = forge_of(world).repository(world.place.repository).git
    return git.refs("refs/heads/reconciler/")


def shown(world: World, sha: str) -> dict[str, Any]:
    """Return a commit as GitHub shows it."""
    answer = forge_of(world).call(READER, "GET", f"/repos/{world.place.repository}/git/commits/{sha}")
    found: dict[str, Any] = answer
    return found


def assert_one_of_each(world: World) -> None:
    """One operation, one branch with one verified commit on base, one pull request that has it; the ledger knows it."""
    (pull,) = world.place.pull_requests("all")
    ((branch, head),) = heads(world).items()
    commit = shown(world, head)
    assert (f"refs/heads/{pull['head']['ref']}", pull["head"]["sha"]) == (branch, head)
    assert (commit["verification"]["verified"], commit["author"]["name"]) == (True, "keeper[bot]")
    tip = forge_of(world).repository(world.place.repository).git.ref("refs/heads/main")
    assert [parent["sha"] for parent in commit["parents"]] == [tip]
    assert len(world.operations) == 1
    tracked = world.operation.pull_request
    assert tracked is not None
    assert (tracked.number, tracked.head) == (pull["number"], head)
    assert world.kinds().count(EventKind.PULL_REQUEST_OPENED) == 1
    world.assert_whole()


def move_base(world: World) -> None:
    """Let somebody change another line of our file in base, so that the pull request is written anew."""
    text = world.place.text("deploy/web.yaml")
    world.place.commit({"deploy/web.yaml": f"# moved\n{text}"}, "Say something")
