"""The parts by themselves: commands, files, summaries and events."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from reconciler.actions import event, files, summary, telling, turn
from reconciler.actions.commands import Commands
from reconciler.actions.runner import Runner
from reconciler.errors import ConfigurationError, Refusal
from reconciler.model.facts import Unknown
from reconciler.model.report import Held, PassReport
from tests.actions.runner import commands_in, outputs_in
from tests.worlds import NOW, Story, oom_finding, settings

if TYPE_CHECKING:
    from pathlib import Path

unhurried = examples(deadline=None)  # the machine may be busy
EVIL = "| a `b` [x](http://evil.example) <b> @ana #1 closes #2 ```\n# heading\n"


def report(**changes: Any) -> PassReport:  # noqa: ANN401 - any field of a report
    """Return a pass that opened a pull request."""
    made = PassReport(
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        sentence="opened pull request 41",
        lines=("opened pull request 41",),
        waiting=(("op-1", "pull request 41 waits for a review"),),
        findings=(oom_finding(),),
        held=(),
        operations=(Story().pull_request_opened().operation,),
        unknown=(),
    )
    return replace(made, **changes)


@unhurried
@given(st.text(), st.sampled_from(["notice", "warning", "error"]))
def test_annotation_arrives_as_one_command(text: str, kind: str) -> None:
    """Whatever the text holds, the runner hears one command of this kind, and no other."""
    heard = commands_in(spoken(lambda commands: commands.annotate(kind, [text])))

    assert [name for name, _ in heard] == [kind]


@unhurried
@given(st.text(st.characters(codec="utf-8"), min_size=4))
def test_mask_arrives_line_by_line(secret: str) -> None:
    """A secret of several lines is hidden in each of them."""
    heard = commands_in(spoken(lambda commands: commands.mask(secret)))

    assert {name for name, _ in heard} <= {"add-mask"}
    assert [data for _, data in heard] == [line for line in secret.splitlines() if len(line) >= 4]


def test_only_so_many_annotations_are_made() -> None:
    """GitHub shows ten of a kind; the rest is in the summary."""
    heard = commands_in(spoken(lambda commands: commands.annotate("notice", map(str, range(50)))))

    assert len(heard) == 10


def test_nobody_listens_outside_of_actions() -> None:
    """By hand a token is not printed for somebody to mask it."""
    assert spoken(lambda commands: commands.mask("s3cr3t-token"), listens=False) == ""


@unhurried
@given(st.text())
def test_nothing_printed_meanwhile_is_a_command(text: str) -> None:
    """Not in either notation, and whatever token the text guesses."""

    def say(commands: Commands) -> None:
        with commands.switched_off():
            sys.stdout.write(
                f"::error::{text}\n  ::set-output name=a::b\nx ##[error]b\n::{text}::\n::stop-commands::{text}\n"
            )
        commands.annotate("notice", ["ours"])

    assert commands_in(spoken(say)) == [("notice", "ours")]


def test_commands_are_on_again_after_a_failure() -> None:
    """An error inside is annotated like any other."""

    def fail(commands: Commands) -> None:
        with pytest.raises(ValueError, match="inside"), commands.switched_off():
            raise ValueError("inside")
        commands.annotate("error", ["told"])

    assert commands_in(spoken(fail)) == [("error", "told")]


def spoken(say: Any, *, listens: bool = True) -> str:  # noqa: ANN401 - what to say
    """Return what is printed meanwhile."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        say(Commands(listens=listens))
    return out.getvalue()


@pytest.mark.parametrize("value", ["", "one", "a\nb", "x\nEOF\nchanged=true", "changed<<EOF\ntrue\nEOF", "end-\n" * 3])
def test_output_holds_its_value_and_nothing_else(tmp_path: Path, value: str) -> None:
    """A value of several lines cannot begin another output."""
    path = tmp_path / "output"
    files.write_outputs(str(path), {"sentence": value, "changed": "false"})

    assert outputs_in(path.read_text()) == {"sentence": value, "changed": "false"}


def test_outputs_are_added_to_what_is_there(tmp_path: Path) -> None:
    """The file belongs to the step, not to us alone."""
    path = tmp_path / "output"
    path.write_text("earlier=1\n")
    files.write_outputs(str(path), {"later": "2"})

    assert outputs_in(path.read_text()) == {"earlier": "1", "later": "2"}


def test_summary_is_cut_at_a_section(tmp_path: Path) -> None:
    """GitHub refuses a summary of more than a mebibyte whole; ours says that something is missing."""
    path = tmp_path / "summary"
    files.write_summary(str(path), (f"### {n}\n{'ü' * 100_000}\n" for n in range(20)))

    text = path.read_text()
    assert len(text.encode()) <= files.LARGEST
    assert text.count("###") == 4
    assert text.rstrip().endswith("the log of this step has it all._")


def test_nothing_is_written_where_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand there are no such files, and none of another name comes into being."""
    monkeypatch.chdir(tmp_path)
    files.write_outputs("", {"a": "b"})
    files.write_summary("", ["# text"])

    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A later step would read nothing and think that nothing happened."""
    with pytest.raises(ConfigurationError, match="GITHUB_OUTPUT"):
        files.write_outputs(str(tmp_path / "no" / "such"), {"a": "b"})


def test_summary_of_a_pass_holds_what_matters() -> None:
    """Findings, pull requests with links and what they wait for, what was done, failed, held and unknown."""
    held = Held(finding=oom_finding(), code="rejected_before", reason="ana closed pull request 40")
    silent = Unknown("prometheus", "timed out", "look at it")
    text = "\n".join(summary.of_pass(report(problems=("op-1: run failed",), held=(held,), unknown=(silent,))))

    for part in ("Findings", "Pull requests", "Done", "Failed", "Held back", "Without an answer"):
        assert f"### {part}\n" in text
    assert "[pull request 41](http://localhost:3/platform/manifests/pulls/41)" in text
    assert "pull request 41 waits for a review" in text


def test_quiet_pass_is_one_sentence() -> None:
    """No empty tables."""
    quiet = report(sentence="nothing to do: 3 workloads", lines=(), waiting=(), findings=(), operations=())

    assert "\n".join(summary.of_pass(quiet)) == "## reconciler\n\nnothing to do: 3 workloads\n"


def test_foreign_text_is_inert_in_the_summary() -> None:
    """No link, no mention, no markup, no second row comes of an alert's text."""
    finding = replace(oom_finding(), summary=EVIL)
    text = "\n".join(
        summary.of_pass(
            report(sentence=EVIL, lines=(EVIL,), problems=(EVIL,), waiting=(("x", EVIL),), findings=(finding,))
        )
    )

    for live in ("](http://evil", "<b>", "@ana", "#1", "\n# heading", "```"):
        assert live not in text
    rows = [line for line in text.splitlines() if line.startswith("| Deployment")]
    assert rows
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_long_tables_end() -> None:
    """A cluster on fire gives a summary that can be read."""
    text = "\n".join(summary.of_pass(report(findings=(oom_finding(),) * 500)))

    assert text.count("| high |") == 200
    assert "and 300 more" in text


def test_outputs_of_a_pass() -> None:
    """What later steps may build on."""
    told = telling.of_pass(report())

    assert told["changed"] == "true"
    assert told["findings"] == "1"
    assert '"number": 41' in told["pull_requests"]
    assert told["outcomes"] == "[]"


def test_defect_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is unforeseen: a sentence, an annotation, exit code 70, and commands are on again."""

    def broken(*_: object) -> int:
        raise RuntimeError("::error::pwned\n")

    monkeypatch.setattr(turn, "_turn", broken)
    code = turn.main({"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(tmp_path / "out"), "RUNNER_DEBUG": "1"})

    heard = commands_in(capsys.readouterr().out)
    assert code == 70
    assert heard == [("error", "RuntimeError: ::error::pwned (this is a defect of reconciler)")]
    assert "defect" in outputs_in((tmp_path / "out").read_text())["sentence"]


@unhurried
@given(st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
def test_any_event_is_survived(payload: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """A pull request's event of any shape is refused or no news; a pass needs one of ours."""
    told = {"action": "closed", "pull_request": payload}
    runner = replace(Runner.of({"GITHUB_EVENT_NAME": "pull_request"}), repository="platform/manifests")

    with pytest.raises(Refusal, match="fork"):
        event._about(told, runner, settings())


@pytest.mark.parametrize("started_by", ["schedule", "workflow_dispatch", "repository_dispatch", "pull_request"])
@pytest.mark.parametrize(
    ("repository", "fork", "rests"),
    [("mallory/manifests", True, True), ("platform/manifests", True, False), ("platform/ops", False, False)],
)
def test_fork_of_the_repository_makes_no_pass(
    tmp_path: Path, started_by: str, repository: str, *, fork: bool, rests: bool
) -> None:
    """Whoever forks manifests forks the workflow; a repository that is configured may be a fork itself."""
    (tmp_path / "event").write_text(json.dumps({"repository": {"fork": fork}, "action": "opened"}))
    told = {"GITHUB_EVENT_NAME": started_by, "GITHUB_REPOSITORY": repository, "GITHUB_EVENT_PATH": f"{tmp_path}/event"}

    found = event.reason_to_rest(Runner.of(told), settings())

    assert ("this is a fork" in (found or "")) is rests
