"""The loop on the testbed, told by the product's own commands: `make loop`.

Nothing is staged: a Deployment that needs 1Gi gets 512Mi through Argo CD, the commands below are run as a person
would run them, and the reviewer is another user of the forge. A testbed that runs already is used; otherwise one is
started for the time of the tour.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model.operation import Outcome
from tests.beds import place
from tests.scenarios.world import World, hungry
from tests.testbed import build, state
from tests.testbed import testbed as whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.testbed import Testbed

README = Path(__file__).parents[2] / "README.md"
BLOCK = ("<!-- loop:begin -->\n", "<!-- loop:end -->\n")
PASSES = 60  # more than the loop needs; each waits for the world two seconds at most
COMMAND = Path(sys.executable).with_name("reconciler")


TRANSCRIPT: list[str] = []


def tell(text: str) -> None:
    """Print, and keep it for the README."""
    print(text, end="", flush=True)
    TRANSCRIPT.append(text)


def say(text: str) -> None:
    """Tell the reader what happens outside the product."""
    tell(f"\n# {text}\n")


def command(world: World, *words: str, quiet: bool = False) -> str:
    """Run one command of the product in the world's folder, show it, and return what it printed."""
    done = subprocess.run(
        [COMMAND, *words],
        cwd=world.folder,
        env={**os.environ, **world.environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if not quiet:
        tell(f"\n$ reconciler {shlex.join(words)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def tour(world: World) -> None:
    """Walk the loop once, from an OOM kill to the verified outcome."""
    say("Argo CD delivers a Deployment whose container needs 1Gi and may have 512Mi: it is OOMKilled.")
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    world.place.wait_for(lambda: world.place.alerts("KubePodOOMKilled") or None, 60, "the alert fires")
    _ = world.config  # writes reconciler.yaml into the folder
    command(world, "plan")
    command(world, "run", "--once")
    number = world.place.pull_requests()[0]["number"]
    say(f"ana, a reviewer, approves and merges pull request {number}.")
    world.place.approve(number)
    world.place.merge(number)
    follow(world)
    command(world, "audit", "verify")
    command(world, "explain", world.operation.id)


def follow(world: World) -> None:
    """Make passes until the outcome is there; show those that did something."""
    for _ in range(PASSES):
        seen = len(world.kinds())
        said = command(world, "run", "--once", quiet=True)
        if len(world.kinds()) != seen:
            tell(f"\n$ reconciler run --once\n{said}")
        if world.operation.outcome is Outcome.VERIFIED:
            return
    raise SystemExit("the outcome did not come; `reconciler status` in " + str(world.folder) + " says why")


@contextmanager
def a_testbed() -> Iterator[Testbed]:
    """Use the testbed that runs, or start one and end it."""
    known = state.load()
    if known is not None and all(process.is_alive for process in known.processes):
        yield known
        return
    say("Starting the real components (the first time builds them, which takes about a quarter of an hour).")
    running, processes = whole.start(outlive=False)
    try:
        yield running
    finally:
        processes.stop()
        whole.discard(running.folder)


def write_readme() -> None:
    """Put what was printed, up to the long story at its end, into the README."""
    begin, end = BLOCK
    before, _, rest = README.read_text().partition(begin)
    _, _, after = rest.partition(end)
    told = "".join(TRANSCRIPT).split("\n$ reconciler explain", 1)[0].strip()
    README.write_text(f"{before}{begin}\n```text\n{told}\n```\n\n{end}{after}")


def main() -> None:
    """Run the tour in a folder that goes afterwards; with `--readme`, show its output in the README."""
    try:
        with a_testbed() as running, tempfile.TemporaryDirectory(prefix="reconciler-tour-") as folder:
            kube = running.kube()
            made = place.make(running, kube, hungry())
            try:
                tour(World(place=made, folder=Path(folder)))
            finally:
                place.remove(made)
                kube.close()
        if "--readme" in sys.argv[1:]:
            write_readme()
    except build.Unavailable as reason:
        raise SystemExit(f"the testbed cannot run here: {reason}") from None


if __name__ == "__main__":
    main()
