"""Help is instant: nothing that costs time is imported before a command needs it."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import app, main
from tests.cli.desk import awaiting_approval

if TYPE_CHECKING:
    from tests.cli.desk import Desk

VENDORS = frozenset(
    {
        "github",
        "jinja2",
        "kubernetes",
        "opa_client",
        "prometheus_api_client",
        "pydantic",
        "pygit2",
        "regopy",
        "rich",
        "stamina",
        "structlog",
        "urllib3",
        "yaml",
    }
)
_SCRIPT = """
import json, sys
from reconciler.cli import main
sys.argv[1:] = {arguments!r}
try:
    main()
except SystemExit as ended:
    json.dump([ended.code, sorted({{m.partition(".")[0] for m in sys.modules}})], sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "--help"], ["audit", "verify", "--help"]])
def test_help_imports_no_vendor(arguments: list[str]) -> None:
    """A person who asks for help does not wait for Kubernetes' client."""
    script = _SCRIPT.format(arguments=arguments)

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)

    code, modules = json.loads(ended.stderr)
    assert code == 0
    assert not VENDORS & set(modules)
    assert "reconciler" in ended.stdout


def test_a_command_looks_for_garbage_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is imported and read stays: to look it through again and again finds nothing."""
    seen: list[int] = []
    monkeypatch.setattr(app, "main", lambda: seen.append(gc.get_threshold()[0]))
    before = gc.get_threshold()
    try:
        main()
    finally:
        gc.set_threshold(*before)

    assert seen == [50_000]


def test_a_terminal_without_our_characters_is_no_error(desk: Desk) -> None:
    """Where the encoding lacks an arrow or a dash, a question mark stands in."""
    desk.record(awaiting_approval())
    command = [sys.executable, "-m", "reconciler", "--config", str(desk.folder / "reconciler.yaml"), "explain", "op-1"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "FORCE_COLOR": "1", "NO_COLOR": "1"}

    ended = subprocess.run(command, capture_output=True, check=True, env=environment)

    assert ended.stderr == b""
    assert b"webapp: memory limit 512Mi ? 1Gi" in ended.stdout
