"""A repository of the test's own on each forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.forge_worlds import ForgeWorld, GiteaWorld, GitHubAppWorld, GitHubWorld

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
    # It knows no rulesets: where GitHub answers with the rules of a branch, it says 404.
    ("GET", "['response'] Unable to match the returned status code with those defined in the document: 200"),
}


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


@pytest.fixture
def judging(world: ForgeWorld) -> ForgeWorld:
    """A forge that judges reviews and merges as the real ones do."""
    if world.is_anothers:
        pytest.skip("this server answers 422 where GitHub answers 405 and 409, and computes no mergeability")
    return world
