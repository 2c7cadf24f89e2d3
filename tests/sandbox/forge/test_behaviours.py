"""What GitHub answers when something is wrong: one row for each behaviour, request to status and words.

Each row is asked of the forge itself, and all once more with GitHub's own description in front of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.forge import refusals_around_pulls as around
from tests.sandbox.forge import refusals_of_pulls as pulls
from tests.sandbox.forge import rest
from tests.sandbox.forge.refusals import Row, asked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.forge import described
    from tests.sandbox.forge.rest import World

# What GitHub itself answers against its description: statuses that it leaves out, and errors that fit two shapes.
EXCUSED = re.compile(r"Unable to match the returned status code|exactly one schema in oneOf$")

TABLE = {
    "opening": pulls.OPENING,
    "merging": pulls.MERGING,
    "editing": pulls.EDITING,
    "reviewing": pulls.REVIEWING,
    "references": around.REFERENCES,
    "files": around.FILES,
    "rights": around.RIGHTS,
    "talking": around.TALKING,
    "limits": around.LIMITS,
}
ROWS = [pytest.param(row, id=f"{group}: {row.claim}") for group, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize("row", ROWS)
def test_the_forge_refuses_as_github_does(world: World, row: Row) -> None:
    """Status and words are GitHub's."""
    answer = asked(world, row)

    assert (answer.status, answer.said) == (row.status, row.said)


@pytest.mark.github
def test_refusals_are_as_github_describes_them(checker: described.Checker, tmp_path: Path) -> None:
    """Nothing in a refusal is against the description of its operation."""
    broken = []
    for number, row in enumerate(row for rows in TABLE.values() for row in rows if not row.redirects):
        with rest.world(tmp_path / str(number)) as world:
            checker.behind.handle, world.url = world.forge.handle, checker.url
            asked(world, row)
        broken += [f"{row.claim}: {each}" for each in world.violations if "['response'" in each]

    assert [each for each in broken if not EXCUSED.search(each)] == []
