"""`python -m tests.testbed up | down | status | build`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict

from tests.testbed import build, state, testbed
from tests.testbed.processes import stop


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done, 1 not running or not possible."""
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description="The real components, on loopback.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("verb", choices=("up", "down", "status", "build"))
    options = parser.parse_args(arguments)
    verb = {"up": up, "down": down, "status": status, "build": build_only}[options.verb]
    try:
        return verb(as_json=options.json)
    except build.Unavailable as reason:
        print(f"testbed: {reason}", file=sys.stderr)
        return 1


def up(*, as_json: bool) -> int:
    """Start the testbed, unless it runs already, and leave it running."""
    known = state.load()
    if known and all(process.is_alive for process in known.processes):
        show(known, as_json=as_json)
        return 0
    if known:
        end(known)
    testbed.prepare()
    start = time.monotonic()
    print("testbed: starting", file=sys.stderr, flush=True)
    running, _ = testbed.start(outlive=True, parent=build.cache_folder() / "runs")
    state.save(running)
    print(f"testbed: up in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    show(running, as_json=as_json)
    return 0


def down(*, as_json: bool) -> int:
    """End the processes that `up` started, each by its id."""
    known = state.load()
    ended = len([process for process in known.processes if process.is_alive]) if known else 0
    if known:
        end(known)
    print(json.dumps({"ended": ended}) if as_json else f"testbed: {ended} processes ended")
    return 0


def status(*, as_json: bool) -> int:
    """Tell which processes run."""
    known = state.load()
    if known is None:
        print(json.dumps({"running": False}) if as_json else "testbed: not running")
        return 1
    show(known, as_json=as_json)
    dead = [process.name for process in known.processes if not process.is_alive]
    if dead:
        print(f"testbed: ended by itself: {', '.join(dead)}", file=sys.stderr)
    return 1 if dead else 0


def build_only(*, as_json: bool) -> int:
    """Build what the cache lacks."""
    binaries = testbed.prepare()
    paths = {name: str(folder) for name, folder in binaries.folders.items()}
    print(json.dumps(paths) if as_json else table(list(paths.items())))
    return 0


def end(known: testbed.Testbed) -> None:
    """End a testbed and remove what it left."""
    stop(list(known.processes))
    testbed.discard(known.folder)
    state.forget()


def show(running: testbed.Testbed, *, as_json: bool) -> None:
    """Print where everything is and who may use it."""
    if as_json:
        print(json.dumps(asdict(running), default=str, indent=2))
        return
    urls = {
        "Kubernetes": running.cluster.server,
        "Gitea": running.gitea.url,
        "Prometheus": running.prometheus,
        "Alertmanager": running.alertmanager,
        "Exporter": f"{running.monitoring.exporter}/metrics",
        "OPA": running.opa,
        "Logs": str(running.folder / "logs"),
    }
    print(table(list(urls.items())), "\n")
    files = running.cluster.kubeconfigs.items()
    print(table([("kubeconfig", "user"), *((str(file), user) for user, file in files)]), "\n")
    users = running.gitea.tokens
    rows = [(user, running.gitea.passwords[user], token) for user, token in users.items()]
    print(table([("Gitea user", "password", "token"), *rows]))


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main())
