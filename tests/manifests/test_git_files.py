"""Which files a git generator reads is said only where Argo CD's two ways of matching agree."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.declared.git_files import folder_of, may_select, selected

PATHS = ("envs/prod/config.yaml", "envs/prod/eu/config.yaml", "envs/prod.yaml", "envs/dev/config.yaml", "config.yaml")


def entries(*paths: str) -> list[dict[str, object]]:
    """Return a generator's `files`; `!` before a path excludes it."""
    return [{"path": path.removeprefix("!"), "exclude": path.startswith("!")} for path in paths]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("envs/prod/config.yaml",), ["envs/prod/config.yaml"]),
        (("envs/prod.y*ml", "config.yaml"), ["config.yaml", "envs/prod.yaml"]),
        (("envs/d?v/*.yaml",), ["envs/dev/config.yaml"]),
        (("envs/*/eu/config.yaml",), ["envs/prod/eu/config.yaml"]),
        (("config.yaml", "!config.yaml"), []),
        (("config.yaml", "!envs/dev/config.yaml"), ["config.yaml"]),
        (("gone.yaml",), []),
    ],
)
def test_files_are_selected_where_both_ways_agree(patterns: tuple[str, ...], expected: list[str]) -> None:
    """Names, and stars that meet the same files."""
    assert list(selected(entries(*patterns), PATHS)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "envs/*/config.yaml",  # `git ls-files` goes on to prod/eu
        "envs/**/config.yaml",
        "**/config.yaml",  # git wants a folder before it
        "envs",  # git takes the folder for all below it
        "envs/{dev,prod}/config.yaml",
        "envs/[dp]*/config.yaml",
        ":(top)config.yaml",
        "/config.yaml",
        "./config.yaml",
        "envs/../config.yaml",
        "",
    ],
)
def test_pattern_that_may_mean_two_things_is_refused(pattern: str) -> None:
    """A switch of the controller decides, which we cannot see."""
    files = (*PATHS, "envs/config.yaml")
    with pytest.raises(Refusal) as refused:
        selected(entries(pattern), files)

    assert refused.value.code == "locate.appset_glob"


def test_doubt_whether_a_file_is_read_is_a_yes() -> None:
    """Either way of matching counts, and a pattern that is not understood."""
    assert may_select(entries("envs/*/config.yaml"), "envs/prod/eu/config.yaml")
    assert may_select(entries("**/config.yaml"), "config.yaml")
    assert may_select(entries("[ab].yaml"), "c.yaml")
    assert not may_select(entries("envs/*.json", "!c.yaml"), "c.yaml")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("envs/prod/config.yaml",), "envs/prod"),
        (("envs/*/config.yaml",), "envs"),
        (("envs/prod/*.yaml", "envs/dev/x.yaml"), "envs"),
        (("a/*.yaml", "b/*.yaml"), ""),
        (("*.yaml",), ""),
    ],
)
def test_listing_begins_at_the_deepest_common_folder(patterns: tuple[str, ...], expected: str) -> None:
    """So that a large repository is not listed whole."""
    assert folder_of(entries(*patterns)) == expected


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "**/a/" * 30 + "b", "a/*?" * 30 + "**/b"])
def test_patterns_of_many_asterisks_end_soon(pattern: str) -> None:
    """Invariant 10: whoever writes an ApplicationSet cannot keep a pass busy for hours."""
    assert not may_select(entries(pattern), "a" * 1000 + "/a" * 1000 + "c")


def test_earlier_places_of_a_piece_miss_nothing() -> None:
    """What is between two asterisks is looked for once, and what follows still finds its place."""
    assert may_select(entries("a*ab*b.yaml"), "aababb.yaml")
    assert may_select(entries("**/a/**/a/b.yaml"), "a/a/a/b.yaml")
    assert not may_select(entries("**/a/**/a/c.yaml"), "a/b/c.yaml")
