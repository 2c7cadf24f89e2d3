"""Log lines: one JSON object each, scrubbed, on standard error; what writes them is imported for the first one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_SCRIPT = """
import logging, sys
from reconciler.cli.logs import configure
configure(debug={debug})
log = logging.getLogger("reconciler.somewhere")
log.debug("detail")
print("structlog" in sys.modules)
log.warning("extra_failed", extra={{"extra": "labels", "reason": "https://ana:hunter2@git.example/x\\u202e\\nsecond"}})
try:
    {{}}["missing"]
except KeyError:
    log.exception("broken")
print("structlog" in sys.modules)
"""


def _logged(*, debug: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what the script printed, and its log lines."""
    command = [sys.executable, "-c", _SCRIPT.format(debug=debug)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)
    return ended.stdout.split(), [json.loads(line) for line in ended.stderr.splitlines()]


def test_warnings_are_json_objects_without_credentials_or_hidden_characters() -> None:
    """Invariant 11: whatever a server's answer brings into a line; and no line is more than one."""
    imported, (warning, broken) = _logged(debug=False)

    assert imported == ["False", "True"]
    assert (warning["event"], warning["level"], warning["extra"]) == ("extra_failed", "warning", "labels")
    assert warning["logger"] == "reconciler.somewhere"
    assert "hunter2" not in warning["reason"]
    assert "\u202e" not in warning["reason"]
    assert "KeyError: 'missing'" in broken["exception"]


def test_debug_shows_details() -> None:
    """With `--debug`, and only then."""
    _, lines = _logged(debug=True)

    assert [line["event"] for line in lines] == ["detail", "extra_failed", "broken"]
