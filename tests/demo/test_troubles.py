"""Every trouble that the demonstration shows ends as it is told, by the product's own doing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.demo.play import Play
from reconciler.demo.stage import REPOSITORY, Stage
from reconciler.demo.troubles import TROUBLES, Trouble, named
from reconciler.report.written import written
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.timing import Timing
from tests.testbed.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.report.blocks import Block


def played(
    trouble: Trouble, folder: Path, seed: int = 0, ports: Mapping[str, int] | None = None
) -> tuple[list[str], str, list[str]]:
    """Play a trouble; return what was told, the live limit at the end, and the states of its pull requests."""
    told: list[str] = []

    def show(blocks: Iterable[Block]) -> None:
        told.extend(written(blocks))

    folder.mkdir(exist_ok=True)
    with Sandbox(folder / "world", seed=seed, timing=Timing.real(), ports=ports) as sandbox:
        stage = Stage(sandbox, folder, trouble)
        stage.set_up()
        Play(stage, show).perform()
        stage.wait(timedelta(minutes=5))  # whatever is in Git by now is delivered
        live = sandbox.cluster.store.get("Deployment", "shop", "web")
        assert live is not None
        pulls = [pull["merged_at"] is not None for pull in stage.ana.pull_requests(REPOSITORY, "all")]
        stage.close_up()
    limit = live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    return told, limit, ["merged" if merged else "not merged" for merged in pulls]


LIMITS = {
    "memory": ("1Gi", ["merged"]),
    "revert": ("512Mi", ["merged", "merged"]),
    "next-remedy": ("2Gi", ["merged", "merged"]),
    "rejected": ("512Mi", ["not merged"]),
    "edited": ("1536Mi", ["merged"]),
    "overtaken": ("3Gi", ["not merged"]),
    "unowned": ("1Gi", []),
    "denied": ("512Mi", []),
    "outage": ("1Gi", ["merged"]),
}


@pytest.mark.parametrize(
    "trouble",
    [pytest.param(t, id=t.name, marks=() if t.name == "memory" else pytest.mark.long) for t in TROUBLES],
)
def test_trouble_ends_as_told(trouble: Trouble, tmp_path: Path) -> None:
    """The play itself fails on another outcome; here the world is looked at with other eyes."""
    told, limit, pulls = played(trouble, tmp_path)

    assert (limit, pulls) == LIMITS[trouble.name]
    assert any(line.startswith("sound: ") for line in told)
    assert any(trouble.title in line for line in told)


@pytest.mark.long
def test_a_seed_means_one_story(tmp_path: Path) -> None:
    """Twice the same seed: the same names, times, commits and hashes; only our own time differs."""
    memory = named("memory")
    assert memory is not None
    ports = {name: free_port() for name in ("kubernetes", "github", "prometheus", "alertmanager")}
    first, second = (_timeless(played(memory, tmp_path / name, 7, ports)[0]) for name in ("one", "two"))

    assert first == second


@pytest.mark.long
def test_another_seed_means_other_names(tmp_path: Path) -> None:
    """The world's names come from the seed, and from nothing else."""
    memory = named("memory")
    assert memory is not None
    first, second = (_timeless(played(memory, tmp_path / str(seed), seed=seed)[0]) for seed in (1, 2))

    assert first != second


def _timeless(told: list[str]) -> list[str]:
    """Leave out what is measured, not told."""
    return [line for line in told if "of our own time" not in line]
