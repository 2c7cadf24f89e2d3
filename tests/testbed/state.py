"""Remember a running testbed in a file, so that another process can use it or end it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.testbed import build
from tests.testbed.control_plane import ControlPlane
from tests.testbed.gitea import Gitea
from tests.testbed.monitoring import Monitoring
from tests.testbed.processes import Process
from tests.testbed.testbed import Testbed


def path() -> Path:
    """Return where the one testbed that `up` leaves running is remembered."""
    return build.cache_folder() / "running.json"


def save(testbed: Testbed) -> None:
    """Write it down, readable by this user only: it holds tokens."""
    path().parent.mkdir(parents=True, exist_ok=True)
    path().touch(mode=0o600)
    path().write_text(json.dumps(asdict(testbed), default=str, indent=2))


def load() -> Testbed | None:
    """Return the testbed that was written down, alive or not."""
    try:
        known: dict[str, Any] = json.loads(path().read_text())
    except FileNotFoundError:
        return None
    cluster = known["cluster"]
    return Testbed(
        folder=Path(known["folder"]),
        cluster=ControlPlane(
            cluster["server"],
            Path(cluster["authority"]),
            cluster["tokens"],
            {user: Path(file) for user, file in cluster["kubeconfigs"].items()},
        ),
        gitea=Gitea(**known["gitea"]),
        monitoring=Monitoring(**known["monitoring"]),
        opa=known["opa"],
        processes=tuple(Process(**process) for process in known["processes"]),
    )


def forget() -> None:
    """Remove the file."""
    path().unlink(missing_ok=True)
