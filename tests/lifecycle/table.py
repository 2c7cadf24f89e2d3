"""What we do with a pull request, event by state: the one place that says it.

Each cell is one test (`test_cells.py`) on both forges, and `docs/lifecycle.md` is written from here:
`python -m tests.lifecycle.table`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


class State(StrEnum):
    """Where a pull request stands when something happens."""

    PLANNED = "planned"
    OPEN = "open"
    APPROVED = "approved"
    OBJECTED = "changes requested"
    HELD = "held"
    EDITED = "value edited"
    FOREIGN = "foreign commit"
    MERGED = "merged"
    CLOSED = "closed"


class Does(StrEnum):
    """What we do then; the words of the page."""

    OPENS = "opens it"
    PLANS = "stays planned"
    REFUSES = "refuses, tells a person"
    WAITS = "waits"
    UPDATES = "writes it anew in place"
    SUPERSEDES = "closes it: superseded"
    RESOLVES = "closes it: resolved"
    REJECTED = "ends as rejected"
    MERGES = "merges it"
    FOLLOWS = "follows the merge"
    LOST = "ends as superseded"
    ANEW = "opens a new one"
    JOINS = "takes it in, in place"
    ITS_OWN = "opens one of its own for it"
    SHARES = "shares it, in one commit"
    PLANS_OTHER = "leaves it as it is, plans the other one"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what we do, and words that the pass says with it."""

    does: Does
    said: str = ""
    not_on_gitea: str = ""  # why the testbed's Gitea cannot show it
    said_on_gitea: str = ""  # where it says something else
    does_on_gitea: Does | None = None  # where it does something else

    def __str__(self) -> str:
        shown = f"{self.does}: “{self.said}”" if self.said else self.does.value
        if self.not_on_gitea:
            return f"{shown} ({self.not_on_gitea})"
        return f"{shown} (Gitea: {self.does_on_gitea})" if self.does_on_gitea else shown


W, U, S, R = Does.WAITS, Does.UPDATES, Does.SUPERSEDES, Does.RESOLVES
ASKED, HOLD, ANA, THEIRS, REVIEW = (
    "asks for changes",
    "is on hold",
    "ana approved it",
    "so it is theirs",
    "waits for a review",
)
_OPEN, _APPROVED, _OBJECTED = Cell(W, REVIEW), Cell(W, ANA), Cell(W, ASKED)
_HELD, _THEIRS = Cell(W, HOLD), Cell(W, THEIRS)
_FOLLOWS, _REJECTED, _OPENS = Cell(Does.FOLLOWS), Cell(Does.REJECTED), Cell(Does.OPENS)
_JOINS, _ITS_OWN = Cell(Does.JOINS), Cell(Does.ITS_OWN)

Row = dict[State, Cell]


def _row(*cells: Cell | None) -> Row:
    """Return a row in the order of the states; None: it cannot happen there."""
    return {state: cell for state, cell in zip(State, cells, strict=True) if cell is not None}


_NO = None
_UNTOUCHED = (_OPENS, _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED)
_PERSON_MERGES = (_NO, _FOLLOWS, _FOLLOWS, _FOLLOWS, _FOLLOWS, _FOLLOWS, _FOLLOWS, _NO, _NO)
_SILENT = "answered 301"
_SAME = "base holds the proposed value already"
_NO_QUEUE = "Gitea has no merge queue"

TABLE: dict[str, Row] = {
    "nothing happens": _row(*_UNTOUCHED),
    "the finding asks for more": _row(
        _OPENS, Cell(U), _APPROVED, Cell(U), _HELD, _THEIRS, _THEIRS, _FOLLOWS, Cell(Does.ANEW)
    ),
    "another container of the object is in trouble": _row(
        _JOINS, _JOINS, _ITS_OWN, _JOINS, _ITS_OWN, _ITS_OWN, _ITS_OWN, _ITS_OWN, _ITS_OWN
    ),
    "another object of the Application is in trouble, over the budget": _row(
        Cell(Does.SHARES), *[Cell(Does.PLANS_OTHER)] * 6, _ITS_OWN, _ITS_OWN
    ),
    "the trouble is gone long enough": _row(
        Cell(R), Cell(R), _APPROVED, Cell(R), _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "the trouble is gone for one pass": _row(*_UNTOUCHED),
    "the trouble is gone, and a source is silent": _row(*_UNTOUCHED),
    "base: an unrelated commit": _row(*_UNTOUCHED),
    "base: another line of our file": _row(
        _OPENS, Cell(U), _APPROVED, Cell(U), _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "base: a conflict beside our field": _row(
        _OPENS,
        Cell(U),
        Cell(U, said_on_gitea=ANA, does_on_gitea=W),
        Cell(U),
        _HELD,
        _THEIRS,
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "base: our field gets another value": _row(
        Cell(Does.PLANS, "the file and the cluster differ"),
        Cell(S),
        Cell(S),
        Cell(S),
        _HELD,
        Cell(S),
        Cell(S),
        Cell(Does.LOST),
        _REJECTED,
    ),
    "base: our field gets our value": _row(
        Cell(Does.PLANS, "the file and the cluster differ"),
        Cell(W, _SAME),
        Cell(W, _SAME),
        Cell(W, _SAME),
        _HELD,
        Cell(S),
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "base is force-pushed to an older commit": _row(
        _OPENS, _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, Cell(W, "waiting_for_revision"), _REJECTED
    ),
    "a writer approves the head": _row(
        _NO, _APPROVED, Cell(W, "ana, forge-admin approved it"), _APPROVED, _HELD, _THEIRS, _THEIRS, _NO, _NO
    ),
    "a reader approves": _row(
        _NO,
        Cell(W, "mallory's review does not count"),
        Cell(W, "mallory's review does not count"),
        Cell(W, "mallory's review does not count"),
        _HELD,
        _THEIRS,
        _THEIRS,
        _NO,
        _NO,
    ),
    "a writer asks for changes": _row(_NO, _OBJECTED, _OBJECTED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _NO, _NO),
    "reviews are dismissed": _row(_NO, _OPEN, _OPEN, _OPEN, _HELD, _THEIRS, _THEIRS, _NO, _NO),
    "a comment": _row(_NO, _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED),
    "`/reconciler hold` of a writer": _row(_NO, _HELD, _HELD, _HELD, _HELD, _HELD, _HELD, _FOLLOWS, _REJECTED),
    "`/reconciler hold` of a reader": _row(
        _NO, _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "`/reconciler retry`": _row(_NO, _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, Cell(Does.ANEW)),
    "a person edits the value": _row(_NO, _THEIRS, _THEIRS, _THEIRS, _HELD, _THEIRS, _THEIRS, _NO, _NO),
    "a person commits something else": _row(_NO, _THEIRS, _THEIRS, _THEIRS, _HELD, _THEIRS, _THEIRS, _NO, _NO),
    "the label hold is put on": _row(_NO, _HELD, _HELD, _HELD, _HELD, _HELD, _HELD, _FOLLOWS, _REJECTED),
    "the label hold is taken off": _row(_NO, _NO, _NO, _NO, _OPEN, _NO, _NO, _NO, _NO),
    "a person merges": _row(*_PERSON_MERGES),
    "a person squashes": _row(*_PERSON_MERGES),
    "a person rebases": _row(*_PERSON_MERGES),
    "a merge that lost our change": _row(
        _NO,
        Cell(Does.LOST),
        Cell(Does.LOST),
        Cell(Does.LOST),
        Cell(Does.LOST),
        Cell(Does.LOST),
        Cell(Does.LOST),
        _NO,
        _NO,
    ),
    "a person closes": _row(_NO, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _NO, _NO),
    "a person reopens": _row(_NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO, Cell(W)),
    "`reconciler reject`": _row(_REJECTED, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _REJECTED, _NO, _NO),
    "policy: merge on approval": _row(
        _OPENS, _OPEN, Cell(Does.MERGES), _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "policy: merge autonomously": _row(
        Cell(Does.MERGES), Cell(Does.MERGES), Cell(Does.MERGES), _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "policy: merge autonomously, base wants a review": _row(
        Cell(Does.OPENS), Cell(W), Cell(Does.MERGES), _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "policy: merge on approval, base wants its code owner's review": _row(
        _OPENS,
        Cell(W, "waits for a review, asked of forge-admin"),
        Cell(W, "ana approved it; a review of forge-admin is still missing"),
        _OBJECTED,
        _HELD,
        _THEIRS,
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "policy: merge on approval, base wants its code owner's review, and the owner approves": _row(
        _NO, Cell(Does.MERGES), Cell(Does.MERGES), _OBJECTED, _HELD, _THEIRS, _THEIRS, _NO, _NO
    ),
    "a rule refuses our push": _row(
        Cell(Does.REFUSES), _OPEN, _APPROVED, _OBJECTED, _HELD, _THEIRS, _THEIRS, _FOLLOWS, _REJECTED
    ),
    "a rule refuses our push, and base changes our file": _row(
        Cell(Does.REFUSES),
        Cell(W, "it was given up"),
        _APPROVED,
        Cell(W, "it was given up"),
        _HELD,
        _THEIRS,
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "it waits in the merge queue, and base changes our file": _row(
        _NO, Cell(W, "is in the merge queue", _NO_QUEUE), Cell(W, ANA, _NO_QUEUE), _NO, _NO, _NO, _NO, _NO, _NO
    ),
    "policy: merge autonomously, a required check is pending": _row(
        _NO,
        Cell(W, "ci pending"),
        Cell(W, "ci pending"),
        _OBJECTED,
        _HELD,
        _THEIRS,
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "policy: merge autonomously, the check succeeds": _row(
        _NO, Cell(Does.MERGES), Cell(Does.MERGES), _NO, _NO, _NO, _NO, _NO, _NO
    ),
    "the repository is archived": _row(
        Cell(Does.PLANS, "does not let us in"),
        _OPEN,
        _APPROVED,
        _OBJECTED,
        _HELD,
        _THEIRS,
        _THEIRS,
        _FOLLOWS,
        _REJECTED,
    ),
    "the repository is renamed": _row(
        Cell(Does.PLANS, "is now called", said_on_gitea=_SILENT),
        Cell(W, REVIEW, said_on_gitea=_SILENT),
        Cell(W, ANA, said_on_gitea=_SILENT),
        Cell(W, ASKED, said_on_gitea=_SILENT),
        Cell(W, HOLD, said_on_gitea=_SILENT),
        Cell(W, THEIRS, said_on_gitea=_SILENT),
        Cell(W, THEIRS, said_on_gitea=_SILENT),
        _FOLLOWS,
        _REJECTED,
    ),
    "our token is refused": _row(
        Cell(Does.PLANS, "no pull request can be opened now"),
        *(Cell(W, "is not known now") for _ in range(6)),
        _FOLLOWS,
        _REJECTED,
    ),
    "our token is refused, then renewed": _row(*_UNTOUCHED),
}


def cells() -> list[tuple[str, State, Cell]]:
    """Return every cell that can happen."""
    return [(event, state, cell) for event, row in TABLE.items() for state, cell in row.items()]


def markdown() -> str:
    """Return the table as the page shows it."""
    head = " | ".join(state.value for state in State)
    lines = [f"| event | {head} |", "|---" * (len(State) + 1) + "|"]
    for event, row in TABLE.items():
        shown = " | ".join(str(row[state]) if state in row else "–" for state in State)
        lines.append(f"| **{event}** | {shown} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """Return a page with the table of now between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{markdown()}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page, or with --check say whether it is fresh."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = written(text)
    if "--check" in sys.argv:
        return int(text != fresh)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
