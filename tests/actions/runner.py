"""A runner of GitHub Actions, as far as a step can tell: variables, files, and ears for commands.

It runs the very script of `action.yml`, with that file's own `env`, and reads outputs, summary and commands the way
the real one does: a command is any printed line that looks like one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))

_NEW = re.compile(r"^\s*::(?P<name>[\w-]+)(?:\s+(?P<properties>[^:]*(?::(?!:)[^:]*)*))?::(?P<data>.*)$")
_OLD = re.compile(r"##\[(?P<name>[\w-]+)[^\]]*\](?P<data>.*)$")  # anywhere in a line
_INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


@dataclass(frozen=True)
class Ran:
    """What a step left behind."""

    code: int
    stdout: str
    stderr: str
    outputs: dict[str, str]
    summary: str
    commands: list[tuple[str, str]]  # that the runner obeyed: name and data

    @property
    def said(self) -> str:
        """Everything that anybody can read: the log without what the runner swallows, the summary, the outputs."""
        lines = [line for line in self.stdout.splitlines() if not line.startswith("::add-mask::")]
        return "\n".join([*lines, self.stderr, self.summary, *self.outputs.values()])

    def annotations(self, kind: str) -> list[str]:
        """Return the texts of one kind of annotation."""
        return [data for name, data in self.commands if name == kind]


@dataclass
class Runner:
    """One machine with a workspace; each step gets files of its own."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    steps: int = 0

    @property
    def workspace(self) -> Path:
        """Where the repository is checked out."""
        return self.folder / "work"

    def write(self, path: str, content: str) -> Path:
        """Put a file into the workspace."""
        file = self.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def start(self, event: str, payload: object, **inputs: str) -> subprocess.Popen[str]:
        """Begin the step, as the runner does for `uses: …` with these inputs."""
        self.steps += 1
        temp = self.folder / "temp"
        temp.mkdir(parents=True, exist_ok=True)
        if not (temp / "reconciler").exists():
            (temp / "reconciler").symlink_to(sys.prefix)  # in the place of the first step, which installs
        for name in ("output", "summary"):
            self._file(name).touch()
        event_path = self.folder / f"event-{self.steps}.json"
        event_path.write_text(json.dumps(payload), encoding="utf-8")
        surroundings = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(event_path),
            "GITHUB_OUTPUT": str(self._file("output")),
            "GITHUB_STEP_SUMMARY": str(self._file("summary")),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(temp),
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
        }
        step = ACTION["runs"]["steps"][-1]
        script = temp / f"step-{self.steps}.sh"
        script.write_text(step["run"], encoding="utf-8")
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={**surroundings, **self.environ, **_evaluated(step["env"], inputs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str], step: int | None = None) -> Ran:
        """Wait for the step, and read what it left behind."""
        stdout, stderr = process.communicate(timeout=120)
        return Ran(
            code=process.returncode,
            stdout=stdout,
            stderr=stderr,
            outputs=outputs_in(self._file("output", step).read_text(encoding="utf-8")),
            summary=self._file("summary", step).read_text(encoding="utf-8"),
            commands=commands_in(stdout),
        )

    def run(self, event: str, payload: object, **inputs: str) -> Ran:
        """Run the step to its end."""
        return self.finish(self.start(event, payload, **inputs))

    def _file(self, name: str, step: int | None = None) -> Path:
        return self.folder / f"{name}-{step or self.steps}"


def _evaluated(variables: dict[str, str], inputs: dict[str, str]) -> dict[str, str]:
    """Fill in inputs, given or by default; a name with a hyphen is given with an underscore."""
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert set(given) <= set(ACTION["inputs"])

    def value(match: re.Match[str]) -> str:
        return str(given.get(match[1], ACTION["inputs"][match[1]]["default"]))

    return {name: _INPUT.sub(value, text) for name, text in variables.items()}


def outputs_in(text: str) -> dict[str, str]:
    """Read a file of outputs: `name=value`, or `name<<END`, lines, `END`."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, heredoc, end = line.partition("<<")
        if not heredoc or "=" in name:
            name, equals, value = line.partition("=")
            assert equals, f"the runner refuses the line {line!r}"
            found[name] = value
            continue
        block = []
        for inner in lines:
            if inner == end:
                break
            block.append(inner)
        else:
            raise AssertionError(f"the block of {name} has no end")
        found[name] = "\n".join(block)
    return found


def commands_in(text: str) -> list[tuple[str, str]]:
    """Return the commands that a runner obeys, in either of its notations, except while they are switched off."""
    heard: list[tuple[str, str]] = []
    waits_for: str | None = None
    for line in text.splitlines():
        match = _NEW.match(line) or _OLD.search(line)
        if match is None:
            continue
        name, data = match["name"], match["data"]
        if waits_for is not None:
            waits_for = None if name == waits_for else waits_for
        elif name == "stop-commands":
            waits_for = data
        else:
            heard.append((name, data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")))
    assert waits_for is None, "commands stay switched off for the rest of the step"
    return heard
