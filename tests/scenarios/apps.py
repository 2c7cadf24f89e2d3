"""A world whose reconciler is a GitHub App of the sandbox's forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.beds.on_sandbox import SandboxBed
from tests.sandbox.forge.keys import keys

if TYPE_CHECKING:
    from reconciler.sandbox.forge import Forge
    from tests.scenarios.world import World

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
