"""GitHub in trouble, scripted on the wire: duplicates, lost answers, limits, and answers that make no sense."""

from __future__ import annotations

import time

import pytest

from reconciler.adapters.github import github
from reconciler.errors import ConfigurationError, SourceError
from reconciler.model.facts import Unknown
from reconciler.model.proposal import PullRequestState
from reconciler.settings import ForgeSettings
from tests.adapters.forge_answers import BRANCH, HEAD, MERGE, TOKEN, from_fork, github_on, pull_request
from tests.adapters.wire import Answer, Request, Script, Wire

Scripts = dict[str, Script | list[Answer]]

PULLS = "/repos/o/r/pulls"
REPOSITORY = {
    "id": 7,
    "full_name": "o/r",
    "name": "r",
    "default_branch": "main",
    "archived": False,
    "permissions": {"push": True, "pull": True, "admin": False},
}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


def test_the_list_is_one_request_that_costs_no_more_for_merged_and_closed_ones() -> None:
    """What a list lacks (who merged, who closed) is not asked for each."""
    merged = pull_request(2, state="closed", merged_at="2026-03-01T13:00:00Z")
    closed = pull_request(3, state="closed")
    with Wire({f"GET {PULLS}": Answer([merged, closed, pull_request(1)])}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [(p.number, p.state) for p in found] == [
        (3, PullRequestState.CLOSED),
        (2, PullRequestState.MERGED),
        (1, PullRequestState.OPEN),
    ]
    assert len(wire.requests) == 1
    assert wire.requests[0].query == {
        "state": "all",
        "sort": "updated",
        "direction": "desc",
        "per_page": "100",
    }


def test_a_merge_commit_is_only_believed_of_a_merged_one() -> None:
    """GitHub fills merge_commit_sha with a trial merge while a pull request is open, and keeps it when it is closed."""
    merged = pull_request(2, state="closed", merged_at="2026-03-01T13:00:00Z")
    with Wire({f"GET {PULLS}": Answer([merged, pull_request(3, state="closed"), pull_request(1)])}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert {p.number: p.merge_commit for p in found} == {1: None, 2: MERGE, 3: None}


def test_forks_and_deleted_forks_are_not_ours() -> None:
    """A head repository that is another, or gone, is never this one."""
    gone = pull_request(3)
    gone["head"] = gone["head"] | {"repo": None}
    with Wire({f"GET {PULLS}": Answer([from_fork(), gone, pull_request(1)])}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [p.number for p in found] == [1]


def test_in_a_busy_repository_the_open_ones_are_asked_for_too() -> None:
    """A hundred newer updates do not hide an open pull request of ours."""

    def answer(request: Request) -> Answer:
        if request.query["state"] == "open":
            return Answer([pull_request(1)])
        return Answer([pull_request(n, head=pull_request()["head"] | {"ref": "x"}) for n in range(2, 102)])

    with Wire({f"GET {PULLS}": answer}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [p.number for p in found] == [1]
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer("oops", 500),
        Answer({"message": "Bad credentials"}, 401),
        Answer("<html>Sign in</html>"),
        Answer({"not": "a list"}),
        Answer([{"number": "one"}]),
        Answer([pull_request(state="odd")]),
        Answer([pull_request(merged_at="2026-03-01T13:00:00Z", merge_commit_sha=None)]),
        Answer([pull_request()], cut=True),
        Answer(SECONDARY, 403),
    ],
)
def test_a_list_that_cannot_be_read_is_unknown(answer: Answer) -> None:
    """Invariant 3: unknown, never empty."""
    with Wire({f"GET {PULLS}": answer}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert isinstance(found, Unknown)
    assert TOKEN not in str(found)


def test_a_silent_server_makes_the_list_unknown_within_its_limit() -> None:
    """Invariant 3, by time-out."""
    start = time.monotonic()
    with Wire({f"GET {PULLS}": Answer(silent=True)}) as wire:
        found = github_on(wire, seconds=1.0).pull_requests(prefix="reconciler")
        taken = time.monotonic() - start

    assert isinstance(found, Unknown)
    assert taken < 3.5


def test_a_branch_is_looked_for_with_its_owner() -> None:
    """Without the owner GitHub ignores the filter and returns everything."""
    with Wire({f"GET {PULLS}": Answer([pull_request()])}) as wire:
        found = github_on(wire).find(BRANCH)

    assert found is not None
    assert found.head == HEAD
    assert wire.requests[0].query["head"] == f"o:{BRANCH}"


def test_an_older_one_that_a_person_reopened_is_the_one_found() -> None:
    """Invariant 7: open wins over newer."""
    with Wire({f"GET {PULLS}": Answer([pull_request(2, state="closed"), pull_request(1)])}) as wire:
        found = github_on(wire).find(BRANCH)

    assert found is not None
    assert (found.number, found.state) == (1, PullRequestState.OPEN)


def test_nothing_found_in_a_renamed_repository_is_an_error_and_not_none() -> None:
    """Invariant 3: GitHub redirects to the new name, where the old owner's heads match nothing."""
    script: Scripts = {f"GET {PULLS}": Answer([]), "GET /repos/o/r": Answer(REPOSITORY | {"full_name": "new/r"})}
    with Wire(script) as wire, pytest.raises(SourceError) as caught:
        github_on(wire).find(BRANCH)

    assert caught.value.code == "github.moved"
    assert "new/r" in caught.value.remedy


def test_a_read_survives_a_moment_of_trouble() -> None:
    """A 502 on a list is asked again."""
    with Wire({f"GET {PULLS}": [Answer("bad gateway", 502), Answer([pull_request()])]}) as wire:
        found = github_on(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert len(wire.requests) == 2


def test_doctor_says_how_to_grant_what_is_missing() -> None:
    """A read-only App: it has no user, may not push, may not open, may not read protection."""
    forbidden = Answer({"message": "Resource not accessible by integration"}, 403)
    script: Scripts = {
        "GET /user": forbidden,
        "GET /repos/o/r": Answer(REPOSITORY | {"permissions": {"push": False, "pull": True}}),
        f"POST {PULLS}": forbidden,
        "GET /repos/o/r/branches/main": forbidden,
        "GET /rate_limit": Answer({"message": "Not Found"}, 404),
    }
    with Wire(script) as wire:
        diagnoses = {d.subject: d for d in github_on(wire).examine()}

    assert {subject: d.works for subject, d in diagnoses.items()} == {
        "GitHub identity": True,
        "GitHub repository": True,
        "GitHub push permission": False,
        "GitHub pull request permission": False,
        "GitHub branch protection": False,
        "GitHub rate limit": False,
    }
    assert not diagnoses["GitHub branch protection"].required
    assert all(d.remedy for d in diagnoses.values() if not d.works)


def test_doctor_knows_that_rulesets_bind_base() -> None:
    """They are not among its branch protection, and any reader is told of them; one is a merge queue."""
    script: Scripts = {
        "GET /repos/o/r": Answer(REPOSITORY),
        "GET /repos/o/r/rules/branches/main": Answer([{"type": "pull_request"}, {"type": "merge_queue"}]),
        "GET /repos/o/r/branches/main": Answer({"protection_url": "/repos/o/r/branches/main/protection"}),
        "GET /repos/o/r/branches/main/protection": Answer({"message": "Branch not protected"}, 404),
    }
    with Wire(script) as wire:
        found = next(d for d in github_on(wire).examine() if d.subject == "GitHub branch protection")

    assert found.works
    assert "no branch protection; rulesets: pull_request, merge_queue; we enter no merge queue" in found.detail


def test_doctor_looks_at_the_base_of_the_settings() -> None:
    """Not at the repository's default branch, which may be bound otherwise."""
    script: Scripts = {
        "GET /repos/o/r": Answer(REPOSITORY),
        f"POST {PULLS}": Answer({"message": "Validation Failed"}, 422),
        "GET /repos/o/r/rules/branches/release": Answer([]),
        "GET /repos/o/r/branches/release": Answer({"protection_url": "/repos/o/r/branches/release/protection"}),
        "GET /repos/o/r/branches/release/protection": Answer({"message": "Branch not protected"}, 404),
    }
    with Wire(script) as wire:
        found = {d.subject: d for d in github_on(wire, base="release").examine()}

    assert found["GitHub branch protection"].detail == "release is not protected"
    assert [request.body["base"] for request in wire.asked("POST", PULLS)] == ["release"]


def test_open_checks_are_named_behind_the_first_page_and_before_they_report() -> None:
    """A hundred that passed come first, and one that a ruleset wants never says anything."""
    commit = f"/repos/o/r/commits/{HEAD}"
    passed = [{"name": f"unit-{n}", "conclusion": "success", "status": "completed"} for n in range(100)]
    late = {"name": "e2e", "conclusion": None, "status": "in_progress"}
    wanted = {"required_status_checks": [{"context": "unit-7"}, {"context": "audit"}]}

    def runs(request: Request) -> Answer:
        return Answer({"check_runs": passed if request.query["page"] == "1" else [late]})

    script: Scripts = {
        f"GET {PULLS}/1": Answer(pull_request(mergeable_state="blocked")),
        "GET /repos/o/r/issues/1/events": Answer([]),
        f"GET {commit}/status": Answer({"statuses": []}),
        f"GET {commit}/check-runs": runs,
        "GET /repos/o/r/rules/branches/main": Answer([{"type": "required_status_checks", "parameters": wanted}]),
    }
    with Wire(script) as wire:
        found = github_on(wire).mergeability(1)

    assert found.reason.endswith("(e2e in_progress, audit has not begun)")


def test_doctor_never_raises_at_nonsense() -> None:
    """A proxy's login page, or an answer of another shape, in place of every answer."""
    paths = ("/user", "/repos/o/r", "/repos/o/r/branches/main", "/rate_limit")
    for nonsense in (Answer("<html>Sign in</html>"), Answer([1]), Answer({"full_name": 1, "login": []})):
        script: Scripts = {f"GET {path}": nonsense for path in paths}
        with Wire(script) as wire:
            assert [d.works for d in github_on(wire).examine()] == [False] * 6


def test_doctor_warns_of_a_spent_rate_limit() -> None:
    """Fifty requests are not enough for an hour."""
    limited = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "7"}
    with Wire({"GET /user": Answer({"login": "bot"}, headers=limited)}) as wire:
        diagnoses = {d.subject: d for d in github_on(wire).examine()}

    assert not diagnoses["GitHub rate limit"].works
    assert "7 of 5000" in diagnoses["GitHub rate limit"].detail


def test_doctor_never_raises_without_a_server() -> None:
    """Every line says what is wrong."""
    with Wire() as wire:
        gone = github_on(wire, seconds=1.0)

    told = gone.examine()

    assert [d.works for d in told] == [False] * 6
    assert {d.detail.rpartition(": ")[2] for d in told} == {
        "Connection refused [github.unreachable]"
    }  # no pools, no URLs


def test_an_empty_token_is_a_configuration_error_that_names_the_variable() -> None:
    """The remedy says where it belongs."""
    with pytest.raises(ConfigurationError, match="no token") as caught:
        github(ForgeSettings(repository="o/r"), "\n")

    assert "RECONCILER_FORGE_TOKEN" in caught.value.remedy
