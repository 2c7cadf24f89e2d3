"""What source-controller leaves out of a commit, as its own code and its tests have it (sourceignore 0.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.files.folder import Folder, Manifest
from reconciler.manifests.rendering.source_ignore import IGNORE_FILES, left_out
from reconciler.model.proposal import TreeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def hides(files: Mapping[str, str | bytes], of_repository: str = "", *, mode: int = 0o100644) -> Callable[[str], bool]:
    """Return what a commit with these files leaves out."""
    found = []
    for path, text in files.items():
        if IGNORE_FILES.concerns(path, mode):
            data = text if isinstance(text, bytes) else text.encode()
            found.append(Manifest(TreeFile(path=path, blob=path, mode=mode), IGNORE_FILES.judged(data, 1000)))
    return left_out(Folder().changed((), found), of_repository)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("value", "value/tail", True),
        ("value", "head/value/tail", True),
        ("value", "head/value", True),
        ("value/", "head/value/tail", True),
        ("value/", "head/value", False),
        ("val", "head/value/tail", False),
        ("v*o", "value/vulkano/tail", True),
        ("vul?ano", "value/vulkano/tail", True),
        ("/value/vul?ano", "value/vulkano/tail", True),
        ("value/vul?ano", "value/vulkano/tail", True),
        ("value/vulkano", "value/volcano", False),
        ("value/vul?ano", "value", False),
        ("/value/volcano", "value/value/volcano", False),
        ("**/*lue/vol?ano", "value/volcano/tail", True),
        ("**/*lue/vol?ano", "head/value/volcano/tail", True),
        ("**/*lue/vol?ano", "head/value/Volcano/tail", False),
        ("**/*lue/vol?ano/", "head/value/volcano/tail", True),
        ("**/*lue/vol?ano/", "head/value/volcano", False),
        ("/*lue/vol?ano/**", "value/volcano/tail/moretail", True),
        ("/*lue/vol?ano/**", "value/volcano", True),
        ("/*lue/**/vol?ano", "value/volcano", True),
        ("/*lue/**/vol?ano", "value/middle1/middle2/volcano", True),
        ("/*lue/**/vol?ano/", "value/middle1/middle2/volcano", False),
        ("/*lue/**/vol?ano/", "value/middle1/middle2/volcano/tail", True),
        ("/*lue/**foo/vol?ano", "value/foo/volcano/tail", False),
        ("**/android/**/Generated.java", "packages/lib/android/gradle.dart", False),
        ("/*", "deploy/web.yaml", True),
        ("/deploy  ", "deploy/web.yaml", True),
        ("# deploy", "deploy/web.yaml", False),
        ("   ", "deploy/web.yaml", False),
    ],
)
def test_a_pattern_is_about_what_flux_says(pattern: str, path: str, *, expected: bool) -> None:
    """Its own tests of files, the classes of characters left out."""
    assert hides({}, f"{pattern}\r\n")(path) is expected


def test_without_a_word_the_list_of_flux_counts() -> None:
    """At any depth."""
    hidden = hides({"deploy/web.yaml": ""})

    assert [
        p for p in ("a/.sops.yaml", ".github/w/ci.yaml", "a/b.zip", "deploy/web.yaml", "a/.git/x") if hidden(p)
    ] == [
        "a/.sops.yaml",
        ".github/w/ci.yaml",
        "a/b.zip",
        "a/.git/x",
    ]


def test_a_word_anywhere_takes_the_place_of_the_list() -> None:
    """All of it but what Git's own files are."""
    hidden = hides({"docs/.sourceignore": "*.md\n"})

    assert [p for p in ("a/.sops.yaml", "docs/a.md", "a.md", ".gitignore", "docs/.sourceignore") if hidden(p)] == [
        "docs/a.md",
        ".gitignore",
    ]


def test_the_later_and_the_deeper_wins_and_the_repository_s_own_wins_over_all() -> None:
    """`!` takes in again."""
    files = {".sourceignore": "/*\n!/deploy\n", "deploy/.sourceignore": "more/\n"}

    inner, outer = hides(files), hides(files, "!more\n")

    paths = ("web.yaml", "deploy/web.yaml", "deploy/more/web.yaml", "deployment/web.yaml")
    assert [inner(path) for path in paths] == [True, False, True, True]
    assert [outer(path) for path in paths] == [True, False, False, True]


@pytest.mark.parametrize("line", ["v[ou]l", "a\\ ", b"\xff"])
def test_what_is_not_repeated_is_refused_by_name(line: str | bytes) -> None:
    """Nobody guesses what it leaves out."""
    with pytest.raises(Refusal, match=r"deploy/\.sourceignore") as refused:
        hides({"deploy/.sourceignore": line})("deploy/web.yaml")

    assert refused.value.code == "rendering.flux_ignore_file"


def test_a_link_is_refused_by_name() -> None:
    """Flux follows it, out of the repository maybe."""
    with pytest.raises(Refusal, match="is a link"):
        hides({".sourceignore": "../list"}, mode=0o120000)
