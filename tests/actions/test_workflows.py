"""The workflows and the action as files: pinned, with least permissions, and deaf to what strangers write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, ROOT / "action.yml"]
GUIDE = ROOT / "docs" / "guides" / "github-actions.md"

_PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_FOREIGN = re.compile(r"\$\{\{[^}]*\b(github\.(event|head_ref|ref_name|actor|triggering_actor)|inputs|secrets)\b")
_INJECTION = re.compile(r"\$\{\{")


def read(file: Path) -> dict[str, Any]:
    """Parse a file; YAML reads a bare `on` as true."""
    parsed: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {("on" if key is True else str(key)): value for key, value in parsed.items()}


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs."""
    found: dict[str, dict[str, Any]] = read(file)["jobs"]
    return found


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Yield every step of a workflow or an action."""
    content = read(file)
    yield from content["runs"]["steps"] if "runs" in content else ()
    for job in content.get("jobs", {}).values():
        yield from job.get("steps", ())


def name(file: Path) -> str:
    """Name a test."""
    return file.name


def test_the_workflows_are_there() -> None:
    """An empty folder would pass everything below."""
    assert [file.name for file in WORKFLOWS] == ["ci.yml", "reconcile.yml"]


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_foreign_action_is_pinned_to_a_commit(file: Path) -> None:
    """A tag can be moved; the comment says which version the commit is."""
    used = [
        line.strip().removeprefix("- ") for line in file.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)
    ]

    assert [line for line in used if not _PINNED.fullmatch(line) and not line.startswith("uses: ./")] == []
    assert sum("uses" in step for step in steps(file)) == len(used)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_no_script_holds_an_expression(file: Path) -> None:
    """Whatever is filled in before the shell reads it is code; values come as variables."""
    assert [step["run"] for step in steps(file) if _INJECTION.search(step.get("run", ""))] == []
    assert _FOREIGN.search("${{ github.event.issue.title }}")  # else the pattern were blind


@pytest.mark.parametrize("file", WORKFLOWS, ids=name)
def test_permissions_are_stated_and_least(file: Path) -> None:
    """Nothing is had by default, and only the job that opens pull requests may write."""
    content = read(file)

    assert content["permissions"] in ({}, {"contents": "read"})
    granted = {scope for job in jobs(file).values() for scope in job.get("permissions", {}).items()}
    assert granted <= {("contents", "write"), ("pull-requests", "write")}
    assert bool(granted) is (file.name == "reconcile.yml")


@pytest.mark.parametrize("file", WORKFLOWS, ids=name)
def test_no_workflow_runs_strangers_code_with_our_rights(file: Path) -> None:
    """Neither trigger by which that happens is used, and no checkout leaves a token behind."""
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(read(file)["on"])
    checkouts = [step for step in steps(file) if "actions/checkout@" in step.get("uses", "")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=name)
def test_every_job_ends(file: Path) -> None:
    """A runner that hangs costs hours, and holds the others up."""
    assert [job for job, content in jobs(file).items() if not 0 < content["timeout-minutes"] <= 60] == []


def test_runs_follow_each_other() -> None:
    """A run under way is never cancelled: it may stand between an effect and its record."""
    concurrency = jobs(ROOT / ".github/workflows/reconcile.yml")["reconcile"]["concurrency"]

    assert concurrency["cancel-in-progress"] is False
    assert "github.repository" in concurrency["group"]


def test_all_triggers_are_there() -> None:
    """Time, hand, a merge or a no, an alert's webhook, and other workflows."""
    triggers = read(ROOT / ".github/workflows/reconcile.yml")["on"]

    assert set(triggers) == {"schedule", "workflow_dispatch", "pull_request", "repository_dispatch", "workflow_call"}
    assert triggers["pull_request"] == {"types": ["closed"]}


def test_workflow_gives_the_action_what_it_takes() -> None:
    """Inputs and outputs fit together by name."""
    action = read(ROOT / "action.yml")
    job = jobs(ROOT / ".github/workflows/reconcile.yml")["reconcile"]
    (step,) = [step for step in job["steps"] if step["uses"].startswith("./")]

    assert set(step["with"]) <= set(action["inputs"])
    used = set(re.findall(r"steps\.reconciler\.outputs\.(\w+)", str(job["outputs"])))
    assert used <= set(action["outputs"])


def test_pinned_requirements_are_those_of_the_package() -> None:
    """What the action installs is hashed, and holds every dependency of the product."""
    import tomllib

    text = (ROOT / "requirements" / "runtime.txt").read_text()
    pinned = {found.lower() for found in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    assert {re.split(r"[<>=!~\[ ]", each)[0].lower() for each in wanted} <= pinned
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pinned)
    assert "://" not in text


def examples() -> list[dict[Any, Any]]:
    """Return the workflows that the guide and the README show."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in (GUIDE, ROOT / "README.md"))
    blocks = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    return [parsed for parsed in blocks if isinstance(parsed, dict) and "jobs" in parsed]


def test_examples_run_neither_in_forks_nor_for_their_pull_requests() -> None:
    """A fork has the workflow too, and its pull request would run with what strangers wrote, without secrets."""
    same = "github.event.pull_request.head.repo.id == github.event.pull_request.base.repo.id"
    shipped = jobs(ROOT / ".github/workflows/reconcile.yml")["reconcile"]["if"]
    assert same in shipped
    assert "vars.RECONCILER_ENABLED == 'true'" in shipped  # no fork inherits a variable

    guards = [(job["if"], "uses" in job) for example in examples() for job in example["jobs"].values()]
    assert len(guards) >= 3
    for guard, calls in guards:
        assert guard.startswith("github.repository == 'you/manifests'")
        assert calls or f"&& (github.event_name != 'pull_request' || {same}" in guard.replace("|| (", "|| ")
    checkouts = [
        s for e in examples() for job in e["jobs"].values() for s in job.get("steps", ()) if "checkout" in str(s)
    ]
    assert [step for step in checkouts if step.get("with") != {"ref": "main", "persist-credentials": False}] == []


def test_the_guides_examples_are_workflows() -> None:
    """They parse, are pinned or say what to fill in, and name inputs that exist."""
    inputs = read(ROOT / "action.yml")["inputs"]
    called = read(ROOT / ".github/workflows/reconcile.yml")["on"]["workflow_call"]
    workflows = examples()

    assert len(workflows) >= 3
    for workflow in workflows:
        assert workflow["permissions"] is not None
        for job in workflow["jobs"].values():
            assert set(job.get("with", {})) <= set(called["inputs"])
            for step in job.get("steps", ()):
                if "/reconciler@" in step.get("uses", ""):
                    assert set(step.get("with", {})) <= set(inputs)
