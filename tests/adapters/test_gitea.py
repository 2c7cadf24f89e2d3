"""Gitea in trouble, scripted on the wire; how it behaves in peace is tested on a real one (`tests/contract`)."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters import forges
from reconciler.adapters.gitea import gitea
from reconciler.errors import ConfigurationError, Refusal, SourceError, Unauthorized
from reconciler.model.facts import Unknown
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import MergeState
from reconciler.settings import ForgeKind, ForgeSettings
from tests.adapters.forge_answers import BRANCH, MERGE, TOKEN, from_fork, proposal, pull_request
from tests.adapters.wire import Answer, Request, Script, Wire

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError
    from reconciler.ports import Forge

Scripts = dict[str, Script | list[Answer]]

API = "/api/v1"
REPOSITORY = f"{API}/repos/o/r"
PULLS = f"{REPOSITORY}/pulls"
DUPLICATE = Answer({"message": "pull request already exists for these targets"}, 409)


def limits(items: int = 50) -> Scripts:
    """The server's page size, which the adapter asks for first."""
    return {f"GET {API}/settings/api": Answer({"max_response_items": items})}


def forge(wire: Wire, *, labels: tuple[str, ...] = (), reviewers: tuple[str, ...] = (), seconds: float = 5.0) -> Forge:
    """The adapter, speaking to the scripted server."""
    settings = ForgeSettings(
        kind=ForgeKind.GITEA,
        url=f"{wire.url}/",
        repository="o/r",
        labels=labels,
        reviewers=reviewers,
        timeout=timedelta(seconds=seconds),
    )
    return gitea(settings, TOKEN)


def paged(found: list[dict[str, Any]]) -> Script:
    """Answer as Gitea's list does: filtered by state, cut into pages."""

    def answer(request: Request) -> Answer:
        state, page, limit = request.query["state"], int(request.query["page"]), int(request.query["limit"])
        wanted = [p for p in found if state in ("all", p["state"])]
        return Answer(wanted[(page - 1) * limit : page * limit])

    return answer


def other(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the answer
    """A pull request of somebody else."""
    made = pull_request(number, **changes)
    return made | {"head": made["head"] | {"ref": "feature", "label": "feature"}}


def test_a_deleted_branch_is_still_known_by_its_label() -> None:
    """After a merge Gitea writes `refs/pull/N/head` where the branch was."""
    merged = pull_request(2, state="closed", merged_at="2026-03-01T13:00:00Z")
    merged["head"] = merged["head"] | {"ref": "refs/pull/2/head"}
    with Wire(limits() | {f"GET {PULLS}": paged([merged])}) as wire:
        found = forge(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [(p.branch, p.state, p.merge_commit) for p in found] == [(BRANCH, PullRequestState.MERGED, MERGE)]


def test_forks_are_not_ours() -> None:
    """Another repository's id, whatever the branch is called."""
    with Wire(limits() | {f"GET {PULLS}": paged([from_fork(), pull_request(1)])}) as wire:
        found = forge(wire).pull_requests(prefix="reconciler")

    assert not isinstance(found, Unknown)
    assert [p.number for p in found] == [1]


def test_a_server_with_small_pages_hides_nothing() -> None:
    """A page shorter than we asked for is not the last when the server gives less."""
    found = [other(n) for n in range(9, 4, -1)] + [pull_request(1)]
    with Wire(limits(2) | {f"GET {PULLS}": paged(found)}) as wire:
        listed = forge(wire).pull_requests(prefix="reconciler")

    assert not isinstance(listed, Unknown)
    assert [p.number for p in listed] == [1]


def test_in_a_busy_repository_a_long_closed_one_is_still_found() -> None:
    """Fifty newer updates do not make a closed pull request absent."""
    busy = [other(n, state="closed") for n in range(9, 1, -1)] + [pull_request(1, state="closed")]
    script = limits(2) | {f"GET {PULLS}": paged(busy)}
    script[f"GET {REPOSITORY}/issues/1/timeline"] = Answer([{"type": "close", "user": {"login": "ana"}}])
    with Wire(script) as wire:
        found = forge(wire).find(BRANCH)

    assert found is not None
    assert (found.number, found.closed_by) == (1, "ana")


@pytest.mark.parametrize(("answer", "number"), [(Answer({"message": "not found"}, 404), None), (pull_request(1), 1)])
def test_beyond_the_pages_that_are_read_gitea_is_asked_whether_they_ever_met(
    answer: Answer | dict[str, Any], number: int | None
) -> None:
    """Invariant 3: "not in what I read" is not "absent"."""
    busy = [other(n, state="closed") for n in range(60, 2, -1)]
    script = limits(2) | {f"GET {PULLS}": paged(busy), f"GET {REPOSITORY}": Answer({"default_branch": "main"})}
    script[f"GET {PULLS}/main/{BRANCH}"] = answer if isinstance(answer, Answer) else Answer(answer)
    with Wire(script) as wire:
        found = forge(wire).find(BRANCH)

    assert (found and found.number) == number


@pytest.mark.parametrize(
    "answer",
    [
        Answer("oops", 500),
        Answer({"message": "invalid token"}, 401),
        Answer("<html>Sign in</html>"),
        Answer({"not": "a list"}),
        Answer([{"number": 1}]),
        Answer(None),
        Answer([pull_request(state="odd")]),
        Answer([pull_request(merged_at="2026-03-01T13:00:00Z", merge_commit_sha=None)]),
        Answer([pull_request()], cut=True),
        Answer("", 301, {"Location": "/api/v1/repos/o/new/pulls"}),
    ],
)
def test_a_list_that_cannot_be_read_is_unknown(answer: Answer) -> None:
    """Invariant 3: unknown, never empty."""
    with Wire(limits() | {f"GET {PULLS}": answer}) as wire:
        found = forge(wire).pull_requests(prefix="reconciler")

    assert isinstance(found, Unknown)
    assert TOKEN not in str(found)


def test_a_duplicate_is_adopted() -> None:
    """Invariant 6: Gitea's 409 leads to the open pull request that is there."""
    with Wire(limits() | {f"POST {PULLS}": DUPLICATE, f"GET {PULLS}": paged([pull_request(41)])}) as wire:
        opened = forge(wire).open(proposal())

    assert opened.number == 41


@pytest.mark.parametrize("lost", [Answer("bad gateway", 502), Answer(pull_request(41), 201, cut=True), Answer({}, 201)])
def test_a_lost_answer_that_in_fact_succeeded_is_adopted(lost: Answer) -> None:
    """Invariant 1: look at the world before writing again; the request was sent once."""
    with Wire(limits() | {f"POST {PULLS}": lost, f"GET {PULLS}": paged([pull_request(41)])}) as wire:
        opened = forge(wire).open(proposal())

    assert opened.number == 41
    assert len(wire.asked("POST")) == 1


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (Answer({"message": "token is bad"}, 401), Unauthorized, "gitea.http_401"),
        (Answer({"message": "no"}, 403), Unauthorized, "gitea.http_403"),
        (Answer({"message": "not found"}, 404), SourceError, "gitea.http_404"),
        (Answer({"message": "There are no changes"}, 422), Refusal, "gitea.http_422"),
        (Answer("slow down", 429, {"Retry-After": "60"}), SourceError, "gitea.http_429"),
        (Answer({"message": f"token {TOKEN} broke it"}, 500), SourceError, "gitea.http_500"),
    ],
)
def test_a_failed_opening_is_one_error_at_once(answer: Answer, expected: type[ReconcilerError], code: str) -> None:
    """Invariant 2: no status makes us sleep, and nothing is sent twice."""
    start = time.monotonic()
    with (
        Wire(limits() | {f"POST {PULLS}": answer, f"GET {PULLS}": Answer([])}) as wire,
        pytest.raises(expected) as caught,
    ):
        forge(wire).open(proposal())

    assert time.monotonic() - start < 2.0
    assert caught.value.code == code
    assert len(wire.asked("POST")) == 1
    assert TOKEN not in str(caught.value)


def test_who_opens_second_in_a_race_closes_its_own_and_takes_the_first() -> None:
    """Gitea lets both through, so the higher number yields."""
    script: Scripts = limits() | {
        f"POST {PULLS}": Answer(pull_request(8), 201),
        f"GET {PULLS}": paged([pull_request(8), pull_request(7)]),
        f"GET {PULLS}/8": Answer(pull_request(8)),
        f"GET {REPOSITORY}/issues/8/comments": Answer([]),
        f"POST {REPOSITORY}/issues/8/comments": Answer({}, 201),
        f"PATCH {PULLS}/8": Answer({}, 201),
    }
    with Wire(script) as wire:
        opened = forge(wire).open(proposal())

    assert opened.number == 7
    assert wire.asked("PATCH", f"{PULLS}/8")[0].body == {"state": "closed"}


def test_a_race_that_cannot_be_looked_for_keeps_what_was_opened() -> None:
    """Our pull request exists; the next pass sees the rest."""
    script: Scripts = limits() | {f"POST {PULLS}": Answer(pull_request(8), 201), f"GET {PULLS}": Answer("oops", 500)}
    with Wire(script) as wire:
        assert forge(wire).open(proposal()).number == 8


def test_a_merge_between_look_and_close_is_no_error() -> None:
    """Invariant 7: the person was faster; a comment said before is not said again."""
    merged = pull_request(41, state="closed", merged_at="2026-03-01T13:00:00Z")
    script: Scripts = {
        f"GET {PULLS}/41": [Answer(pull_request(41)), Answer(merged)],
        f"GET {REPOSITORY}/issues/41/comments": Answer([{"body": "done\n"}]),
        f"PATCH {PULLS}/41": Answer({"message": "it was already merged"}, 412),
    }
    with Wire(script) as wire:
        forge(wire).close(41, why="done")

    assert [r.method for r in wire.requests if r.method != "GET"] == ["PATCH"]


@pytest.mark.parametrize(
    ("reviewers", "answered", "state"),
    [
        ((), "REQUEST_REVIEW", MergeState.BLOCKED),
        (("Lead",), "REQUEST_REVIEW", MergeState.CLEAN),
        ((), "APPROVED", MergeState.CLEAN),
    ],
)
def test_a_review_that_others_asked_for_is_waited_for(
    reviewers: tuple[str, ...], answered: str, state: MergeState
) -> None:
    """Gitea's rule about requested reviews shows only in its refusals, and those of ours to try have a limit."""
    lead = {"login": "lead"}
    pull = {"draft": False, "mergeable": True, "head": {"sha": MERGE}, "requested_reviewers": [lead]}
    scripts: Scripts = {
        f"GET {PULLS}/41": Answer(pull),
        f"GET {PULLS}/41/reviews": lambda r: Answer(
            [{"state": answered, "user": lead}] if r.query["page"] == "1" else []
        ),
        f"GET {REPOSITORY}/commits/{MERGE}/status": Answer({"statuses": []}),
    }
    with Wire(scripts) as wire:
        found = forge(wire, reviewers=reviewers).mergeability(41)

    assert found.state is state
    assert ("a review of lead" in found.reason) is (state is MergeState.BLOCKED)


def test_a_label_that_cannot_be_made_is_a_warning_and_never_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Gitea leaves unknown labels out in silence, so they are made; where we may not, the log says so."""
    script: Scripts = limits() | {
        f"POST {PULLS}": Answer(pull_request(41), 201),
        f"GET {PULLS}": paged([pull_request(41)]),
        f"POST {REPOSITORY}/issues/41/labels": Answer([]),
        f"POST {REPOSITORY}/labels": Answer({"message": "no"}, 403),
    }
    with Wire(script) as wire:
        opened = forge(wire, labels=("reconciler",)).open(proposal())

    assert opened.number == 41
    told = [vars(record) for record in caplog.records if record.name == forges.__name__]
    assert [(t["levelname"], t["extra"], t["code"]) for t in told] == [("WARNING", "labels", "gitea.http_403")]


def test_doctor_says_how_to_grant_what_is_missing() -> None:
    """A reader without the right to write."""
    forbidden = Answer({"message": "token does not have the scope"}, 403)
    script: Scripts = {
        f"GET {API}/user": Answer({"login": "bot"}),
        f"GET {REPOSITORY}": Answer(
            {"full_name": "o/r", "default_branch": "main", "archived": False, "permissions": {"push": False}}
        ),
        f"POST {PULLS}": forbidden,
        f"GET {REPOSITORY}/branch_protections": forbidden,
    }
    with Wire(script) as wire:
        diagnoses = {d.subject: d for d in forge(wire).examine()}

    assert {subject: d.works for subject, d in diagnoses.items()} == {
        "Gitea identity": True,
        "Gitea repository": True,
        "Gitea push permission": False,
        "Gitea pull request permission": False,
        "Gitea branch protection": False,
    }
    assert all(d.remedy for d in diagnoses.values() if not d.works)


def test_doctor_never_raises_without_a_server() -> None:
    """Every line says what is wrong."""
    with Wire() as wire:
        gone = forge(wire, seconds=1.0)

    assert [d.works for d in gone.examine()] == [False] * 5


def test_doctor_never_raises_at_nonsense() -> None:
    """A proxy's login page in place of every answer."""
    paths = (f"{API}/user", REPOSITORY, f"{REPOSITORY}/branch_protections")
    script: Scripts = {f"GET {path}": Answer({"sign": "in"}) for path in paths}
    script[f"GET {REPOSITORY}/branch_protections"] = Answer(7)
    with Wire(script) as wire:
        assert [d.works for d in forge(wire).examine()] == [False] * 5


def test_without_an_address_there_is_no_gitea() -> None:
    """Unlike GitHub, it has no address of its own."""
    with pytest.raises(ConfigurationError, match=r"forge\.url"):
        gitea(ForgeSettings(kind=ForgeKind.GITEA, repository="o/r"), TOKEN)


def test_doctor_looks_at_the_base_of_the_settings() -> None:
    """Not at the repository's default branch."""
    script: Scripts = {
        f"GET {REPOSITORY}": Answer({"full_name": "o/r", "default_branch": "main"}),
        f"POST {PULLS}": Answer({"message": "there are no changes"}, 422),
    }
    with Wire(script) as wire:
        gitea(ForgeSettings(kind=ForgeKind.GITEA, url=wire.url, repository="o/r"), TOKEN, base="release").examine()

    assert [request.body["base"] for request in wire.asked("POST", PULLS)] == ["release"]
