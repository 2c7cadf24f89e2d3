"""Programs that come from Debian: Redis, Prometheus and Alertmanager.

Found on the PATH under any of their usual names; otherwise installed when this process may do so.
The services that Debian starts by itself do not matter: the testbed starts its own, on ports of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from tests.testbed import build


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package and the names that its program goes by."""

    name: str
    programs: tuple[str, ...]


REDIS = Package("redis-server", ("redis-server",))
PROMETHEUS = Package("prometheus", ("prometheus",))
ALERTMANAGER = Package("prometheus-alertmanager", ("prometheus-alertmanager", "alertmanager"))
GIT = Package("git", ("git",))
PACKAGES = (REDIS, PROMETHEUS, ALERTMANAGER, GIT)


def find(package: Package) -> str | None:
    """Return the path of the package's program, if it is on the PATH (or where Debian puts daemons)."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return next((found for name in package.programs if (found := shutil.which(name, path=search))), None)


def program(package: Package) -> str:
    """Return the path of the package's program, which `install_missing` has seen to."""
    found = find(package)
    if found is None:
        raise build.Unavailable(f"the testbed needs {package.programs[0]}: apt-get install {package.name}")
    return found


def install_missing() -> None:
    """Install what is not there, when this process is root on a Debian; otherwise say what a person can do."""
    missing = [package.name for package in PACKAGES if find(package) is None]
    if not missing:
        return
    command = f"apt-get install {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise build.Unavailable(f"the testbed needs {', '.join(missing)}: {command}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with build.progress(command):
        for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(["apt-get", *arguments], env=environment, check=False, capture_output=True, text=True)
            if done.returncode:
                raise build.Unavailable(f"`apt-get {' '.join(arguments)}` failed: {done.stderr.strip()[-200:]}")
