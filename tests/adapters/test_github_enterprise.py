"""GitHub Enterprise: everything below `/api/v3`, and no other host is ever shown our token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.git_bare import git_bare
from reconciler.adapters.github_app import USERNAME
from reconciler.adapters.github_client import connect
from reconciler.adapters.github_commits import AppCommits, refuse_other_place
from reconciler.errors import SourceError
from reconciler.model.facts import Unknown
from reconciler.settings import CommitsBy, RepositorySettings
from tests.adapters.forge_answers import TOKEN, github_on, proposal, pull_request
from tests.adapters.github_apps import AppPlace, app_place
from tests.adapters.wire import Answer, Request, Script, Wire
from tests.sandbox.forge.rest import BRANCH, FILES, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.proposal import Proposal
    from reconciler.ports import Forge

REFUSED = {"github.foreign_link", "github.bad_answer"}
EVENTS = "/repos/o/r/issues/1/events"  # where there are many, they are read from the end, by the link to the last page
READ = 2  # times: a page by its tag, and for the link


def linking(wire: Wire, link: str) -> Forge:
    """Return the adapter before a server with an open pull request whose many events go on at another page."""
    event, own = {"id": 1, "event": "labeled"}, f"{wire.url}/repos/o/r"
    pull = pull_request(mergeable_state="clean", url=f"{own}/pulls/1", issue_url=f"{own}/issues/1")
    wire.script["GET /repos/o/r/pulls/1"] = Answer(pull)
    wire.script[f"GET {EVENTS}"] = Answer([event] * 100, headers={"Link": link})
    return github_on(wire)


def linked(place: str) -> str:
    """Return a Link header to a place's last page."""
    return f'<{place}{EVENTS}?page=2>; rel="next", <{place}{EVENTS}?page=2>; rel="last"'


@pytest.fixture
def place(tmp_path: Path) -> Iterator[AppPlace]:
    """A forge that is spoken to as to GitHub Enterprise, with our App in it."""
    with app_place(tmp_path) as made:
        made.world.url = f"{made.world.url}/api/v3"
        yield made


def test_pull_request_goes_its_way_on_an_enterprise_server(place: AppPlace) -> None:
    """App, list, opening, reviews, text, close and doctor: every call below the prefix, every link the server's own."""
    place.world.branch()
    forge = place.forge()

    opened = forge.open(proposal_for(BRANCH))
    forge.update(opened.number, title="another", body="text")
    assert forge.reviews(opened.number) == ()
    assert forge.mergeability(opened.number).state is not None
    forge.close(opened.number, why="no more")

    assert opened.url == f"{place.world.url.removesuffix('/api/v3')}/{REPOSITORY}/pull/{opened.number}"
    found = forge.pull_requests(prefix="reconciler")
    assert not isinstance(found, Unknown)
    assert [each.title for each in found] == ["another"]
    assert all(each.works for each in forge.examine() if each.required)
    assert {each.path.startswith("/api/v3/") for each in place.asked} == {True}


def test_verified_commit_on_an_enterprise_server(place: AppPlace) -> None:
    """Git is at the root, the API below the prefix, and one token serves both."""
    tokens, root = place.tokens(), place.world.url.removesuffix("/api/v3")
    settings = RepositorySettings(
        url=f"{root}/{REPOSITORY}.git", mirror=str(place.folder / "m"), commits=CommitsBy.API, username=USERNAME
    )
    refuse_other_place(place.settings(), settings)
    signer = AppCommits(connect(place.settings(), tokens, per_page=1), place.settings(), tokens)
    repository = git_bare(settings, "reconciler", tokens, signer=signer)
    text = FILES["deploy/web.yaml"].replace("512Mi", "1Gi").encode()

    made = repository.push(BRANCH, repository.commit(repository.fetch(), {"deploy/web.yaml": text}, "m"), expected=None)

    assert place.world.tip(BRANCH) == made


def test_page_on_another_host_is_not_followed() -> None:
    """The token stays; what the page would say is not known."""
    with Wire() as foreign:
        other = foreign.url.replace("127.0.0.1", "localhost")
        with Wire() as wire, pytest.raises(SourceError) as caught:
            linking(wire, linked(other)).mergeability(1)

        assert len(wire.asked("GET", EVENTS)) == READ
        assert caught.value.code in REFUSED
        assert foreign.requests == []


def test_page_on_another_port_is_not_followed() -> None:
    """Another port is another server."""
    with Wire() as foreign:
        with Wire() as wire, pytest.raises(SourceError) as caught:
            linking(wire, linked(foreign.url)).mergeability(1)

        assert len(wire.asked("GET", EVENTS)) == READ
        assert caught.value.code in REFUSED
        assert foreign.requests == []


@pytest.mark.parametrize("place", ["https://127.0.0.1", "http://pages.127.0.0.1", "http://127.0.0.1.evil.example"])
def test_neither_a_host_below_ours_nor_another_scheme_gets_the_token(place: str) -> None:
    """PyGithub alone would follow the first two."""
    with Wire() as wire:
        with pytest.raises(SourceError) as caught:
            linking(wire, linked(f"{place}:{wire.url.rpartition(':')[2]}")).mergeability(1)

        assert len(wire.asked("GET", EVENTS)) == READ
    assert caught.value.code in REFUSED


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_to_another_host_is_not_followed(status: int) -> None:
    """Neither a list nor a write goes there with our token."""
    with Wire() as foreign:
        there = {"Location": foreign.url.replace("127.0.0.1", "localhost") + "/repos/o/r/pulls"}
        moved = Answer({"message": "Moved"}, status, headers=there)
        with Wire({"GET /repos/o/r/pulls": moved, "POST /repos/o/r/pulls": moved}) as wire:
            forge = github_on(wire)
            assert isinstance(forge.pull_requests(prefix="reconciler"), Unknown)
            with pytest.raises(SourceError):
                forge.open(proposal_for(BRANCH))

        assert foreign.requests == []


def test_links_in_answers_are_not_followed_elsewhere() -> None:
    """What a pull request says its own addresses are is read, never asked."""
    with Wire() as foreign:

        def answer(request: Request) -> Answer:
            del request
            return Answer({"number": 1, "state": "open", "url": f"{foreign.url}/repos/o/r/pulls/1"})

        script: dict[str, Script | list[Answer]] = {"GET /repos/o/r/pulls/1": answer, "GET /repos/o/r/issues/1": answer}
        with Wire(script) as wire, pytest.raises(SourceError):
            github_on(wire).close(1, why="no more")

        assert [each for each in foreign.requests if TOKEN in str(each.headers)] == []


def proposal_for(branch: str) -> Proposal:
    """Return a proposal whose branch is pushed already."""
    return replace(proposal(), branch=branch)
