"""One contract for all forges: a real Gitea, the sandbox's GitHub and one by others behind GitHub's own description."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import forges
from reconciler.errors import Conflict, ReconcilerError, Refusal
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import Proposal, PullRequest, PullRequestState
from reconciler.model.review import MergeState, ReviewState
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.forge import Forge
from reconciler.sandbox.wire import Server
from tests.beds.users import REVIEWER
from tests.contract.forge_worlds import ForgeWorld, GiteaWorld, GitHubAppWorld, GitHubWorld
from tests.testbed import build, github_server
from tests.worlds import WEBAPP, located_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.github_front import Front
    from tests.testbed.github_server import GitHub

# What the GitHub server itself does against GitHub's description; nothing that we read.
KNOWN_VIOLATIONS_OF_THE_SERVER = {
    ("GET", "['response', 'body'] Response body must have required property 'subscribers_count'"),
    ("GET", "['response', 'body'] Response body must have required property 'network_count'"),
    # 200 instead of 201 for requested reviewers
    ("POST", "['response'] Unable to match the returned status code with those defined in the document: 201,403,422"),
}

BRANCH = "reconciler/webapp-0123abcd"


def _install() -> None:
    """Get the checker, or skip with the reason."""
    try:
        github_server.install()
    except build.Unavailable as reason:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"CI must run the GitHub tests: {reason}", pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def github_double() -> Iterator[GitHub]:
    """The GitHub server, one for the whole test run."""
    _install()
    with github_server.running() as running:
        yield running


@pytest.fixture(scope="session")
def sandbox_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Forge]]:
    """The sandbox's GitHub alone, one for the whole test run."""
    forge = Forge(SandboxClock(), tmp_path_factory.mktemp("forge"), ids=random.Random(0))
    server = Server(forge.handle, name="GitHub")
    forge.url = server.url
    server.start()
    yield server, forge
    server.stop()


@pytest.fixture(scope="session")
def checked_github(sandbox_github: tuple[Server, Forge]) -> Iterator[Front]:
    """GitHub's own description of its API, before the sandbox's GitHub."""
    _install()
    with github_server.checked(sandbox_github[0].url) as front:
        yield front


@pytest.fixture(
    params=[
        "sandbox",
        "sandbox, as an App",
        pytest.param("sandbox, checked", marks=pytest.mark.github),
        pytest.param("gitea", marks=pytest.mark.real),
        pytest.param("github", marks=pytest.mark.github),
    ]
)
def world(request: pytest.FixtureRequest) -> Iterator[ForgeWorld]:
    """A repository of the test's own on each forge; on GitHub, every request is checked."""
    if request.param == "gitea":
        yield GiteaWorld(request.getfixturevalue("testbed"))
        return
    if request.param.startswith("sandbox"):
        yield from _in_the_sandbox(request)
        return
    server: GitHub = request.getfixturevalue("github_double")
    server.front.exchanges.clear()
    yield GitHubWorld(server.front.url, server.tokens, is_anothers=True)
    broken = [(e.method, e.path, e.request_violations) for e in server.front.exchanges if e.request_violations]
    answered = {(e.method, text) for e in server.front.exchanges for text in e.response_violations}

    assert broken == []
    assert answered <= KNOWN_VIOLATIONS_OF_THE_SERVER


def _in_the_sandbox(request: pytest.FixtureRequest) -> Iterator[ForgeWorld]:
    """Yield the sandbox's GitHub; checked, neither a request nor an answer may break the description."""
    server, forge = request.getfixturevalue("sandbox_github")
    if request.param == "sandbox":
        yield GitHubWorld(server.url, forge.tokens)
        return
    if request.param == "sandbox, as an App":
        yield GitHubAppWorld(server.url, forge)
        return
    front: Front = request.getfixturevalue("checked_github")
    front.exchanges.clear()
    forge.url = front.url  # clients follow the links that the answers hold
    try:
        yield GitHubWorld(front.url, forge.tokens)
    finally:
        forge.url = server.url

    assert front.exchanges
    assert [e for e in front.exchanges if e.request_violations or e.response_violations] == []


def proposal(branch: str = BRANCH) -> Proposal:
    """A proposal whose branch is pushed already; of its content, only what the forge sees matters here."""
    return Proposal(
        identity="0123abcd",
        digest="d1",
        branch=branch,
        base="main",
        base_commit=CommitId("0" * 40),
        target=WEBAPP,
        located=located_at("deploy/web.yaml"),
        changes=(),
        edits=(),
        title="webapp: memory 512Mi to 1Gi",
        body="It was OOM killed.\n\n- 3 times",
        message="",
    )


def listed(world: ForgeWorld, prefix: str = "reconciler") -> tuple[PullRequest, ...]:
    """Return what the list says, which must be known."""
    found = world.adapter().pull_requests(prefix=prefix)
    assert not isinstance(found, Unknown), str(found)
    return found


def test_an_opened_pull_request_carries_the_proposal(world: ForgeWorld) -> None:
    """Title, text, branches, head commit and author are as proposed."""
    head = world.push(BRANCH)

    opened = world.adapter().open(proposal())

    assert (opened.state, opened.branch, opened.base, opened.head) == (PullRequestState.OPEN, BRANCH, "main", head)
    assert (opened.title, opened.body, opened.author) == (proposal().title, proposal().body, world.bot)
    assert opened.same_repository
    assert (opened.merge_commit, opened.merged_by, opened.closed_by) == (None, None, None)


def test_an_opened_pull_request_is_found_by_its_branch_and_in_the_list(world: ForgeWorld) -> None:
    """It is found again without any store."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.number, found.head, found.url) == (opened.number, opened.head, opened.url)
    assert [p.number for p in listed(world)] == [opened.number]


def test_a_branch_without_a_pull_request_finds_nothing(world: ForgeWorld) -> None:
    """Absent is a known answer: None."""
    world.push(BRANCH)
    world.adapter().open(proposal())

    assert world.adapter().find("reconciler/other-4567") is None


def test_opening_twice_adopts_the_first(world: ForgeWorld) -> None:
    """Invariant 6: running twice is a no-op."""
    world.push(BRANCH)
    first = world.adapter().open(proposal())

    second = world.adapter().open(proposal())

    assert second.number == first.number
    assert [p.number for p in listed(world)] == [first.number]


def test_four_openings_at_once_leave_one_open(world: ForgeWorld) -> None:
    """Invariant 6: even a forge that does not see the race ends with one, and all openers agree on it."""
    world.push(BRANCH)
    adapters = [world.adapter() for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda adapter: adapter.open(proposal()), adapters))

    still_open = [p.number for p in listed(world) if p.state is PullRequestState.OPEN]
    found = world.adapter().find(BRANCH)
    assert len(still_open) == 1
    assert {p.number for p in opened} == set(still_open)
    assert found is not None
    assert found.number == still_open[0]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_by_a_person_tells_the_commit_that_base_has_now(world: ForgeWorld, method: str) -> None:
    """However it is merged, the merge commit is the tip that base took, also when the branch is gone."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.merge(opened.number, method)

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.number, found.state, found.merged_by) == (opened.number, PullRequestState.MERGED, REVIEWER)
    assert found.merge_commit == world.base_head()
    assert found.same_repository
    assert [(p.state, p.merge_commit) for p in listed(world)] == [(PullRequestState.MERGED, found.merge_commit)]


def test_a_close_by_a_person_tells_who(world: ForgeWorld) -> None:
    """A person's close is a rejection, so who it was matters."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.close(opened.number)

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.state, found.closed_by, found.merge_commit) == (PullRequestState.CLOSED, REVIEWER, None)


def test_after_a_close_a_new_one_can_be_opened_and_is_the_one_found(world: ForgeWorld) -> None:
    """The branch stays the same for a better value, so the newest counts."""
    world.push(BRANCH)
    first = world.adapter().open(proposal())
    world.close(first.number)

    second = world.adapter().open(proposal())

    found = world.adapter().find(BRANCH)
    assert second.number > first.number
    assert found is not None
    assert found.number == second.number
    assert [p.number for p in listed(world)] == [second.number, first.number]


def test_our_close_says_why_once(world: ForgeWorld) -> None:
    """Closing again changes nothing, and does not repeat the comment."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())

    world.adapter().close(opened.number, why="The trouble ended before this was merged.")
    world.adapter().close(opened.number, why="The trouble ended before this was merged.")

    found = world.adapter().find(BRANCH)
    assert found is not None
    assert (found.state, found.closed_by) == (PullRequestState.CLOSED, world.bot)
    assert world.comments(opened.number) == ["The trouble ended before this was merged."]


def test_closing_a_merged_one_changes_nothing(world: ForgeWorld) -> None:
    """Invariant 7: a person who merges first has decided."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.merge(opened.number, "merge")

    world.adapter().close(opened.number, why="too late")

    assert world.comments(opened.number) == []
    assert [p.state for p in listed(world)] == [PullRequestState.MERGED]


def test_the_list_leaves_out_other_prefixes_and_forks(world: ForgeWorld) -> None:
    """A pull request from a fork is never ours, whatever its branch is called."""
    world.push(BRANCH)
    world.push("reconciler-of-somebody/else")
    ours = world.adapter().open(proposal())
    world.adapter().open(proposal("reconciler-of-somebody/else"))
    world.pull_request_from_fork("reconciler/forged-1")

    assert [p.number for p in listed(world)] == [ours.number]
    assert world.adapter().find("reconciler/forged-1") is None


def test_labels_and_reviewers_are_put_on(world: ForgeWorld) -> None:
    """A label that the repository lacks is made."""
    world.push(BRANCH)

    opened = world.adapter(labels=("reconciler", "memory"), reviewers=(REVIEWER,)).open(proposal())

    assert world.labels(opened.number) == {"reconciler", "memory"}
    assert world.reviewers(opened.number) == {REVIEWER}


def test_one_bad_reviewer_keeps_nobody_else_from_being_asked(
    world: ForgeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The forge refuses the whole request; each is then asked alone, and the bad one is a warning."""
    world.push(BRANCH)

    opened = world.adapter(reviewers=("nobody-of-this-name", REVIEWER)).open(proposal())

    assert world.reviewers(opened.number) == {REVIEWER}
    told = [(record.levelname, vars(record)["extra"]) for record in caplog.records if record.name == forges.__name__]
    assert told == [("WARNING", "review by nobody-of-this-name")]


def test_a_head_that_does_not_differ_or_exist_is_an_error_that_names_it(world: ForgeWorld) -> None:
    """A proposal that the forge cannot take says what is wrong, and opens nothing."""
    with pytest.raises(ReconcilerError) as caught:
        world.adapter().open(proposal("main"))

    assert isinstance(caught.value, Refusal)
    assert "422" in caught.value.code
    assert listed(world, "main") == ()


def test_doctor_finds_everything_in_order_and_changes_nothing(world: ForgeWorld) -> None:
    """Identity, repository, push and pull requests work for our bot, and no pull request is left behind."""
    before = world.base_head()

    diagnoses = world.adapter().examine()

    assert [d.detail for d in diagnoses if d.required and not d.works] == []
    assert any(world.bot in d.detail for d in diagnoses)
    assert all(d.remedy for d in diagnoses if not d.works)
    assert world.adapter().find("main") is None
    assert world.base_head() == before


@pytest.fixture
def judging(world: ForgeWorld) -> ForgeWorld:
    """A forge that judges reviews and merges as the real ones do."""
    if world.is_anothers:
        pytest.skip("this server answers 422 where GitHub answers 405 and 409, and computes no mergeability")
    return world


def opened(world: ForgeWorld) -> tuple[int, str]:
    """Open a pull request; return its number and head."""
    head = world.push(BRANCH)
    return world.adapter().open(proposal()).number, head


def mergeability(world: ForgeWorld, number: int, *, other_than: str = "unknown") -> MergeState:
    """Ask until the forge has worked it out; the first time it may not have looked."""
    for _ in range(20):
        found = world.adapter().mergeability(number)
        if found.state != other_than:
            break
    return found.state


def test_reviews_tell_what_was_said_about_which_head_and_by_whom(judging: ForgeWorld) -> None:
    """Invariant 9: an approval is of a commit, by somebody with rights."""
    number, head = opened(judging)
    assert judging.adapter().reviews(number) == ()
    judging.review(number, "COMMENT")
    judging.review(number, "APPROVE")

    found = judging.adapter().reviews(number)

    assert [(r.user, r.state, r.commit) for r in found] == [
        (REVIEWER, ReviewState.COMMENTED, head),
        (REVIEWER, ReviewState.APPROVED, head),
    ]
    assert (found[-1].may_write, found[-1].bot) == (True, False)


def test_review_keeps_the_head_that_it_saw(judging: ForgeWorld) -> None:
    """A later push makes an approval stale, and that shows."""
    number, head = opened(judging)
    judging.review(number, "APPROVE")
    judging.commit_to(BRANCH, "more.txt", "hers")

    (review,) = judging.adapter().reviews(number)

    (pull,) = listed(judging)
    assert review.commit == head != pull.head


def test_request_for_changes_and_its_dismissal_are_told(judging: ForgeWorld) -> None:
    """An objection stands until it is dismissed; then it is told as such."""
    number, _ = opened(judging)
    judging.review(number, "REQUEST_CHANGES")
    assert [r.state for r in judging.adapter().reviews(number)] == [ReviewState.CHANGES_REQUESTED]

    judging.dismiss(number)

    assert [r.state for r in judging.adapter().reviews(number)] == [ReviewState.DISMISSED]


def test_list_tells_labels(judging: ForgeWorld) -> None:
    """A label such as `hold` costs no call of its own."""
    number, _ = opened(judging)

    judging.label(number, "hold")

    assert [p.labels for p in listed(judging)] == [("hold",)]


def test_update_changes_title_and_text_and_nothing_else(judging: ForgeWorld) -> None:
    """The same pull request says something else."""
    number, head = opened(judging)

    judging.adapter().update(number, title="2Gi instead", body="It needs more.")

    (pull,) = listed(judging)
    assert (pull.number, pull.title, pull.body) == (number, "2Gi instead", "It needs more.")
    assert (pull.state, pull.head) == (PullRequestState.OPEN, head)


def test_mergeability_tells_clean_from_conflicting(judging: ForgeWorld) -> None:
    """What base took meanwhile decides."""
    number, _ = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    judging.commit_to("main", f"{BRANCH}.txt", "something else")

    assert mergeability(judging, number, other_than="clean") in {MergeState.DIRTY, MergeState.UNKNOWN}
    assert mergeability(judging, number) is judging.conflicting


def test_mergeability_names_the_check_that_has_not_passed(judging: ForgeWorld) -> None:
    """A person is told what it waits for."""
    number, head = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    judging.report(head, "pending")

    found = judging.adapter().mergeability(number)
    assert found.state is MergeState.UNSTABLE
    assert "ci pending" in found.reason


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_our_merge_of_the_head_gives_bases_new_tip(judging: ForgeWorld, method: str) -> None:
    """However it is merged."""
    number, head = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    commit = judging.adapter().merge(number, head=CommitId(head), method=method)

    assert commit == judging.base_head()
    found = judging.adapter().find(BRANCH)
    assert found is not None
    assert (found.state, found.merged_by, found.merge_commit) == (PullRequestState.MERGED, judging.bot, commit)


def test_merge_of_a_head_that_moved_is_a_conflict_and_merges_nothing(judging: ForgeWorld) -> None:
    """Invariant 9: what nobody looked at is not merged."""
    number, head = opened(judging)
    judging.commit_to(BRANCH, "more.txt", "hers")
    assert mergeability(judging, number) is MergeState.CLEAN
    before = judging.base_head()

    with pytest.raises(Conflict):
        judging.adapter().merge(number, head=CommitId(head), method="merge")

    assert judging.base_head() == before
    assert [p.state for p in listed(judging)] == [PullRequestState.OPEN]


def test_merge_with_conflicts_is_a_wait_and_not_a_refusal(judging: ForgeWorld) -> None:
    """The forge's no may pass, so it is no lasting one of ours."""
    number, head = opened(judging)
    judging.commit_to("main", f"{BRANCH}.txt", "something else")

    with pytest.raises(Conflict):
        judging.adapter().merge(number, head=CommitId(head), method="merge")

    assert [p.state for p in listed(judging)] == [PullRequestState.OPEN]
