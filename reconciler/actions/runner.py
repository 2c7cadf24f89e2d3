"""What a runner of GitHub Actions hands to a step: variables, the event's file, and files to answer in."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_EVENT = 32 * 2**20  # bytes; GitHub's payloads end at 25 MB


class Mode(StrEnum):
    """What a run does."""

    RUN = "run"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One step's surroundings; empty where the runner says nothing."""

    event_name: str
    event_path: str
    repository: str
    api_url: str
    output: str
    summary: str
    temp: str
    config: str
    mode: str
    ledger_ref: str
    kubeconfig: str = field(repr=False)  # the file's text
    listens: bool  # whether it is a real runner, which takes commands from what we print
    debug: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Runner:
        """Read the variables."""

        def get(name: str) -> str:
            return environ.get(name, "").strip()

        return cls(
            event_name=get("GITHUB_EVENT_NAME"),
            event_path=get("GITHUB_EVENT_PATH"),
            repository=get("GITHUB_REPOSITORY"),
            api_url=get("GITHUB_API_URL"),
            output=get("GITHUB_OUTPUT"),
            summary=get("GITHUB_STEP_SUMMARY"),
            temp=get("RUNNER_TEMP"),
            config=get("RECONCILER_ACTION_CONFIG") or "reconciler.yaml",
            mode=get("RECONCILER_ACTION_MODE"),
            ledger_ref=get("RECONCILER_ACTION_LEDGER_REF"),
            kubeconfig=environ.get("RECONCILER_KUBECONFIG", ""),
            listens=get("GITHUB_ACTIONS") == "true",
            debug=get("RUNNER_DEBUG") == "1",
        )

    def event(self) -> dict[str, Any]:
        """Read the event that started the workflow. Anybody may have written its texts: none is ever shown.

        Raises ConfigurationError when there is none that can be read.
        """
        with suppress(OSError, ValueError, RecursionError):
            with Path(self.event_path).open("rb") as file:
                said = json.loads(file.read(_LARGEST_EVENT))  # what is larger is cut, and then no JSON
            if isinstance(said, dict):
                return said
        raise ConfigurationError(
            code="actions.event_unreadable",
            message="the file that GITHUB_EVENT_PATH names holds no event",
            remedy="run this as a step of a workflow; by hand, use `reconciler run --once`",
        )
