"""The forge's answers against GitHub's own description of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge.rest.routes import find
from reconciler.sandbox.forge.rest.server import ROUTES
from tests.sandbox.forge import tour
from tests.sandbox.forge.described import shape

if TYPE_CHECKING:
    from reconciler.sandbox.wire import Request, Response
    from tests.sandbox.forge.described import Checker
    from tests.sandbox.forge.rest import World

OLD = {  # served because clients still use them, though GitHub describes them no more
    ("GET", "/repos/{}/{}/contents"),
    ("GET", "/repos/{}/{}/contents/"),
    ("GET", "/repos/{}/{}/git/refs"),
    ("GET", "/repos/{}/{}/git/refs/{}"),
}


def test_the_tour_visits_every_address(world: World) -> None:
    """So that the checks against the description leave nothing out."""
    visited = set()
    handle = world.forge._rest.answer

    def watched(request: Request, path: str, urls: object) -> Response:
        found = find(ROUTES, request.method, path)
        if found is not None:
            visited.add(found[0].name)
        return handle(request, path, urls)  # type: ignore[arg-type]

    world.forge._rest.answer = watched  # type: ignore[method-assign]
    tour.walk(world)

    assert {route.name for route in ROUTES} - visited == {"GET /repos/{owner}/{repo}/contents/"}


@pytest.mark.github
def test_every_request_and_answer_is_as_github_describes_it(described_world: World) -> None:
    """No property is missing, none has another type, on the whole tour; the fixture looks at the end."""
    tour.walk(described_world)


@pytest.mark.github
def test_every_address_is_one_of_githubs(checker: Checker) -> None:
    """The sandbox invents none."""
    served = {(route.method, shape(route.path)) for route in ROUTES}

    assert served - checker.operations == OLD
