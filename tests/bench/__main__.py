"""`make bench`: every measurement, one line a figure: name, ours, floor, ratio, reach, ok or SHORT.

A measurement is a module `bench_*.py` with `measure() -> list[Figure]`; nothing has to be registered. A figure out of
reach is a result and no failure: the exit code is 1 only when a measurement itself failed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from tests import bench
from tests.bench.figure import Figure, Skipped

_PREFIX = "bench_"


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", metavar="NAME", default="", help="only modules with this in their name, e.g. git")
    options = parser.parse_args()
    names = [name for name in measurements() if options.only in name]
    if not names:
        parser.error(f"no measurement is named like {options.only}: {', '.join(measurements())}")
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    failed: list[str] = []
    print(f"{'name':44} {'ours':>11} {'floor':>11} {'ratio':>7}  {'reach':30} ok?")
    for name in names:
        try:
            measured = importlib.import_module(f"{bench.__name__}.{_PREFIX}{name}").measure()
        except Skipped as reason:
            skipped[name] = str(reason)
            print(f"{name}: skipped: {reason}", flush=True)
        except Exception:  # noqa: BLE001 - whatever it is, the other measurements go on
            failed.append(name)
            traceback.print_exc()
            print(f"{name}: FAILED, see the trace", flush=True)
        else:
            figures += measured
            print(*map(line, measured), sep="\n", flush=True)
    if options.json:
        content = {"figures": [asdict(f) | {"ratio": f.ratio} for f in figures], "skipped": skipped, "failed": failed}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 1 if failed else 0


def line(figure: Figure) -> str:
    """Return a figure as one aligned line."""
    ours, floor = (f"{value:.4g} {figure.unit}" for value in (figure.ours, figure.floor))
    verdict = "ok" if figure.ok else "SHORT"
    return f"{figure.name:44} {ours:>11} {floor:>11} {figure.ratio:>7.3g}  {figure.reach:30} {verdict}"


def measurements() -> list[str]:
    """Return the names of the modules, without their prefix."""
    names = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))


if __name__ == "__main__":
    sys.exit(main())
