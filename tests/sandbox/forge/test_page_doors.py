"""The page's doors: who is let in, which forms count, what the feed tells, and what is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge import READER, REVIEWER
from reconciler.sandbox.forge.web import Line, Live
from reconciler.sandbox.wire import Request
from tests.sandbox.forge.browser import NAME, PAGE, REPOSITORY, Browser, text_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """An open pull request, and ana in front of it."""
    return Browser(tmp_path)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "localhost:80:80"])
def test_foreign_names_that_lead_here_see_and_do_nothing(browser: Browser, host: str) -> None:
    """A site whose name resolves to this machine gets neither the page nor its feed."""
    answers = [browser.look(host=host), browser.look(f"{PAGE}/activity.json", host), browser.press("close", host=host)]

    assert [answer.status for answer in answers] == [421] * 3
    assert "web: more memory" not in text_of(answers[0])
    assert browser.pull["state"] == "open"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:80"])
def test_names_of_this_machine_are_let_in(browser: Browser, host: str) -> None:
    """However a browser calls it."""
    assert browser.look(host=host).status == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_form_of_another_site_is_refused(browser: Browser, token: str) -> None:
    """Without the page's own token nothing happens."""
    answer = browser.press("close", token=token)

    assert answer.status == 403
    assert browser.pull["state"] == "open"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"action=close", "text/plain", 415),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 6_000), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused(browser: Browser, body: bytes, kind: str, status: int) -> None:
    """Of any kind."""
    headers = {"host": "localhost", "content-type": kind}

    assert browser.forge.handle(Request("POST", PAGE, {}, headers, body, PAGE)).status == status
    assert browser.pull["state"] == "open"


@pytest.mark.parametrize(("action", "method"), [("delete", "merge"), ("approve", "octopus")])
def test_unknown_actions_are_refused(browser: Browser, action: str, method: str) -> None:
    """The page does what its buttons say."""
    assert browser.press(action, method=method).status == 400


def test_token_belongs_to_one_page(browser: Browser) -> None:
    """A form of one pull request does not act on another."""
    token = browser.page().all("input")[0]["value"]
    again = Browser(browser.forge.state.folder.parent / "again")

    assert again.press("close", token=token).status == 403


def test_feed_tells_what_goes_on(browser: Browser) -> None:
    """The clock, what comes next, what happened; and a version that changes with the pull request."""
    browser.forge.pages.live = lambda: Live(
        clock="09:00", waiting="soon", lines=(Line(at="1", text="did", mark="done"),)
    )
    first = json.loads(text_of(browser.look(f"{PAGE}/activity.json")))
    again = json.loads(text_of(browser.look(f"{PAGE}/activity.json")))
    browser.call("POST", f"{REPOSITORY}/issues/1/comments", READER, body="me too")
    later = json.loads(text_of(browser.look(f"{PAGE}/activity.json")))

    assert {key: first[key] for key in ("clock", "waiting", "lines")} == {
        "clock": "09:00",
        "waiting": "soon",
        "lines": [{"at": "1", "text": "did", "mark": "done"}],
    }
    assert first["version"] == again["version"] != later["version"]
    assert f'data-version="{later["version"]}"' in text_of(browser.look())


def test_looking_costs_nothing_of_the_rate_limit(browser: Browser) -> None:
    """A browser that stays open for hours does not use up what programs may ask."""

    def used() -> int:
        return int(browser.call("GET", "/rate_limit", REVIEWER)["rate"]["used"])

    before = used()
    for _ in range(20):
        browser.look(f"{PAGE}/activity.json")

    assert used() == before


@pytest.mark.parametrize("path", [f"/{NAME}/pull/2", "/platform/none/pull/1"])
def test_what_is_not_there_is_404(browser: Browser, path: str) -> None:
    """A page of its own, for people."""
    answer = browser.look(path)

    assert answer.status == 404
    assert "Nothing to see" in text_of(answer)


@pytest.mark.parametrize("path", [f"/{NAME}", f"/{NAME}/pull/x", f"/{NAME}/pull/0", f"/{NAME}/pull/1/files"])
def test_other_addresses_are_not_the_pages(browser: Browser, path: str) -> None:
    """They are left to whoever serves them."""
    assert browser.forge.pages.answer(Request("GET", path, {}, {"host": "localhost"})) is None


def test_other_methods_are_not_allowed(browser: Browser) -> None:
    """Pages are looked at and sent forms, nothing else."""
    for method, path in (("PUT", PAGE), ("POST", f"{PAGE}/activity.json")):
        assert browser.forge.handle(Request(method, path, {}, {"host": "localhost"}, raw_path=path)).status == 405
