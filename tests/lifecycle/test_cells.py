"""One test for each cell of the table, on both forges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.operation import Outcome, Phase
from reconciler.talk.texts import ANSWER_MARKER
from tests.beds.users import BOT
from tests.lifecycle.happenings import happen, prepare, reach
from tests.lifecycle.life import FILE, MAIL, MAIL_FILE
from tests.lifecycle.table import PAGE, TABLE, Cell, Does, State, cells, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.operation import Operation
    from tests.lifecycle.life import Life

PROXY = "limits:\n              memory: 64Mi"
_IDS = [f"{event}, {state}" for event, state, _ in cells()]
_SAMPLE = {event: next(iter(row)) for event, row in TABLE.items()}  # each event in the first state it can happen in
_CELLS = [
    pytest.param(*cell, id=name, marks=pytest.mark.sample if _SAMPLE[cell[0]] is cell[1] else ())
    for name, cell in zip(_IDS, cells(), strict=True)
]


@pytest.mark.parametrize(("event", "state", "cell"), _CELLS)
def test_cell(life: Life, event: str, state: State, cell: Cell) -> None:
    """The table is the law: what the cell says is what is done and told."""
    on_gitea = life.side.kind == "gitea"
    if on_gitea and cell.not_on_gitea:
        pytest.skip(cell.not_on_gitea)
    prepare(life, event)
    reach(life, state)
    before = _heads(life)

    happen(life, event)

    report = life.run()
    try:
        _CHECKS[(cell.does_on_gitea if on_gitea else None) or cell.does](life, life.operations[0], before)
    except AssertionError as error:
        error.add_note(report.sentence)
        raise
    said = (cell.said_on_gitea if on_gitea else "") or cell.said
    assert said in report.sentence, report.sentence


def test_the_page_shows_the_table_of_now() -> None:
    """docs/lifecycle.md is written from the table: `python -m tests.lifecycle.table`."""
    text = PAGE.read_text(encoding="utf-8")

    assert text == written(text)


def test_every_event_and_state_that_can_happen_is_in_the_table() -> None:
    """No state is left without a row that starts from it."""
    assert {state for _, state, _ in cells()} == set(State)
    assert len(cells()) == len(set(_IDS))


def _heads(life: Life) -> dict[int, str]:
    return {pull["number"]: pull["head"]["sha"] for pull in life.side.pulls()}


def _only(life: Life) -> dict[str, Any]:
    (pull,) = life.side.pulls()
    return pull


def _is_merged(pull: dict[str, Any]) -> bool:
    return pull["merged_at"] is not None


def _opens(life: Life, operation: Operation, _: dict[int, str]) -> None:
    assert _only(life)["state"] == "open"
    assert operation.phase is Phase.AWAITING_GIT_PR


def _plans(life: Life, operation: Operation, _: dict[int, str]) -> None:
    assert life.side.pulls() == []
    assert operation.is_open
    assert operation.pull_request is None


def _refuses(life: Life, operation: Operation, _: dict[int, str]) -> None:
    assert life.side.pulls() == []
    assert (operation.outcome, operation.escalated) == (Outcome.REFUSED, True)


def _waits(life: Life, _operation: Operation, before: dict[int, str]) -> None:
    """Nothing of ours was pushed: a head that moved was moved by a person, who is told."""
    pull = _only(life)
    operation = life.operation
    if _is_merged(pull):
        assert operation.phase is Phase.AWAITING_SYNC
        return
    tracked = operation.pull_request
    assert pull["state"] == "open"
    assert [said for said in life.side.comments(pull["number"]) if not _is_talk(said)] in ([], ["hm"])
    assert tracked is not None
    assert tracked.head == next(iter(before.values())) or tracked.inspected is None or tracked.inspected.foreign


def _is_talk(comment: str) -> bool:
    return comment.startswith("/reconciler ") or ANSWER_MARKER in comment


def _updates(life: Life, operation: Operation, before: dict[int, str]) -> None:
    pull, tracked = _only(life), operation.pull_request
    assert pull["state"] == "open"
    assert tracked is not None
    assert pull["head"]["sha"] == tracked.head != before[pull["number"]]
    assert life.limit(tracked.branch) == operation.expected[0]
    assert operation.expected[0] in pull["title"]
    assert life.side.text("apps/webapp.yaml", tracked.branch).replace(
        f"memory: {operation.expected[0]}}}", "memory: 512Mi}"
    ) == life.side.text("apps/webapp.yaml")


def _ended(outcome: Outcome, *, state: str, by_us: bool = False) -> Callable[[Life, Operation, dict[int, str]], None]:
    def check(life: Life, operation: Operation, _: dict[int, str]) -> None:
        assert operation.outcome is outcome, operation.outcome_reason
        for pull in life.side.pulls():
            assert pull["state"] == state
        if by_us:
            assert any("Closed by reconciler" in comment for comment in life.side.comments(life.number))

    return check


def _follows(life: Life, operation: Operation, _: dict[int, str]) -> None:
    assert _is_merged(_only(life))
    assert operation.phase is Phase.AWAITING_SYNC
    assert operation.expected == (life.limit(),)


def _merges(life: Life, operation: Operation, before: dict[int, str]) -> None:
    _follows(life, operation, before)
    assert operation.pull_request is not None
    assert operation.pull_request.merged_by == BOT
    assert life.limit() == "1Gi"


def _anew(life: Life, operation: Operation, _: dict[int, str]) -> None:
    newest, oldest = life.side.pulls()
    assert (newest["state"], oldest["state"]) == ("open", "closed")
    assert operation.outcome is Outcome.REJECTED
    assert life.operation.pull_request is not None
    assert life.operation.pull_request.number == newest["number"]


def _joins(life: Life, operation: Operation, _: dict[int, str]) -> None:
    pull, tracked = _only(life), operation.pull_request
    assert len(life.operations) == 1
    assert operation.expected == ("1Gi", "128Mi")
    assert tracked is not None
    assert pull["head"]["sha"] == tracked.head
    both = life.side.text(FILE, tracked.branch)
    assert both == life.side.text(FILE).replace("memory: 512Mi}", "memory: 1Gi}").replace(
        PROXY, PROXY.replace("64", "128")
    )
    assert "memory limit of proxy 64Mi → 128Mi" in pull["title"]


def _its_own(life: Life, operation: Operation, before: dict[int, str]) -> None:
    newest, oldest = life.side.pulls()
    assert before[oldest["number"]] == oldest["head"]["sha"]
    assert newest["state"] == "open"
    assert operation.remedy.fingerprints.isdisjoint(life.operation.remedy.fingerprints)
    if life.around.neighbour:
        assert _raised(life, newest["head"]["ref"]) == {MAIL_FILE}
        return
    assert life.operation.expected == ("128Mi",)
    theirs = life.side.text(FILE, newest["head"]["ref"])
    assert theirs == life.side.text(FILE).replace(PROXY, PROXY.replace("64", "128"))


def _raised(life: Life, branch: str) -> set[str]:
    """Return the files whose limit is 1Gi in a branch and 512Mi in base, each as a whole."""
    texts = {path: life.side.text(path) for path in (FILE, MAIL_FILE)}
    changed = {path: life.side.text(path, branch) for path in texts}
    found = {path for path, text in texts.items() if changed[path] == text.replace("memory: 512Mi}", "memory: 1Gi}")}
    assert all(changed[path] == texts[path] for path in texts.keys() - found)
    return {path for path in found if changed[path] != texts[path]}


def _shares(life: Life, operation: Operation, _: dict[int, str]) -> None:
    pull, tracked = _only(life), operation.pull_request
    assert len(life.operations) == 1
    assert operation.expected == ("1Gi", "1Gi")
    assert tracked is not None
    assert pull["head"]["sha"] == tracked.head
    assert _raised(life, tracked.branch) == {FILE, MAIL_FILE}
    assert pull["title"].startswith("2 objects: webapp: ")


def _plans_other(life: Life, operation: Operation, before: dict[int, str]) -> None:
    pull = _only(life)
    assert before[pull["number"]] == pull["head"]["sha"]
    assert operation.is_open
    assert [target.name for target in life.operation.targets] == [MAIL.name]
    assert life.operation.pull_request is None


_CHECKS: dict[Does, Callable[[Life, Operation, dict[int, str]], None]] = {
    Does.OPENS: _opens,
    Does.PLANS: _plans,
    Does.REFUSES: _refuses,
    Does.WAITS: _waits,
    Does.UPDATES: _updates,
    Does.SUPERSEDES: _ended(Outcome.SUPERSEDED, state="closed", by_us=True),
    Does.RESOLVES: _ended(Outcome.RESOLVED, state="closed", by_us=True),
    Does.REJECTED: _ended(Outcome.REJECTED, state="closed"),
    Does.LOST: _ended(Outcome.SUPERSEDED, state="closed"),
    Does.MERGES: _merges,
    Does.FOLLOWS: _follows,
    Does.ANEW: _anew,
    Does.JOINS: _joins,
    Does.ITS_OWN: _its_own,
    Does.SHARES: _shares,
    Does.PLANS_OTHER: _plans_other,
}
