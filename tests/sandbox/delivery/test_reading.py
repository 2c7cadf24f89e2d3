"""How text is read: patterns, windows, and YAML as Go's parser sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.delivery import git, globs, windows
from reconciler.sandbox.delivery.manifests import objects_of

if TYPE_CHECKING:
    from tests.sandbox.delivery.world import World


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*.yaml", "a/b.yaml", True),
        ("{a,b*}.yaml", "b1.yaml", True),
        ("{a,b*}.yaml", "c.yaml", False),
        ("[!a]?", "bc", True),
        ("[!a]?", "ac", False),
        ("a.c", "abc", False),
        ("[a", "[a", False),
    ],
)
def test_pattern_means_what_argo_cd_means(pattern: str, text: str, *, matches: bool) -> None:
    """Stars cross slashes where no separator is given; a pattern that is none matches nothing."""
    assert globs.matches(pattern, text) is matches


def test_pattern_with_a_separator_keeps_within_it() -> None:
    """Of repositories: one star is one part, two are any."""
    assert not globs.permits("https://git.example/*", "https://git.example/team/shop", separator="/")
    assert globs.permits("https://git.example/**", "https://git.example/team/shop", separator="/")
    assert globs.permits("!https://other/**", "https://git.example/shop", separator="/")


MONDAY_NINE = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "length", "zone", "active"),
    [
        ("* * * * *", "1h", "UTC", True),
        ("0 9 * * *", "1m", "UTC", True),
        ("0 8 * * *", "59m", "UTC", False),
        ("0 22 * * *", "12h", "UTC", True),
        ("0 22 * * 0", "12h", "UTC", True),
        ("0 22 * * 1-5", "12h", "UTC", False),
        ("*/30 8-9 5 1 *", "1m", "UTC", True),
        ("0 10 * * *", "1m", "Europe/Berlin", True),
        ("0 9 13 * 1", "1m", "UTC", True),  # cron: either the day or the weekday
    ],
)
def test_window_is_active_for_its_duration(schedule: str, length: str, zone: str, *, active: bool) -> None:
    """From each moment of the schedule on, in the window's own time zone."""
    window = {"kind": "deny", "schedule": schedule, "duration": length, "timeZone": zone, "namespaces": ["*"]}
    project = {"spec": {"syncWindows": [window]}}
    application = {"metadata": {"name": "shop"}, "spec": {"destination": {"namespace": "x"}}}

    assert windows.blocks(project, application, MONDAY_NINE, manual=False) is active


@pytest.mark.parametrize(
    ("more", "concerned"),
    [
        ({}, False),
        ({"namespaces": ["x"]}, True),
        ({"applications": ["other"], "namespaces": ["x"]}, True),
        ({"applications": ["other"], "namespaces": ["x"], "andOperator": True}, False),
        ({"applications": ["sh*"], "namespaces": ["x"], "andOperator": True}, True),
        ({"andOperator": True}, False),
    ],
    ids=str,
)
def test_window_concerns_what_it_names(more: dict[str, object], *, concerned: bool) -> None:
    """One of its lists is enough, unless it asks for all; without any list it concerns nothing."""
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", **more}
    application = {"metadata": {"name": "shop"}, "spec": {"destination": {"namespace": "x"}}}

    assert windows.blocks({"spec": {"syncWindows": [window]}}, application, MONDAY_NINE, manual=False) is concerned


@pytest.mark.parametrize("schedule", ["* * * *", "61 * * * *", "5-1 * * * *", "often * * * *"])
def test_schedule_that_is_none_is_an_error(schedule: str) -> None:
    """Never a guess."""
    window = {"kind": "deny", "schedule": schedule, "duration": "1h", "applications": ["*"]}
    application = {"metadata": {"name": "shop"}, "spec": {}}

    with pytest.raises(ValueError, match="cannot parse schedule"):
        windows.blocks({"spec": {"syncWindows": [window]}}, application, MONDAY_NINE, manual=False)


def test_duration_is_written_as_in_go() -> None:
    """Hours, minutes, seconds, in one word."""
    assert windows.duration("1h30m10s") == timedelta(hours=1, minutes=30, seconds=10)
    with pytest.raises(ValueError, match="cannot parse duration '90'"):
        windows.duration("90")


def test_values_are_read_as_kubernetes_reads_them(world: World) -> None:
    """Dates and clock times stay text; octal numbers are numbers; keys are text."""
    definition = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: types\n"
    world.commit(
        {
            "deploy/types.yaml": definition
            + "spec: {date: 2026-01-05, time: 12:30, mode: 0644, share: 1.5, word: 512Mi}",
            "deploy/more.yaml": definition.replace("types", "more") + 'spec: {yes: "on", off: no, empty: null, 3: 4}',
        }
    )
    folder = git.folder(*world.head, "deploy")

    more, types = (each["spec"] for each in objects_of(folder, {}))

    assert types == {"date": "2026-01-05", "time": "12:30", "mode": 420, "share": 1.5, "word": "512Mi"}
    assert more == {"true": "on", "false": False, "empty": None, "3": 4}
