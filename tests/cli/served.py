"""A desk whose servers answer: Git is served for real, all others are one wire on which `cart` is OOMKilled."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.adapters.forge_answers import TOKEN as FORGE_TOKEN
from tests.adapters.git_http import TOKEN as GIT_TOKEN
from tests.adapters.git_shop import open_shop
from tests.adapters.wire import Wire
from tests.cli.desk import Desk
from tests.passes.world import World
from tests.propose.desk import Pulls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

TOKENS = {"RECONCILER_GIT_TOKEN": GIT_TOKEN, "RECONCILER_FORGE_TOKEN": FORGE_TOKEN}


@dataclass(frozen=True)
class Served:
    """A desk, and the world that its configuration names."""

    desk: Desk
    world: World

    @property
    def wire(self) -> Wire:
        """The scripted servers."""
        return self.world.pulls.wire

    def configure(self, **changes: dict[str, object]) -> None:
        """Write the configuration, with some keys of some sections changed."""
        sections: dict[str, dict[str, object]] = {
            "cluster": {"name": "test", "kubeconfig": "kubeconfig", "timeout": "5s"},
            "metrics": {"url": self.wire.url, "timeout": "5s"},
            "alerts": {"url": self.wire.url, "timeout": "5s"},
            "repository": {"url": self.world.shop.url, "base": "trunk", "mirror": "mirror.git"},
            "forge": {"kind": "gitea", "url": self.wire.url, "repository": "o/r", "labels": []},
            "guards": {"cooldown": "0s"},
            "memory": {"window": "3650d"},
            "ledger": {"path": "ledger.db"},
            "webhooks": {},
        }
        merged = {name: {**keys, **changes.get(name, {})} for name, keys in sections.items()}
        (self.desk.folder / "reconciler.yaml").write_text(yaml.safe_dump(merged))

    def run(self, *arguments: str, **environ: str) -> Result:
        """Run a command, with the tokens."""
        return self.desk.run(*arguments, **{**TOKENS, **environ})

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        command = [sys.executable, "-m", "reconciler", "--config", str(self.desk.folder / "reconciler.yaml")]
        return subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FORCE_COLOR": "", **TOKENS, **environ},
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a desk over a world in which one Deployment is OOMKilled and nothing was done about it yet."""
    with open_shop(tmp_path) as shop, Wire() as wire:
        world = World(shop, Pulls(wire))
        kubeconfig = {
            "clusters": [{"name": "wire", "cluster": {"server": wire.url}}],
            "users": [{"name": "us", "user": {"token": "t" * 12}}],
            "contexts": [{"name": "here", "context": {"cluster": "wire", "user": "us"}}],
            "current-context": "here",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        made = Served(Desk(tmp_path), world)
        made.configure()
        yield made
