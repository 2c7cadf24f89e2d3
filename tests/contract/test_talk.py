"""One contract for talking on both forges: the sandbox's GitHub, also held to GitHub's own description, and a Gitea."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ReconcilerError, SourceError, Unauthorized
from reconciler.model.conversation import Board, Comment, StatusState
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from tests.beds.users import BOT, REVIEWER
from tests.contract.pulls import BRANCH, proposal
from tests.contract.talk_worlds import STRANGER, GiteaTalkWorld, GitHubTalkWorld, TalkWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ports import Talk
    from reconciler.sandbox.forge import Forge
    from reconciler.sandbox.wire import Server
    from tests.testbed.github_front import Front

MARKER = "<!-- reconciler:test -->"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# What GitHub does and its description of REST does not name: 304 for a comment listing, 404 for a comment that is
# gone, 422 for a commit that is none, and GraphQL.
NOT_DESCRIBED = {
    "test_same_question_again_sees_what_is_new",
    "test_unchanged_answers_cost_nothing",
    "test_doctor_tells_what_talking_lacks",
    "test_revisions_of_a_ticked_text_tell_their_editors",
    "test_deleted_comment_is_written_anew",
    "test_status_of_an_unknown_commit_is_an_error",
}


@pytest.fixture(
    params=[
        "sandbox",
        pytest.param("sandbox, checked", marks=pytest.mark.github),
        pytest.param("gitea", marks=pytest.mark.real),
    ]
)
def world(request: pytest.FixtureRequest) -> Iterator[TalkWorld]:
    """A repository of the test's own on each forge; checked, no exchange may break GitHub's description."""
    if request.param == "gitea":
        yield GiteaTalkWorld(request.getfixturevalue("testbed"))
        return
    served: tuple[Server, Forge] = request.getfixturevalue("sandbox_github")
    server, forge = served
    if request.param == "sandbox":
        yield _on(server.url, forge)
        return
    if request.function.__name__ in NOT_DESCRIBED:
        pytest.skip("GitHub's description does not name this answer")
    front: Front = request.getfixturevalue("checked_github")
    front.exchanges.clear()
    forge.url = front.url
    try:
        yield _on(front.url, forge)
    finally:
        forge.url = server.url

    assert front.exchanges
    assert [e for e in front.exchanges if e.request_violations or e.response_violations] == []


def _on(url: str, forge: Forge) -> GitHubTalkWorld:
    made = GitHubTalkWorld(url, forge.tokens)
    made.clock = forge._clock
    return made


@pytest.fixture
def number(world: TalkWorld) -> int:
    """A pull request of ours."""
    world.push(BRANCH)
    return world.adapter().open(proposal()).number


def heard(talk: Talk, since: datetime = LONG_AGO) -> tuple[Comment, ...]:
    """Return the comments, which must be known."""
    found = talk.comments(since=since)
    assert not isinstance(found, Unknown)
    return found


def test_comments_of_the_whole_repository_come_in_their_order(world: TalkWorld, number: int) -> None:
    """Pull requests and issues alike, with who wrote them and where."""
    issue = world.issue("a question", "why?", by=STRANGER)
    world.say(number, "first")
    world.say(issue, "second", by=STRANGER)
    world.say(number, "/reconciler hold")

    found = [(c.number, c.author, c.body, c.bot, c.edited) for c in heard(world.talk())]
    assert found == [
        (number, REVIEWER, "first", False, False),
        (issue, STRANGER, "second", False, False),
        (number, REVIEWER, "/reconciler hold", False, False),
    ]


def test_edited_comment_shows_that_it_was(world: TalkWorld, number: int) -> None:
    """Whoever may write may edit what another said; its author stays the author."""
    comment = world.say(number, "well", by=STRANGER)
    world.edit(comment, "/reconciler stop")

    ((found),) = heard(world.talk())
    assert (found.author, found.body, found.edited) == (STRANGER, "/reconciler stop", True)


def test_only_what_changed_since_is_read(world: TalkWorld, number: int) -> None:
    """The time of the last one that was read is early enough for the next, and late enough for the ones before."""
    world.say(number, "first")
    talk = world.talk()
    (first,) = heard(talk)

    assert [c.id for c in heard(talk, first.updated_at)] == [first.id]
    assert heard(talk, first.updated_at + timedelta(seconds=5)) == ()


def test_same_question_again_sees_what_is_new(world: TalkWorld, number: int) -> None:
    """An answer that is kept for an unchanged listing never hides a change."""
    talk = world.talk()
    assert [heard(talk) for _ in range(2)] == [(), ()]

    world.say(number, "first")
    assert [[c.body for c in heard(talk)] for _ in range(2)] == [["first"], ["first"]]


def test_unchanged_answers_cost_nothing(world: TalkWorld, number: int) -> None:
    """A pass in which nobody said anything and nobody ticked anything spends nothing of GitHub's hourly limit."""
    if not isinstance(world, GitHubTalkWorld):
        pytest.skip("Gitea has no such limit")
    talk = world.talk()
    issue = talk.write_dashboard(None, title="where it stands", body=MARKER)
    world.say(number, "first")
    heard(talk)
    talk.board(issue.number)
    before = world.spent()

    heard(talk)
    talk.board(issue.number)
    assert world.spent() == before


def test_revisions_of_a_ticked_text_tell_their_editors(world: TalkWorld) -> None:
    """Whole texts, oldest first; where a forge keeps none, none are made up."""
    talk = world.talk()
    made = talk.write_dashboard(None, title="where it stands", body="- [ ] go")
    if not talk.tells_editors:
        assert isinstance(talk.board(made.number), Unknown)
        return
    untouched = talk.board(made.number)
    assert isinstance(untouched, Board)
    assert untouched.revisions == ()

    world.rewrite(made.number, "- [x] go")
    ticked = talk.board(made.number)
    assert isinstance(ticked, Board)
    assert [(r.editor, r.body, r.bot) for r in ticked.revisions] == [
        (BOT, "- [ ] go", False),
        (REVIEWER, "- [x] go", False),
    ]


def test_who_may_write_is_told_to_whom_the_forge_tells_it(world: TalkWorld) -> None:
    """A reader's no is a no; so is that of somebody who does not exist."""
    world.let_us_know_permissions()
    talk = world.talk()

    assert talk.us() == BOT
    assert [talk.may_write(user) for user in (REVIEWER, STRANGER, "nobody-at-all")] == [True, False, False]


def test_who_is_not_known_to_write_is_never_said_to(world: TalkWorld) -> None:
    """Gitea tells a team's members who is in it, and the rest to administrators; the error names the remedy."""
    talk = world.talk()
    assert talk.may_write(REVIEWER)
    if not isinstance(world, GiteaTalkWorld):
        assert not talk.may_write(STRANGER)
        return
    with pytest.raises(Unauthorized) as refused:
        talk.may_write(STRANGER)

    assert "administrator of the repository" in refused.value.remedy


def test_one_comment_of_ours_is_written_and_then_edited(world: TalkWorld, number: int) -> None:
    """Known by its id, or found again by marker and author."""
    talk = world.talk()
    first = talk.write_comment(number, f"one\n\n{MARKER}", marker=MARKER, known=None)
    again = talk.write_comment(number, f"two\n\n{MARKER}", marker=MARKER, known=None)
    known = talk.write_comment(number, f"three\n\n{MARKER}", marker=MARKER, known=first)

    assert first == again == known
    assert world.comments(number) == [f"three\n\n{MARKER}"]


def test_another_ones_comment_with_our_marker_is_not_ours(world: TalkWorld, number: int) -> None:
    """Anybody can write a marker; nobody gets us to edit their words, or to leave ours out."""
    world.say(number, f"mine\n\n{MARKER}", by=STRANGER)
    world.talk().write_comment(number, f"ours\n\n{MARKER}", marker=MARKER, known=None)

    assert world.comments(number) == [f"mine\n\n{MARKER}", f"ours\n\n{MARKER}"]


def test_quoted_marker_is_not_ours(world: TalkWorld, number: int) -> None:
    """A marker counts alone on its line."""
    world.say(number, f"> {MARKER}", by=BOT)
    world.talk().write_comment(number, f"ours\n\n{MARKER}", marker=MARKER, known=None)

    assert len(world.comments(number)) == 2


def test_deleted_comment_is_written_anew(world: TalkWorld, number: int) -> None:
    """An id that leads nowhere is no error."""
    talk = world.talk()
    first = talk.write_comment(number, f"one\n\n{MARKER}", marker=MARKER, known=None)
    world.delete(first)
    second = talk.write_comment(number, f"two\n\n{MARKER}", marker=MARKER, known=first)

    assert second != first
    assert world.comments(number) == [f"two\n\n{MARKER}"]


def test_dashboard_is_opened_once_and_found_again(world: TalkWorld) -> None:
    """By marker and author, closed or not; a pull request and another's issue are none."""
    world.issue("theirs", MARKER, by=STRANGER)
    talk = world.talk()
    assert talk.find_dashboard(MARKER) is None

    made = talk.write_dashboard(None, title="where it stands", body=f"one\n\n{MARKER}")
    changed = talk.write_dashboard(made.number, title="where it stands", body=f"two\n\n{MARKER}")
    assert (changed.number, changed.body.splitlines()[0], changed.is_open) == (made.number, "two", True)
    assert talk.find_dashboard(MARKER) == talk.dashboard(made.number) == changed

    world.close_issue(made.number)
    closed = talk.find_dashboard(MARKER)
    assert closed is not None
    assert (closed.number, closed.is_open) == (made.number, False)


def test_dashboard_that_does_not_exist_is_none(world: TalkWorld) -> None:
    """A number that leads nowhere is no error."""
    assert world.talk().dashboard(4711) is None


def test_label_comes_and_goes_beside_others(world: TalkWorld, number: int) -> None:
    """Twice is once, and another's label stays; one that the repository lacks is made."""
    world.label(number, "theirs")
    talk = world.talk()
    for _ in range(2):
        talk.label(number, "on hold", wanted=True)
    assert world.labels(number) == {"theirs", "on hold"}

    for _ in range(2):
        talk.label(number, "on hold", wanted=False)
    assert world.labels(number) == {"theirs"}


@pytest.mark.parametrize("state", list(StatusState))
def test_status_is_set_under_our_name(world: TalkWorld, state: StatusState) -> None:
    """On any commit that the repository has; the newest counts."""
    commit, talk = CommitId(world.push(BRANCH)), world.talk()
    talk.set_status(commit, StatusState.PENDING, description="waits")
    talk.set_status(commit, state, description="x" * 140)

    assert world.statuses(commit)[0] == ("reconciler", state.value, "x" * 140)


def test_status_of_an_unknown_commit_is_an_error(world: TalkWorld) -> None:
    """It is told, and left to the caller not to fail for it."""
    with pytest.raises(ReconcilerError):
        world.talk().set_status(CommitId("0" * 40), StatusState.SUCCESS, description="well")


def test_doctor_tells_what_talking_lacks(world: TalkWorld) -> None:
    """All that is switched on is tried, nothing is required, and what lacks is named with its remedy."""
    lines = {line.subject.partition(" ")[2]: line for line in world.talk().examine()}
    assert set(lines) == {"comments", "people's permissions", "issues", "commit statuses"}
    assert not [line for line in lines.values() if line.required]

    lacking = {subject for subject, line in lines.items() if not line.works}
    assert lacking == ({"people's permissions"} if isinstance(world, GiteaTalkWorld) else set())
    world.let_us_know_permissions()
    assert [line for line in world.talk().examine() if not line.works] == []


def test_silent_forge_is_unknown(world: TalkWorld) -> None:
    """Nothing heard is not nothing said (invariant 3); everything else raises."""
    if not isinstance(world, GitHubTalkWorld):
        pytest.skip("the same client as in the forge's own contract")
    talk = GitHubTalkWorld.talk(_at_nowhere(world))

    assert isinstance(talk.comments(since=LONG_AGO), Unknown)
    with pytest.raises(SourceError):
        talk.us()


def _at_nowhere(world: GitHubTalkWorld) -> GitHubTalkWorld:
    nowhere = copy.copy(world)
    nowhere._url = "http://127.0.0.1:9"
    return nowhere
