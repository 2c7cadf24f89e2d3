"""The action as its workflow runs it, trigger by trigger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.actions.runner import commands_in
from tests.beds.users import REVIEWER
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from tests.actions.conftest import Project
    from tests.actions.runner import Ran

HOSTILE = "x\n::set-output name=changed::true\n::error::pwned%0A::notice::pwned\n##[error]pwned <img src=x> @ana #1"


def listed(ran: Ran, name: str) -> list[dict[str, Any]]:
    """Return an output that holds a list."""
    found: list[dict[str, Any]] = json.loads(ran.outputs[name])
    return found


def test_scheduled_run_opens_the_pull_request_and_tells_it(project: Project) -> None:
    """Outputs for later steps, a summary with a link, notices on the run's page, and a ledger on the forge."""
    ran = project.run("schedule")

    assert ran.code == 0, ran.said
    (pull,) = project.place.pull_requests()
    assert len(project.restarts()) == 1
    assert ran.outputs["findings"] == "1"
    assert ran.outputs["changed"] == "true"
    assert [(p["number"], p["state"], p["url"]) for p in listed(ran, "pull_requests")] == [
        (pull["number"], "open", pull["html_url"])
    ]
    assert "opened pull request 1" in ran.outputs["sentence"]
    assert f"[pull request 1]({pull['html_url']})" in ran.summary
    assert "| Target | What | Severity | Newest evidence |" in ran.summary
    assert any(line.startswith("opened pull request 1") for line in ran.annotations("notice"))
    assert project.ledger() is not None


def test_later_run_finds_nothing_to_do_and_writes_nothing(project: Project) -> None:
    """Invariant 6: on another machine, with nothing but the repository, a run knows what the ones before it did."""
    project.run("schedule")
    project.settle(1)
    project.run("schedule")  # remembers its first look at the open pull request
    before = project.ledger(), project.restarts(), project.place.pull_requests("all")

    ran = project.run("schedule")

    assert (project.ledger(), project.restarts(), project.place.pull_requests("all")) == before
    assert (ran.code, ran.outputs["changed"]) == (0, "false")
    assert [p["state"] for p in listed(ran, "pull_requests")] == ["open"]
    assert "waits for a review" in ran.outputs["sentence"]
    assert ran.annotations("notice") == []


def test_two_runs_at_once_do_everything_once(project: Project) -> None:
    """Invariant 1: whoever comes first appends first; the other finds it done, or leaves it alone."""
    machines = [project.runner() for _ in range(2)]
    project.catch_up()
    started = [m.start("schedule", {}, token=project.token, kubeconfig=project.kubeconfig) for m in machines]
    ran = [machine.finish(process) for machine, process in zip(machines, started, strict=True)]

    assert [each.code for each in ran] == [0, 0], [each.said for each in ran]
    assert len(project.place.pull_requests("all")) == 1
    assert len(project.restarts()) == 1
    project.settle(1)
    project.run("schedule")  # remembers its first look at the open pull request
    ledger = project.ledger()
    assert project.run("schedule").outputs["changed"] == "false"
    assert project.ledger() == ledger


def test_plan_by_hand_shows_the_diff_and_touches_nothing(project: Project) -> None:
    """Read-only: what whoever starts the workflow chooses is taken from the event, when the step says nothing."""
    ran = project.run("workflow_dispatch", {"inputs": {"mode": "plan"}})

    assert ran.code == 0, ran.said
    assert "+              memory: 1Gi  # raised in spring" in ran.summary
    assert "would follow" in ran.outputs["sentence"]
    assert [p["state"] for p in listed(ran, "pull_requests")] == ["planned"]
    assert ran.outputs["changed"] == "false"
    assert (project.ledger(), project.restarts(), project.place.pull_requests("all")) == (None, set(), [])


def test_the_steps_own_mode_wins_over_the_event(project: Project) -> None:
    """A workflow that is made for plans never runs."""
    ran = project.run("workflow_dispatch", {"inputs": {"mode": "run"}}, mode="plan")

    assert ran.outputs["changed"] == "false"
    assert project.place.pull_requests("all") == []


def test_merge_of_our_pull_request_is_followed_at_once(project: Project) -> None:
    """The event only wakes: who merged what is read from the forge."""
    project.run("schedule")
    project.place.merge(1)

    ran = project.run("pull_request", project.closed(1))

    assert ran.code == 0, ran.said
    assert f"pull request 1 was merged by {REVIEWER}" in ran.outputs["sentence"]
    assert [p["state"] for p in listed(ran, "pull_requests")] == ["merged"]


def test_close_of_our_pull_request_is_an_outcome(project: Project) -> None:
    """Invariant 7: a no is heard in the run that it starts, and told as the outcome."""
    project.run("schedule")
    project.place.close(1)

    ran = project.run("pull_request", project.closed(1))

    assert [(o["outcome"], REVIEWER in o["reason"]) for o in listed(ran, "outcomes")] == [("rejected", True)]
    assert "### Outcomes" in ran.summary
    assert "rejected" in ran.summary


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "opened"},
        {"pull_request": {"head": {"ref": "feature/reconciler/x"}}},
        {"repository": "another/one"},
    ],
    ids=["not closed", "not ours", "another repository"],
)
def test_other_pull_requests_are_no_news(project: Project, changes: dict[str, Any]) -> None:
    """Nothing is asked, nothing is written, and the run is green."""
    home = {"repo": {"id": 1}}
    head = {"repo": {"id": 1}, "ref": "reconciler/web-1", **changes.get("pull_request", {}).get("head", {})}
    event = {"action": changes.get("action", "closed"), "pull_request": {"base": home, "head": head, "title": HOSTILE}}
    if "repository" in changes:
        project.sections["forge"] = {"repository": changes["repository"]}

    ran = project.run("pull_request", event)

    assert ran.code == 0, ran.said
    assert ran.outputs["sentence"].startswith("nothing to do")
    assert ran.outputs["changed"] == "false"
    assert "pwned" not in ran.said
    assert (project.ledger(), project.place.pull_requests("all")) == (None, [])


@pytest.mark.parametrize("head", [{"repo": {"id": 2}}, {"repo": None}, {}], ids=["fork", "fork that is gone", "none"])
def test_pull_request_of_a_fork_is_refused(project: Project, head: dict[str, Any]) -> None:
    """Its run has no secrets; that is said, with the way out, before anything is tried."""
    event = {"action": "closed", "pull_request": {"base": {"repo": {"id": 1}}, "head": {**head, "ref": "reconciler/x"}}}

    ran = project.run("pull_request", event)

    assert ran.code == 4
    assert "comes from a fork" in ran.annotations("error")[0]
    assert "**Remedy:**" in ran.summary
    assert project.ledger() is None


def test_texts_of_an_event_are_never_obeyed_nor_shown(project: Project) -> None:
    """Invariant 11, and more: whoever may send an event gets a pass for it, and nothing else."""
    event = {"action": HOSTILE, "branch": HOSTILE, "client_payload": {HOSTILE: HOSTILE}, "inputs": {"mode": "plan"}}

    ran = project.run("repository_dispatch", event)

    assert ran.code == 0, ran.said
    assert ran.outputs["changed"] == "true"
    assert "pwned" not in ran.said
    assert {name for name, _ in ran.commands} == {"add-mask", "notice"}


def speaking() -> dict[str, str]:
    """Return a manifest in which the line of the limit looks like a command to the runner, and would end a block."""
    return {"deploy/web.yaml": hungry()["deploy/web.yaml"].replace("# raised in spring", "# ``` ##[error]pwned")}


@pytest.mark.parametrize("files", [speaking()])
def test_file_that_speaks_to_the_runner_is_shown_and_not_heard(project: Project) -> None:
    """The diff is text, in the log and in the summary, whose block it cannot end."""
    ran = project.run("schedule", mode="plan")

    assert ran.code == 0, ran.said
    assert sum("pwned" in line for line in ran.stdout.splitlines()) == 2, ran.said
    assert [data for _, data in ran.commands if "pwned" in data] == []
    assert "````diff" in ran.summary
    assert [name for name, _ in commands_in(f"{ran.stdout}::error::a\n  ::error::a\nx ##[error]a")].count("error") == 3


def test_secrets_are_masked_and_nowhere_else(project: Project) -> None:
    """Invariant 11: token and kubeconfig reach the runner's ears alone."""
    ran = project.run("schedule")
    masked = [data for name, data in ran.commands if name == "add-mask"]

    assert project.token in masked
    assert any(secret in project.kubeconfig for secret in masked if secret != project.token)
    assert all(secret not in ran.said for secret in masked)
    assert not list((project.folder / "runner-1" / "temp").glob("kubeconfig-*"))


def test_summary_that_cannot_be_written_is_a_warning(project: Project) -> None:
    """What was done is done: the outputs say so, and the step does not fail for a page."""
    machine = project.runner()
    project.catch_up()
    machine.environ["GITHUB_STEP_SUMMARY"] = str(project.folder / "none" / "summary")

    ran = machine.run("schedule", {}, token=project.token, kubeconfig=project.kubeconfig)

    assert (ran.code, ran.outputs["changed"], len(listed(ran, "pull_requests"))) == (0, "true", 1)
    assert any("GITHUB_STEP_SUMMARY" in line for line in ran.annotations("warning"))


@pytest.mark.parametrize(
    ("inputs", "code", "remedy"),
    [
        ({"kubeconfig": ""}, 2, "give the input `kubeconfig`"),
        ({"kubeconfig": "YXBpVmVyc2lvbjogdjEK"}, 2, "not as base64"),
        ({"config": "other.yaml"}, 2, "let the input `config` name the file"),
        ({"token": "mallory"}, 5, "`permissions: {contents: write, pull-requests: write}`"),
    ],
    ids=["no kubeconfig", "kubeconfig as base64", "no configuration", "token that may not write"],
)
def test_remedy_names_the_input_to_mend(project: Project, inputs: dict[str, str], code: int, remedy: str) -> None:
    """Whoever reads the run's page writes workflows: an option or a variable of the command line is no help."""
    given = {name: project.bed.tokens.get(value, value) for name, value in inputs.items()}

    ran = project.run("schedule", **given)

    assert ran.code == code
    assert remedy in ran.annotations("error")[0]
    assert project.restarts() == set()


@pytest.mark.parametrize("debug", ["0", "1"])
def test_missing_token_is_a_clear_error(project: Project, debug: str) -> None:
    """What is missing, and what to write in the workflow."""
    machine = project.runner()
    machine.environ["RUNNER_DEBUG"] = debug
    ran = machine.run("schedule", {}, token="", kubeconfig=project.kubeconfig)

    assert ran.code == 2
    assert "holds no token" in ran.annotations("error")[0]
    assert "may write contents and pull requests" in ran.summary
    assert ran.outputs["changed"] == "false"
    assert ("Traceback" in ran.stderr) is (debug == "1")


@pytest.mark.parametrize(
    ("event", "code", "said"),
    [
        ("pull_request_target", 4, "an event that the action does not take"),
        ("issue_comment", 4, "an event that the action does not take"),
        ("", 4, "an event that the action does not take"),
    ],
)
def test_events_that_strangers_can_cause_start_nothing(project: Project, event: str, code: int, said: str) -> None:
    """Only the four triggers are taken."""
    ran = project.run(event, {"comment": {"body": HOSTILE}})

    assert (ran.code, project.ledger()) == (code, None)
    assert said in ran.annotations("error")[0]
    assert "pwned" not in ran.said


@pytest.mark.parametrize("payload", [[], "text", None], ids=["list", "text", "null"])
def test_event_that_is_none_is_an_error(project: Project, payload: object) -> None:
    """A file that holds no object is not guessed about."""
    ran = project.runner().run("repository_dispatch", payload, token=project.token, kubeconfig=project.kubeconfig)

    assert ran.code == 2
    assert "holds no event" in ran.annotations("error")[0]


def test_unknown_mode_is_refused_without_repeating_it(project: Project) -> None:
    """What somebody typed is not shown again."""
    ran = project.run("workflow_dispatch", {"inputs": {"mode": HOSTILE}})

    assert ran.code == 2
    assert "neither run nor plan" in ran.annotations("error")[0]
    assert "pwned" not in ran.said


def test_mistakes_in_the_configuration_are_listed(project: Project) -> None:
    """Each with its place, on the run's page and in the summary."""
    project.sections["guards"] = {"cooldwn": "5m"}

    ran = project.run("schedule")

    assert ran.code == 2
    assert "did you mean cooldown?" in ran.annotations("error")[0]
    assert "configuration.invalid" in ran.summary


def test_ledger_that_does_not_answer_ends_the_run(project: Project) -> None:
    """Invariant 1: without memory nothing is done."""
    project.sections["repository"] = {"url": f"{project.bed.forge_url}/platform/none.git"}

    ran = project.run("schedule")

    assert ran.code == 5
    assert "ledger.remote" in ran.annotations("error")[0]
    assert project.restarts() == set()


def test_source_that_does_not_answer_is_a_warning(project: Project) -> None:
    """Invariant 3: nothing is decided on its facts, and the run says so without failing."""
    project.sections["metrics"] = {"url": "http://127.0.0.1:9"}

    ran = project.run("schedule")

    assert ran.code == 0, ran.said
    assert any("prometheus" in line for line in ran.annotations("warning"))
    assert "### Without an answer" in ran.summary


def test_ledger_goes_where_the_step_says(project: Project) -> None:
    """A branch, where the forge takes nothing else; the input wins over the configuration."""
    project.run("schedule", ledger_ref="refs/heads/reconciler-ledger")

    assert project.ledger() is None
    assert "reconciler-ledger" in project.place.forge().branches(project.place.repository)
