"""Writing to GitHub in trouble, scripted on the wire: duplicates, lost answers, limits, and faster people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters import forges
from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized
from tests.adapters.forge_answers import BRANCH, TOKEN, from_fork, github_on, proposal, pull_request
from tests.adapters.wire import Answer, Script, Wire

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

Scripts = dict[str, Script | list[Answer]]

PULLS = "/repos/o/r/pulls"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
DUPLICATE = {
    "message": "Validation Failed",
    "errors": [
        {"resource": "PullRequest", "code": "custom", "message": f"A pull request already exists for o:{BRANCH}."}
    ],
}
NO_COMMITS = {
    "message": "Validation Failed",
    "errors": [{"resource": "PullRequest", "code": "custom", "message": f"No commits between main and {BRANCH}"}],
}


def test_a_duplicate_is_adopted() -> None:
    """Invariant 6: GitHub's 422 leads to the open pull request that is there."""
    with Wire({f"POST {PULLS}": Answer(DUPLICATE, 422), f"GET {PULLS}": Answer([pull_request(41)])}) as wire:
        opened = github_on(wire).open(proposal())

    assert opened.number == 41
    assert wire.asked("GET", PULLS)[0].query["state"] == "open"


@pytest.mark.parametrize(
    "lost", [Answer("bad gateway", 502), Answer(pull_request(41), 201, cut=True), Answer("<html>", 201)]
)
def test_a_lost_answer_that_in_fact_succeeded_is_adopted(lost: Answer) -> None:
    """Invariant 1: look at the world before writing again; the request was sent once."""
    with Wire({f"POST {PULLS}": lost, f"GET {PULLS}": Answer([pull_request(41)])}) as wire:
        opened = github_on(wire).open(proposal())

    assert opened.number == 41
    assert len(wire.asked("POST")) == 1


def test_a_lost_answer_that_opened_nothing_is_the_error_of_the_attempt() -> None:
    """Nothing to adopt: the pass may try again later."""
    with (
        Wire({f"POST {PULLS}": Answer("bad gateway", 502), f"GET {PULLS}": Answer([])}) as wire,
        pytest.raises(SourceError) as caught,
    ):
        github_on(wire).open(proposal())

    assert caught.value.code == "github.http_502"
    assert len(wire.asked("POST")) == 1


@pytest.mark.parametrize("rival", [from_fork(), pull_request(2, base=pull_request()["base"] | {"ref": "release"})])
def test_neither_a_fork_nor_another_base_is_adopted(rival: dict[str, Any]) -> None:
    """Adopting is for this very head and base."""
    with (
        Wire({f"POST {PULLS}": Answer(DUPLICATE, 422), f"GET {PULLS}": Answer([rival])}) as wire,
        pytest.raises(Refusal),
    ):
        github_on(wire).open(proposal())


def test_any_other_422_is_a_refusal_in_githubs_words() -> None:
    """The details, not "Validation Failed", say what is wrong."""
    with (
        Wire({f"POST {PULLS}": Answer(NO_COMMITS, 422), f"GET {PULLS}": Answer([])}) as wire,
        pytest.raises(Refusal) as caught,
    ):
        github_on(wire).open(proposal())

    assert f"No commits between main and {BRANCH}" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (Answer({"message": "Bad credentials"}, 401), Unauthorized, "github.http_401"),
        (Answer({"message": "Resource not accessible"}, 403), Unauthorized, "github.http_403"),
        (Answer(SECONDARY, 403), SourceError, "github.rate_limited"),
        (Answer({"message": "wait"}, 403, {"Retry-After": "60"}), SourceError, "github.rate_limited"),
        (Answer({"message": "no"}, 403, {"X-RateLimit-Remaining": "0"}), SourceError, "github.rate_limited"),
        (Answer({"message": "slow down"}, 429, {"Retry-After": "60"}), SourceError, "github.rate_limited"),
        (Answer({"message": "Not Found"}, 404), SourceError, "github.http_404"),
        (Answer({"message": "Merge conflict"}, 409), Conflict, "github.http_409"),
        (Answer({"message": f"token {TOKEN} broke it"}, 500), SourceError, "github.http_500"),
    ],
)
def test_a_failed_opening_is_one_error_at_once(answer: Answer, expected: type[ReconcilerError], code: str) -> None:
    """Invariant 2: no status makes us sleep; a limit is not taken for a missing permission."""
    start = time.monotonic()
    with (
        Wire({f"POST {PULLS}": answer, f"GET {PULLS}": Answer([])}) as wire,
        pytest.raises(expected) as caught,
    ):
        github_on(wire).open(proposal())

    assert time.monotonic() - start < 2.0
    assert caught.value.code == code
    assert caught.value.remedy
    assert TOKEN not in str(caught.value)
    assert isinstance(caught.value, Unauthorized) == (expected is Unauthorized)


def test_a_workflow_that_may_open_no_pull_requests_is_told_which_setting_lets_it() -> None:
    """A repository's settings forbid it by default, whatever the job's permissions."""
    answer = Answer({"message": "GitHub Actions is not permitted to create or approve pull requests."}, 403)
    with Wire({f"POST {PULLS}": answer, f"GET {PULLS}": Answer([])}) as wire, pytest.raises(Unauthorized) as caught:
        github_on(wire).open(proposal())

    assert "`permissions`, and Settings, Actions, General: Allow GitHub Actions" in caught.value.remedy


def test_a_limit_says_when_it_is_worth_asking_again() -> None:
    """Retry-After goes into the remedy."""
    answer = Answer({"message": "slow down"}, 429, {"Retry-After": "77"})
    with Wire({f"POST {PULLS}": answer}) as wire, pytest.raises(SourceError) as caught:
        github_on(wire).open(proposal())

    assert "77 s" in caught.value.remedy
    assert wire.asked("GET") == []


def test_labels_that_fail_are_a_warning_and_never_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """The pull request is what counts."""
    script: Scripts = {
        f"POST {PULLS}": Answer(pull_request(41), 201),
        "POST /repos/o/r/issues/41/labels": Answer("no", 403),
    }
    with Wire(script) as wire:
        opened = github_on(wire, labels=("reconciler",)).open(proposal())

    assert opened.number == 41
    told = [vars(record) for record in caplog.records if record.name == forges.__name__]
    assert [(t["levelname"], t["extra"], t["pull_request"]) for t in told] == [("WARNING", "labels", 41)]


def test_reviewers_are_asked_singly_after_a_refusal_and_not_after_silence() -> None:
    """One bad name is worth more requests, a server in trouble is not."""
    path = "/repos/o/r/pulls/41/requested_reviewers"
    for answer, asked in ((Answer({"message": "Reviews may only be requested"}, 422), 3), (Answer("no", 500), 1)):
        script: Scripts = {f"POST {PULLS}": Answer(pull_request(41), 201), f"POST {path}": answer}
        with Wire(script) as wire:
            github_on(wire, reviewers=("ana", "ben")).open(proposal())

        assert len(wire.asked("POST", path)) == asked


def test_a_merge_between_look_and_close_is_no_error() -> None:
    """Invariant 7: the person was faster."""
    merged = pull_request(41, state="closed", merged_at="2026-03-01T13:00:00Z")
    script: Scripts = {
        f"GET {PULLS}/41": [Answer(pull_request(41)), Answer(merged)],
        "GET /repos/o/r/issues/41/comments": Answer([{"body": "done\r\n"}]),
        f"PATCH {PULLS}/41": Answer({"message": "Validation Failed"}, 422),
    }
    with Wire(script) as wire:
        github_on(wire).close(41, why="done")

    assert [r.method for r in wire.requests if r.method != "GET"] == ["PATCH"]


def test_a_close_that_is_refused_while_it_is_open_is_a_refusal() -> None:
    """Only a faster person makes a refused close harmless."""
    script: Scripts = {
        f"GET {PULLS}/41": Answer(pull_request(41)),
        "GET /repos/o/r/issues/41/comments": Answer([{"body": "done"}]),
        f"PATCH {PULLS}/41": Answer({"message": "Validation Failed"}, 422),
    }
    with Wire(script) as wire, pytest.raises(Refusal):
        github_on(wire).close(41, why="done")
