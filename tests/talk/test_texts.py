"""The dashboard and our answers: they change when something happened, and nothing foreign speaks in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.adapters.talking import carries
from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.model.report import Held
from reconciler.talk import texts
from tests.talk.talkers import NUMBER, after, comment, heard
from tests.worlds import NOW, Story, oom_remedy

EVIL = "@everyone <!-- reconciler:dashboard --> #1 `x` | </details> [a](https://evil.example)\n/reconciler stop"


def _evil_story() -> Story:
    remedy = oom_remedy()
    return Story(replace(remedy, finding=replace(remedy.finding, summary=EVIL))).pull_request_opened()


def test_each_operation_stands_in_its_section() -> None:
    """What waits for people comes before what is in flight, and a no is no failure."""
    waiting = Story().pull_request_opened().operation
    flying = replace(Story().merged().operation, id="op-2")
    rejected = Story().pull_request_opened().add(EventKind.OPERATION_CLOSED, outcome=Outcome.REJECTED, reason="ana")
    failed = Story().live().add(EventKind.OPERATION_CLOSED, outcome=Outcome.FAILED, reason="still there")
    history = [
        waiting,
        flying,
        replace(rejected.operation, id="op-3"),
        replace(failed.operation, id="op-4"),
    ]
    text = texts.dashboard(history, after(), NOW)

    order = [text.index(word) for word in ("for a review", "`op-1`", "In flight", "`op-2`", "Given up", "`op-4`")]
    assert order == sorted(order)
    assert text.index("Rejected by a person") < text.index("`op-3`")
    assert "[pull request 41](http://localhost:3/platform/manifests/pulls/41)" in text


def test_text_is_the_same_until_something_happens() -> None:
    """Time alone changes nothing, so that nothing is written for it."""
    history = [Story().pull_request_opened().operation]

    now, later = (texts.dashboard(history, after(), at) for at in (NOW, NOW + timedelta(hours=5)))
    assert now == later


def test_each_cluster_finds_its_own_dashboard() -> None:
    """Two reconcilers with one repository and one user must not write each other's issue anew with every pass."""
    markers = [texts.dashboard_marker(name) for name in ("default", "east", "west", "x --> #1")]

    for name, marker in zip(("default", "east", "west", "x --> #1"), markers, strict=True):
        text = texts.dashboard([], after(), NOW, cluster=name)
        assert [carries(text, each) for each in markers] == [each == marker for each in markers]
    assert markers[0] == texts.DASHBOARD_MARKER
    assert [marker.count("--") for marker in markers] == [2, 2, 2, 2]


def test_ended_operations_leave_after_a_week() -> None:
    """The dashboard shows now, not all that ever was."""
    story = Story().pull_request_opened().add(EventKind.OPERATION_CLOSED, outcome=Outcome.RESOLVED, reason="gone")

    assert "op-1" in texts.dashboard([story.operation], after(), NOW)
    assert "Nothing is known to be wrong" in texts.dashboard([story.operation], after(), NOW + timedelta(days=8))


def test_what_nothing_is_done_about_stands_first() -> None:
    """A service that is broken beyond our means is not told as well; nor twice, where its operation is shown."""
    finding = oom_remedy().finding
    helpless = Held(finding=finding, code="no_remedy", reason="its memory limit 4Gi is at the configured maximum 4Gi")
    opened = Story().pull_request_opened()
    rejected = opened.add(EventKind.OPERATION_CLOSED, outcome=Outcome.REJECTED, reason="ana").operation
    again = Held(finding=finding, code="rejected_before", reason="was rejected", operation="op-1", until=NOW)
    known = Held(finding=finding, code="known", reason="op-1 is on it", operation="op-1")

    text = texts.dashboard([], after(), NOW, held=[helpless, known])
    assert text.index("### Wrong, and nothing is under way") < text.index("at the configured maximum 4Gi")
    assert "Nothing is known to be wrong" not in text
    assert "op-1" not in text
    assert "nothing is under way" not in texts.dashboard([rejected], after(), NOW, held=[again])
    late = texts.dashboard([rejected], after(), NOW + timedelta(days=8), held=[again])
    assert f"was rejected, until {NOW:%Y-%m-%d %H:%M} UTC" in late


def test_silence_of_the_cluster_is_not_told_as_health() -> None:
    """Invariant 3: not to know is not to know of nothing."""
    text = texts.dashboard([], after(), NOW, held=None)

    assert "Nothing is known to be wrong" not in text
    assert "What else may be wrong is not known now: the cluster did not answer" in text


def test_no_command_is_promised_where_none_is_heard() -> None:
    """With `forge.commands` off, a comment is a comment."""
    assert "/reconciler stop" in texts.dashboard([], after(), NOW)
    assert "/reconciler" not in texts.dashboard([], after(), NOW, listens=False)


def test_foreign_words_cannot_speak_for_us() -> None:
    """No mention, no reference, no marker, no end of a table or a fold, no line of their own."""
    story = _evil_story()
    board = texts.dashboard([story.operation], after(), NOW)
    said = heard(comment("/reconciler explain"), history=[story.operation]).commands
    answer = texts.answer(story.operation, said, after(*said), (story.operation, story.events))

    for text, marker in ((board, texts.DASHBOARD_MARKER), (answer, texts.ANSWER_MARKER)):
        assert "@everyone" not in text
        assert "](https://evil" not in text
        assert text.splitlines().count(marker) == 1
        assert "<!-- reconciler:dashboard -->" not in text.replace(texts.DASHBOARD_MARKER, "", 1)
        assert not [line for line in text.splitlines() if line.startswith("/reconciler")]


def test_answer_tells_who_said_what_and_what_came_of_it() -> None:
    """The newest five, and how many there were before."""
    operation = Story().pull_request_opened().operation
    said = heard(*(comment("/reconciler hold", number_of=n) for n in range(1, 8)), history=[operation]).commands
    text = texts.answer(operation, said, after(*said), None, held=True)

    assert text.count("| ana | hold |") == 5
    assert "2 earlier ones are left out" in text
    assert text.startswith("**on hold: ")


@pytest.mark.parametrize("count", [1, 400])
def test_text_stays_below_what_a_forge_takes(count: int) -> None:
    """However much is wrong, the issue can be written."""
    story = _evil_story()
    history = [replace(story.operation, id=f"op-{n}") for n in range(count)]
    text = texts.dashboard(history, after(), NOW)

    assert len(text) < 65_536
    assert ("more: `reconciler status`" in text) is (count > 30)


@pytest.mark.parametrize("count", [30, 400])
def test_text_stays_below_that_however_long_the_foreign_words_are(count: int) -> None:
    """Who writes alerts, or reasons, into every section cannot keep the dashboard or an answer from being written."""
    story = _evil_story()
    finding = replace(story.operation.remedy.finding, summary="#@!1" * 100)
    opened = replace(story.operation, remedy=replace(story.operation.remedy, finding=finding))
    ends = [(Outcome.FAILED, "f"), (Outcome.REJECTED, "r"), (Outcome.VERIFIED, "v")]
    closed = [
        replace(opened, id=f"op-{name}{n}", phase=Phase.CLOSED, outcome=outcome, outcome_reason="@a#1" * 90)
        for outcome, name in ends
        for n in range(count)
    ]
    history = [*(replace(one, closed_at=NOW) for one in closed), *(replace(opened, id=f"op-{n}") for n in range(count))]
    board = texts.dashboard(history, after(), NOW)
    said = heard(comment("/reconciler explain"), history=[opened]).commands
    told = [replace(story.events[0], kind=EventKind.ESCALATED, data={"reason": "#@!1" * 100})] * 80

    assert len(board) < 65_536
    assert board.count("more: `reconciler status`") == 4
    assert len(texts.answer(opened, said, after(*said), (opened, told))) < 65_536


def test_commands_keep_their_look_and_nothing_else_between_backticks_does() -> None:
    """A code span of somebody else's could hide a table's end."""
    story = Story().pull_request_opened()
    reason = "see `a | b` or `reconciler status`"
    operation = story.add(EventKind.OPERATION_CLOSED, outcome=Outcome.REFUSED, reason=reason).operation
    text = texts.dashboard([operation], after(), NOW)

    assert r"see \`a \| b\` or `reconciler status`" in text


def test_number_of_the_place_is_in_the_words_of_a_stop() -> None:
    """Everybody can look up who stopped everything, and where."""
    said = heard(comment("/reconciler stop"), history=[Story().pull_request_opened().operation]).commands

    assert f"on {NUMBER}," in texts.dashboard([], after(*said), NOW)
