"""As a GitHub App: one token for the API and Git, no more rights than needed, and every way to be shut out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError, SourceError, Unauthorized
from reconciler.model.facts import Unknown
from reconciler.model.review import MergeState
from tests.adapters.github_apps import AppPlace, app_place
from tests.sandbox.forge.keys import keys
from tests.sandbox.forge.rest import BRANCH, REPO, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.adapters.github_app import AppTokens


@pytest.fixture
def place(tmp_path: Path) -> Iterator[AppPlace]:
    """A forge with our App let into its repository."""
    with app_place(tmp_path) as made:
        yield made


def listed(place: AppPlace, tokens: AppTokens | None = None) -> object:
    """Return the list of pull requests, or why there is none."""
    return place.forge(tokens).pull_requests(prefix="reconciler")


def test_one_token_serves_the_api_and_git(place: AppPlace) -> None:
    """The installation is looked up by the repository, a token asked for once, and Git let in by it."""
    repository, forge = place.repository(), place.forge()

    assert forge.pull_requests(prefix="reconciler") == ()
    assert forge.pull_requests(prefix="reconciler") == ()
    assert repository.fetch() == place.world.tip()
    assert len(place.calls("POST", "/access_tokens")) == 2  # the two were made apart, as two processes
    place.asked.clear()
    repository.fetch()
    assert place.calls("POST", "/access_tokens") == []


def test_token_is_asked_for_with_what_we_use_and_for_our_repository_alone(place: AppPlace) -> None:
    """The App may write workflows; our token may not, and opens no other repository."""
    place.tokens().token()

    body = json.loads(place.calls("POST", "/access_tokens")[0].body)
    assert body["repositories"] == [REPOSITORY.partition("/")[2]]
    assert body["permissions"] == {
        "contents": "write",
        "metadata": "read",
        "pull_requests": "write",
        "statuses": "write",
    }


def test_token_is_renewed_before_it_ends(place: AppPlace) -> None:
    """Five minutes early, so that no request carries one that ends on its way."""
    tokens = place.tokens()
    first = tokens.token()
    place.world.clock.advance(timedelta(minutes=54))
    assert tokens.token() == first
    place.world.clock.advance(timedelta(minutes=2))

    assert tokens.token() != first
    assert len(place.calls("POST", "/access_tokens")) == 2


def test_configured_installation_is_not_looked_up_by_the_repository(place: AppPlace) -> None:
    """Its own address says what it may."""
    place.tokens(app_installation=place.installation).token()

    assert place.calls("GET", "/installation") == []


@pytest.mark.parametrize("key", ["", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n", "words"])
def test_key_that_is_none_is_a_wrong_configuration(place: AppPlace, key: str) -> None:
    """Said before anything is asked, and without a word of the key."""
    place.key = key

    with pytest.raises(ConfigurationError) as caught:
        place.tokens()

    assert (caught.value.code, place.asked) == ("github.app_key", [])
    assert "MIIB" not in str(caught.value)


def test_key_that_breaks_while_we_run_makes_the_list_unknown(place: AppPlace) -> None:
    """Invariant 3; and a key that is mended is used without a restart."""
    tokens = place.tokens()
    place.key = "gone"

    broken = listed(place, tokens)
    assert isinstance(broken, Unknown)
    assert "private key" in broken.reason
    place.key = keys().private
    assert listed(place, tokens) == ()


def test_each_way_to_be_shut_out_is_told_with_its_remedy(place: AppPlace) -> None:
    """Suspended, uninstalled, somebody else's key: unknown, never empty, and doctor says the same."""
    tokens = place.tokens()
    assert listed(place, tokens) == ()
    place.world.forge.suspend_app(place.installation)
    listed(place, tokens)  # the token that we had is refused, and forgotten

    suspended = listed(place, tokens)
    assert isinstance(suspended, Unknown)
    assert ("suspended" in suspended.reason, "unsuspend" in suspended.remedy) == (True, True)
    place.world.forge.suspend_app(place.installation, suspended=False)
    assert listed(place, tokens) == ()
    place.world.forge.uninstall_app(place.installation)
    listed(place, tokens)
    gone = listed(place, tokens)
    assert isinstance(gone, Unknown)
    assert ("is not installed" in gone.reason, "install it" in gone.remedy) == (True, True)
    shown = place.forge(tokens).examine()[0]
    assert (shown.works, "is not installed" in shown.detail, shown.remedy) == (False, True, gone.remedy)


def test_another_key_and_another_app_are_refused(place: AppPlace) -> None:
    """The remedy names id, key and clock."""
    place.key = keys("another").private
    with pytest.raises(Unauthorized) as wrong_key:
        place.tokens().token()
    place.key = keys().private
    with pytest.raises(Unauthorized) as wrong_app:
        place.tokens(app_id="999").token()

    assert {wrong_key.value.code, wrong_app.value.code} == {"github.app_refused"}
    assert "clock" in wrong_key.value.remedy


def test_app_without_our_permissions_is_told_which(tmp_path: Path) -> None:
    """Before a token is asked for."""
    with app_place(tmp_path, {"contents": "read", "pull_requests": "write"}) as place:
        with pytest.raises(Unauthorized) as caught:
            place.tokens().token()

        assert caught.value.code == "github.app_permissions"
        assert "contents: write" in caught.value.message
        assert place.calls("POST") == []


def test_renamed_repository_is_told(place: AppPlace) -> None:
    """A token is asked for by the repository's present name; another one opens nothing."""
    place.world.do("forge-admin", "PATCH", REPO, name="renamed")

    with pytest.raises(Unauthorized) as caught:
        place.tokens(app_installation=place.installation).token()

    assert (caught.value.code, "present name" in caught.value.remedy) == ("github.app_token", True)


def test_git_shut_out_says_why(place: AppPlace) -> None:
    """The branches are unknown; the next look gives the App's own reason."""
    place.world.forge.repository(REPOSITORY).private = True
    repository = place.repository()
    repository.fetch()
    place.world.forge.suspend_app(place.installation)
    repository.heads()

    heads = repository.heads()

    assert isinstance(heads, Unknown)
    assert "suspended" in heads.reason
    with pytest.raises(SourceError):
        repository.fetch()


def test_doctor_says_who_we_are_and_what_we_may(place: AppPlace) -> None:
    """Our bot, our installation, its permissions, and how much we may still ask."""
    found = {each.subject: each for each in place.forge().examine()}

    identity = found["GitHub identity"].detail
    assert identity.startswith(f"we are keeper[bot], by installation {place.installation}, with contents: write")
    assert all(each.works for each in found.values() if each.required), found
    assert "requests left until" in found["GitHub rate limit"].detail


def test_no_text_of_ours_holds_the_token(place: AppPlace) -> None:
    """Invariant 11: not in an error, and not in what a value shows of itself."""
    tokens = place.tokens()
    token = tokens.token()
    place.world.forge.uninstall_app(place.installation)

    shown = f"{listed(place, tokens)!r}{place.forge(tokens).examine()!r}{tokens!r}"

    assert token not in shown


def test_app_that_may_not_see_checks_still_knows_that_a_merge_waits(place: AppPlace) -> None:
    """Their names are an extra; without the permission for them the state is told all the same."""
    number, sha = place.world.opened(), place.world.tip(BRANCH)
    place.world.protect(required_status_checks={"strict": False, "contexts": ["ci"]})
    place.world.do("ana", "POST", f"{REPO}/statuses/{sha}", state="pending", context="ci")
    forge = place.forge()
    forge.mergeability(number)

    found = forge.mergeability(number)

    assert (found.state, "ci" in found.reason) == (MergeState.BLOCKED, False)
