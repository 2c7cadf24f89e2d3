"""How each state of the table is reached, and how each event happens: plain words to what people do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind
from tests.beds.users import ADMIN, BOT, READER, REVIEWER
from tests.lifecycle.life import FILE, MAIL, MAIL_FILE
from tests.lifecycle.table import State
from tests.manifests.examples import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.life import Life


_MINUTE = timedelta(minutes=1)
_OWNED = (
    "policy: merge on approval, base wants its code owner's review",
    "policy: merge on approval, base wants its code owner's review, and the owner approves",
)


def prepare(life: Life, event: str) -> None:
    """Let be there from the beginning what an event needs."""
    if event in _OWNED:
        life.side.own("apps/", ADMIN)


def reach(life: Life, state: State) -> None:
    """Bring the pull request into a state, and let a pass see it."""
    life.override("guards", max_open_pull_requests=0 if state is State.PLANNED else 20)
    life.run()
    if state in _STATES:
        _STATES[state](life)
        life.run()


def happen(life: Life, event: str) -> None:
    """Let an event happen, and passes after it."""
    life.override("guards", max_open_pull_requests=20)
    _EVENTS[event](life)


def _approve(life: Life, by: str = REVIEWER) -> None:
    life.side.person(by).approve(life.side.repository, life.number)


def _approve_once_more(life: Life) -> None:
    """Approve as ana; where she did so before, as another writer, too."""
    approved = _approved(life)
    _approve(life)
    if approved:
        _approve(life, ADMIN)


def _say(life: Life, body: str, by: str = REVIEWER) -> None:
    life.side.person(by).comment(life.side.repository, life.number, body)


def _merge(life: Life, method: str = "merge") -> None:
    life.side.person(REVIEWER).merge(life.side.repository, life.number, method)


def _close(life: Life) -> None:
    life.side.person(REVIEWER).close(life.side.repository, life.number)


def _edit_value(life: Life) -> None:
    life.edit(f"memory: {life.limit(life.branch)}}}", "memory: 1536Mi}", branch=life.branch)


def _commit_else(life: Life) -> None:
    life.side.commit({"NOTES.md": f"looked at {life.head}\n"}, branch=life.branch)


_STATES: dict[State, Callable[[Life], None]] = {
    State.APPROVED: _approve,
    State.OBJECTED: lambda life: life.side.request_changes(life.number, REVIEWER),
    State.HELD: lambda life: life.side.label(life.number, "hold"),
    State.EDITED: _edit_value,
    State.FOREIGN: _commit_else,
    State.MERGED: _merge,
    State.CLOSED: _close,
}


def _then(*acts: Callable[[Life], object], passes: int = 2, later: timedelta | None = None) -> Callable[[Life], None]:
    """Let people act, then make passes; `later` is for what we try again by our own time."""

    def happens(life: Life) -> None:
        for act in acts:
            act(life)
        life.run(passes, later=later)

    return happens


def _more(life: Life) -> None:
    life.around.peak = 1900.0


def _proxy(life: Life) -> None:
    life.around.proxy = True


def _neighbour(life: Life) -> None:
    """Another Deployment of the Application is killed, where one pull request is all that may be open."""
    planned = not life.side.pulls()
    life.override("guards", max_open_pull_requests=0 if planned else 1)
    life.side.commit({MAIL_FILE: MANIFEST.replace("webapp", MAIL.name)})
    life.around.neighbour = True
    life.run()
    life.override("guards", max_open_pull_requests=1)
    life.run()


def _gone(life: Life) -> None:
    life.around.trouble = False


def _gone_long(life: Life) -> None:
    _gone(life)
    life.run(7, later=_MINUTE)


def _gone_once(life: Life) -> None:
    _gone(life)
    life.run(later=_MINUTE)
    life.around.trouble = True
    life.run(4, later=_MINUTE)


def _gone_in_the_dark(life: Life) -> None:
    _gone(life)
    life.around.active = lambda: Unknown("alertmanager", "timeout")  # type: ignore[method-assign,assignment,return-value]
    life.run(7, later=_MINUTE)


def _base_line(life: Life) -> None:
    life.edit("# The shop's front door.", "# The shop's front door, and its back door.")


def _base_conflict(life: Life) -> None:
    life.edit("# measured in May", "# measured in June")


def _base_field(life: Life, value: str = "3Gi") -> None:
    life.edit("limits: {cpu: 1, memory: ", f"limits: {{cpu: 1, memory: {value}}}   # was ")


def _force_base(life: Life) -> None:
    """Let base be at an older commit: GitHub's API can force a reference, Gitea is told through a branch's name."""
    older = life.first
    before = life.side.text(FILE)
    life.side.commit({"README.md": "soon to be lost\n"})
    life.run()
    assert life.side.text(FILE) == before
    life.side.force("main", older)


def _expired(life: Life, *, renew: bool) -> None:
    token = life.side.tokens[BOT]
    life.side.tokens = {**life.side.tokens, BOT: "0" * 40}
    life.run(3)
    if renew:
        life.side.tokens = {**life.side.tokens, BOT: token}
        life.run(2)


def _policy(life: Life, merge: str) -> None:
    life.override("policy", merge=merge)


def _guarded(life: Life) -> None:
    life.side.require_review()
    _policy(life, "autonomous")


def _owned(life: Life, *, approved: bool) -> None:
    """Let base want the review of an owner, who was asked when it was opened."""
    life.side.require_owner()
    if approved:
        _approve(life, ADMIN)
    _policy(life, "on_approval")


def _checked(life: Life, state: str) -> None:
    life.side.require_check("ci")
    if life.pull["state"] == "open":
        life.side.report(life.head, "ci", state)
    _policy(life, "autonomous")


def _lose(life: Life) -> None:
    """Somebody takes our value out of the branch again, and merges before a pass sees it."""
    life.edit(f"memory: {life.limit(life.branch)}}}", "memory: 512Mi}", branch=life.branch)
    life.side.commit({"NOTES.md": "something to merge\n"}, branch=life.branch)
    _merge(life)


def _reject(life: Life) -> None:
    life.say(EventKind.APPROVAL_REJECTED, by="ana", reason="not now")


_EVENTS: dict[str, Callable[[Life], None]] = {
    "nothing happens": _then(lambda _: None),
    "the finding asks for more": _then(_more),
    "another container of the object is in trouble": _then(_proxy, passes=3),
    "another object of the Application is in trouble, over the budget": _neighbour,
    "the trouble is gone long enough": _gone_long,
    "the trouble is gone for one pass": _gone_once,
    "the trouble is gone, and a source is silent": _gone_in_the_dark,
    "base: an unrelated commit": _then(lambda life: life.side.commit({"README.md": "more manifests\n"})),
    "base: another line of our file": _then(_base_line),
    "base: a conflict beside our field": _then(_base_conflict, passes=4),
    "base: our field gets another value": _then(_base_field, passes=3),
    "base: our field gets our value": _then(lambda life: _base_field(life, "1Gi")),
    "base is force-pushed to an older commit": _then(_force_base),
    "a writer approves the head": _then(_approve_once_more),
    "a reader approves": _then(lambda life: _approve(life, READER)),
    "a writer asks for changes": _then(lambda life: life.side.request_changes(life.number, REVIEWER)),
    "reviews are dismissed": _then(lambda life: life.side.dismiss_reviews(life.number)),
    "a comment": _then(lambda life: _say(life, "hm")),
    "`/reconciler hold` of a writer": _then(lambda life: _say(life, "/reconciler hold")),
    "`/reconciler hold` of a reader": _then(lambda life: _say(life, "/reconciler hold", READER)),
    "`/reconciler retry`": _then(lambda life: _say(life, "/reconciler retry")),
    "a person edits the value": _then(
        lambda life: life.edit(f"memory: {life.limit(life.branch)}}}", "memory: 1792Mi}", branch=life.branch)
    ),
    "a person commits something else": _then(_commit_else),
    "the label hold is put on": _then(lambda life: life.side.label(life.number, "hold")),
    "the label hold is taken off": _then(lambda life: life.side.unlabel(life.number, "hold")),
    "a person merges": _then(_merge),
    "a person squashes": _then(lambda life: _merge(life, "squash")),
    "a person rebases": _then(lambda life: _merge(life, "rebase")),
    "a merge that lost our change": _then(_lose),
    "a person closes": _then(_close),
    "a person reopens": _then(lambda life: life.side.reopen(life.number)),
    "`reconciler reject`": _then(_reject),
    "policy: merge on approval": _then(lambda life: _policy(life, "on_approval"), passes=4, later=_MINUTE),
    "policy: merge autonomously": _then(lambda life: _policy(life, "autonomous"), passes=4, later=_MINUTE),
    "policy: merge autonomously, base wants a review": _then(_guarded, passes=4, later=_MINUTE),
    _OWNED[0]: _then(lambda life: _owned(life, approved=False), passes=4, later=_MINUTE),
    _OWNED[1]: _then(lambda life: _owned(life, approved=True), passes=4, later=_MINUTE),
    "a rule refuses our push": _then(lambda life: life.side.forbid_pushes()),
    "a rule refuses our push, and base changes our file": _then(
        lambda life: life.side.forbid_pushes(), _base_line, passes=4
    ),
    "it waits in the merge queue, and base changes our file": _then(
        lambda life: life.side.enqueue(life.number), _base_line
    ),
    "policy: merge autonomously, a required check is pending": _then(
        lambda life: _checked(life, "pending"), passes=4, later=_MINUTE
    ),
    "policy: merge autonomously, the check succeeds": _then(
        lambda life: _checked(life, "success"), passes=4, later=_MINUTE
    ),
    "the repository is renamed": _then(lambda life: life.side.rename(f"{life.side.repository.partition('/')[2]}-new")),
    "the repository is archived": _then(lambda life: life.side.archive()),
    "our token is refused": _then(lambda life: _expired(life, renew=False), passes=1),
    "our token is refused, then renewed": _then(lambda life: _expired(life, renew=True), passes=1),
}


def _approved(life: Life) -> bool:
    """Tell whether ana had approved it before."""
    inspected = life.operation.pull_request.inspected if life.operation.pull_request else None
    return bool(inspected and any(review.state == "approved" for review in inspected.reviews))
