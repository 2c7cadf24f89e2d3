"""Packages from npm, pinned by a lock file, installed once into a cache outside the repository.

A folder appears under its final name only when it is complete; the name is made of everything that goes into it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testbed import build

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINIMUM_NODE = 20
PINNED = ("package.json", "package-lock.json")


def install(source: Path, *, files: Sequence[str] = PINNED, pruned: Callable[[Path], None] = lambda _: None) -> Path:
    """Return the folder where a source folder's packages are installed, with these files of it beside them.

    `pruned` takes away what nobody needs. Raises build.Unavailable where there is no Node, or no registry.
    """
    check_node()
    name = source.name
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in files)).hexdigest()[:16]
    final = build.cache_folder() / f"{name}-{digest}"
    build.cache_folder().mkdir(parents=True, exist_ok=True)
    with build.locked(build.cache_folder() / f"{name}.lock"):
        if not final.is_dir():
            temporary = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=build.cache_folder()))
            try:
                for file in files:
                    shutil.copyfile(source / file, temporary / file)
                _install(temporary, name)
                pruned(temporary)
                temporary.rename(final)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return final


def check_node() -> None:
    """Raise with the reason, in one line, when there is no Node that does."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise build.Unavailable(f"the GitHub tests need Node {MINIMUM_NODE} or newer, and there is none on the PATH")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < MINIMUM_NODE:
        raise build.Unavailable(f"the GitHub tests need Node {MINIMUM_NODE} or newer, this is {version}")


def _install(folder: Path, name: str) -> None:
    with build.progress(f"{name}: npm ci"):
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise build.Unavailable(f"the GitHub tests need npm's packages: {' '.join(done.stderr.split())[-300:]}")
