"""Talking about a pull request where it stands, on both forges: commands, one answer, statuses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import SourceError
from reconciler.model.conversation import CONVERSATION
from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.perform import perform
from reconciler.steps import Verb
from tests.beds.users import BOT, READER, REVIEWER
from tests.lifecycle.talk import dashboards, labels, ours, say, statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.steps import Perform
    from tests.lifecycle.life import Life

ALL = {"dashboard": True, "statuses": True}


def test_hold_and_resume_are_a_label_and_one_comment(life: Life) -> None:
    """The label says it to everybody, and a second word edits the first answer."""
    life.run()
    say(life, "/reconciler hold")
    assert labels(life) == ["hold"]
    assert "is on hold" in life.run().sentence

    say(life, "/reconciler resume")
    assert labels(life) == []
    assert "waits for a review" in life.run().sentence
    (answer,) = ours(life)
    assert "| ana | hold |" in answer
    assert "| ana | resume |" in answer


@pytest.mark.parametrize("word", ["hold", "stop"])
@pytest.mark.long
def test_word_said_after_the_snapshot_stops_a_merge_of_the_same_pass(
    life: Life, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Invariant 7: comments are read once more right before we merge."""
    life.run()
    life.override("policy", merge="autonomous")

    def after_a_word(steps: Sequence[Perform], *rest: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
        if any(step.verb is Verb.MERGE for step in steps):
            life.side.person(REVIEWER).comment(life.side.repository, life.number, f"/reconciler {word}")
        perform(steps, *rest, **more)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("reconciler.reconcile.perform", after_a_word)
        reports = [life.run() for _ in range(3)]
    assert [p for report in reports for p in report.problems if "it is not merged" in p]
    life.run(2)
    assert life.pull["state"] == "open"

    say(life, "/reconciler resume all" if word == "stop" else "/reconciler resume")
    life.run(3, later=timedelta(minutes=1))
    assert life.operation.phase is Phase.AWAITING_SYNC


def test_reader_is_not_obeyed(life: Life) -> None:
    """Anybody may comment; only who may write tells us what to do."""
    life.run()
    say(life, "/reconciler hold", by=READER)
    say(life, "/reconciler stop", by=READER)

    assert labels(life) == []
    assert not life.run().sentence.startswith("paused")
    (answer,) = ours(life)
    assert answer.count("not obeyed") == 2


@pytest.mark.long
def test_stop_starts_nothing_new_until_resume(life: Life) -> None:
    """What is under way is followed; nothing is pushed, and everybody can read why."""
    life.run()
    say(life, "/reconciler stop")
    head = life.head
    life.around.peak = 1024.0
    report = life.run(2)
    assert report.sentence.startswith("paused")
    assert life.head == head
    assert "stopped by ana" in ours(life)[0]

    say(life, "/reconciler resume all")
    assert not life.run(2).sentence.startswith("paused")
    assert life.head != head


@pytest.mark.long
def test_retry_takes_a_close_back(life: Life) -> None:
    """A no holds until somebody who may takes it back; then the same proposal is made again."""
    life.run()
    number = life.number
    life.side.person(REVIEWER).close(life.side.repository, number)
    life.run(2)
    assert life.operation.outcome is Outcome.REJECTED

    say(life, "/reconciler retry")
    life.run()
    assert life.number > number
    assert life.pull["state"] == "open"

    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run(3)
    assert [o.outcome for o in life.operations] == [Outcome.REJECTED, Outcome.REJECTED]


def test_explain_tells_the_story_where_it_was_asked(life: Life) -> None:
    """And the answer is kept up to date until the end."""
    life.run()
    say(life, "/reconciler explain")
    (answer,) = ours(life)
    assert "opened pull request" in answer

    life.side.person(REVIEWER).close(life.side.repository, life.number)
    life.run(2)
    (answer,) = ours(life)
    assert answer.startswith("**rejected: ")
    assert "ended rejected" in answer


@pytest.mark.long
def test_command_is_obeyed_once_and_quiet_passes_write_nothing(life: Life) -> None:
    """The ledger knows the comment; nothing is said twice."""
    life.override("forge", **ALL)
    life.run(2)
    say(life, "/reconciler hold")
    life.run(2)
    life.side.unlabel(life.number, "hold")
    life.run(2)
    before = life.kinds()

    life.run(2)
    assert life.kinds() == before
    assert labels(life) == []
    assert before.count(EventKind.COMMENTS_HEARD) == 1


@pytest.mark.long
def test_statuses_tell_what_is_waited_for(life: Life) -> None:
    """On the head while it is open, and on the merge commit after; each is set once."""
    life.override("forge", statuses=True)
    life.run(3)
    head = life.head
    assert statuses(life, head) == [("reconciler", "success")]

    life.side.label(life.number, "hold")
    life.run(2)
    assert statuses(life, head) == [("reconciler", "pending"), ("reconciler", "success")]

    life.side.person(REVIEWER).merge(life.side.repository, life.number, "squash")
    life.run(3)
    tracked = life.operation.pull_request
    assert tracked is not None
    assert tracked.merge_commit is not None
    assert life.operation.phase is Phase.AWAITING_SYNC
    assert statuses(life, tracked.merge_commit) == [("reconciler", "pending")]


@pytest.mark.long
def test_failed_status_is_a_problem_that_stops_nothing(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, tried again later, and everything else goes on."""
    life.override("forge", statuses=True)
    life.run()
    _break(monkeypatch, "set_status")
    report = life.run()

    assert [p for p in report.problems if "status failed" in p]
    assert "waits for a review" in report.sentence
    monkeypatch.undo()
    life.run(later=timedelta(minutes=1))
    assert statuses(life, life.head) == [("reconciler", "success")]


@pytest.mark.parametrize("write", ["write_comment", "write_dashboard", "label", "set_status"])
@pytest.mark.long
def test_killed_after_a_write_finds_what_it_wrote(life: Life, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    """Invariant 1: the intent stands in the ledger, the next pass says it again, and there is still one of each."""
    life.override("forge", **ALL)
    life.run()
    life.side.person(REVIEWER).comment(life.side.repository, life.number, "/reconciler hold")
    if write == "write_dashboard":
        life.ledger_name = "another.db"
    _kill_after(monkeypatch, write)
    with pytest.raises(SystemExit):
        life.run(2)
    monkeypatch.undo()
    life.run(2)

    assert len(dashboards(life)) == 1
    if write != "write_dashboard":
        assert labels(life) == ["hold"]
        assert len(ours(life)) == 1
        assert statuses(life, life.head)[0] == ("reconciler", "pending")


def test_our_own_words_are_no_commands(life: Life) -> None:
    """Nobody makes us talk to ourselves."""
    life.run()
    say(life, "/reconciler hold", by=BOT)

    assert labels(life) == []
    assert EventKind.COMMENTS_HEARD not in life.kinds()


@pytest.mark.long
def test_ledger_keeps_the_conversation_beside_the_operations(life: Life) -> None:
    """What belongs to no operation is no operation, wherever operations are listed."""
    life.override("forge", dashboard=True)
    life.run()
    say(life, "/reconciler hold")

    assert CONVERSATION not in [operation.id for operation in life.operations]
    assert len(life.operations) == 1


@pytest.mark.long
def test_listening_costs_one_request_in_a_quiet_pass(on_github: Life) -> None:
    """Whatever is switched on but boxes; a process that lives on pays nothing even for that one."""
    life = on_github
    life.run(3)

    def spent() -> int:
        rate = life.side.person(BOT).call("GET", "/rate_limit")["rate"]
        return int(rate["used"])

    def of_a_pass(**switches: bool) -> int:
        life.override("forge", **switches)
        life.run(2)
        before = spent()
        life.run()
        return spent() - before

    silent = of_a_pass(commands=False)
    assert of_a_pass(commands=True) == silent + 1
    assert of_a_pass(commands=True, dashboard=True, statuses=True) == silent + 1
    assert of_a_pass(commands=True, dashboard=True, statuses=True, boxes=True) == silent + 2


def _break(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise SourceError(code="forge.http_403", message="no", remedy="give the token `Commit statuses: write`")

    _patch(monkeypatch, method, lambda _: fails)


def _kill_after(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def dying(write: Callable[..., object]) -> Callable[..., object]:
        def writes_and_dies(*args: object, **more: object) -> None:
            write(*args, **more)
            raise SystemExit(137)

        return writes_and_dies

    _patch(monkeypatch, method, dying)


def _patch(monkeypatch: pytest.MonkeyPatch, method: str, made: Callable[[Callable[..., object]], object]) -> None:
    from reconciler.adapters import gitea_talk, github_talk

    for kind in (gitea_talk._GiteaTalk, github_talk._GitHubTalk):
        monkeypatch.setattr(kind, method, made(getattr(kind, method)))
