"""Every webhook example that GitHub publishes: answered without an error, and heard exactly when it concerns us."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.needs import cannot_run
from tests.testbed import build, npm
from tests.webhooks.messages import Door, message

pytestmark = pytest.mark.github

SOURCE = Path(npm.__file__).parent / "webhooks"
INDEX = Path("node_modules/@octokit/webhooks-examples/api.github.com/index.json")

# By what GitHub calls them, not by the code under test: pull requests, reviews, comments on them, pushes and checks.
CONCERNING = {
    "check_run",
    "check_suite",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "status",
}
LIMIT = 4_194_304  # bytes; the default of webhooks.max_bytes


@cache
def examples() -> list[tuple[str, dict[str, Any]]]:
    """Return each example with its event; skips without Node."""
    try:
        home = npm.install(SOURCE)
    except build.Unavailable as reason:
        cannot_run("the GitHub tests", reason)
    published = json.loads((home / INDEX).read_text())
    return [(event["name"], payload) for event in published for payload in event["examples"]]


def own_name(payload: dict[str, Any]) -> str | None:
    """Return the repository that an example is about, if any."""
    return (payload.get("repository") or {}).get("full_name")


def heard(event: str, payload: dict[str, Any], repository: str) -> tuple[int, list[str]]:
    """Send one example to a receiver of one repository; return the status and who rang."""
    door = Door(repository=repository)
    door.receiver.max_bytes = LIMIT
    return door.status(payload, event=event), door.rings


def test_every_example_is_taken_and_rings_exactly_when_it_concerns_us() -> None:
    """All 329 of them, each as if it were about our repository."""
    wrong = []
    for event, payload in examples():
        name = own_name(payload)
        on_pull_request = event == "issue_comment" and "pull_request" in payload["issue"]
        expected = [event] if name and (event in CONCERNING or on_pull_request) else []
        if heard(event, payload, name or "octo-org/octo-repo") != (202, expected):
            wrong.append((event, payload.get("action"), name))

    assert len(examples()) == 329
    assert wrong == []


def test_no_example_of_another_repository_rings() -> None:
    """They are taken, as the forge did nothing wrong, and concern nobody here."""
    answers = [heard(event, payload, "shop/deploy") for event, payload in examples()]

    assert [answer for answer in answers if answer != (202, [])] == []


def test_every_kind_that_concerns_us_is_among_the_examples() -> None:
    """Else the first test would hold of nothing."""
    assert CONCERNING - {event for event, _ in examples()} == set()


def test_the_published_comments_ring_once_they_are_on_a_pull_request() -> None:
    """All of them are on issues; a pull request's say so by a key of the issue."""
    comments = [payload for event, payload in examples() if event == "issue_comment"]

    for payload in comments:
        name = own_name(payload) or ""
        on_pull_request = payload | {"issue": payload["issue"] | {"pull_request": {"url": "…"}}}
        assert heard("issue_comment", payload, name) == (202, [])
        assert heard("issue_comment", on_pull_request, name) == (202, ["issue_comment"])
    assert len(comments) == 9


def test_one_receiver_takes_the_whole_flood() -> None:
    """In one go, each with an id of its own: nothing is taken for a replay but what is one."""
    door = Door(repository="Codertocat/Hello-World")
    door.receiver.max_bytes = LIMIT
    seen: set[str] = set()

    for number, (event, payload) in enumerate(examples()):
        again = json.dumps(payload) in seen
        seen.add(json.dumps(payload))
        headers, body = message(payload, event=event, delivery=f"d-{number}")
        assert door.ask(headers, body).status == (409 if again else 202)
