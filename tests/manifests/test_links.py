"""Symbolic links: through which other paths a file is read."""

from __future__ import annotations

import pytest

from reconciler.manifests.files.folder import Folder, Manifest
from reconciler.manifests.files.links import LINKS, Links, links_of
from reconciler.model.proposal import TreeFile


def links(targets: dict[str, str | bytes]) -> Links:
    """Return links with their text as Git keeps it."""
    texts = {path: text if isinstance(text, bytes) else text.encode() for path, text in targets.items()}
    entries = [
        Manifest(TreeFile(path=path, blob="", mode=0o120000), LINKS.judged(text, 100)) for path, text in texts.items()
    ]
    return links_of(Folder().changed((), entries))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("envs/staging/values.yaml", "envs/prod/values.yaml"),
        ("envs/staging", "envs/prod"),
        ("deep/a/x.yaml", "envs/prod/x.yaml"),
        ("whole/envs/staging/b", "envs/prod/b"),
        ("envs/stagings/b", "envs/stagings/b"),
        ("out/b", "out/b"),
        ("absolute/b", "absolute/b"),
        ("", ""),
    ],
)
def test_path_is_followed_through_links_inside_the_repository(path: str, expected: str) -> None:
    """Links in links too; what leads out of the repository leads nowhere."""
    found = links(
        {
            "envs/staging": "prod",
            "deep/a": "../envs/staging",
            "whole": ".",
            "out": "../x",
            "absolute": "/etc",
            "odd": b"\xff",
        }
    )

    assert found.resolved(path) == expected


def test_links_that_go_round_end() -> None:
    """Each leads to the other, or into itself."""
    found = links({"a": "b", "b": "a", "c": "c/d"})

    assert found.resolved("a/x") in ("a/x", "b/x")
    assert found.resolved("c").startswith("c/d")
    assert links({}).resolved("a/x") == "a/x"


def test_only_links_are_looked_at() -> None:
    """By their mode."""
    assert [mode for mode in (0o100644, 0o100755, 0o120000, 0o160000) if LINKS.concerns("a", mode)] == [0o120000]
