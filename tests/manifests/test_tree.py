"""Argo CD's globs, and tree entries that are no files."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.files.tree import matches_glob, refuse_unsafe_entry
from reconciler.model.proposal import TreeFile


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.yaml", "a.yaml", True),
        ("*.yaml", "a/b.yaml", True),  # no separators: a star crosses slashes
        ("a/*", "a/b/c.yaml", True),
        ("a/**/c.yaml", "a/b/c.yaml", True),
        ("?.yaml", "a.yaml", True),
        ("?.yaml", "ab.yaml", False),
        ("{config.json,env-usw2/*}", "env-usw2/x.yaml", True),
        ("{config.json,env-usw2/*}", "config.json", True),
        ("{config.json,env-usw2/*}", "config.jsonx", False),
        ("{a,{b,c}}.yaml", "c.yaml", True),
        ("a,b.yaml", "a,b.yaml", True),
        ("}.yaml", "}.yaml", True),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[a-c].yaml", "b.yaml", True),
        ("[^a].yaml", "^.yaml", True),
        ("[c-a].yaml", "b.yaml", False),
        ("[a-cx].yaml", "b.yaml", False),
        ("[ab.yaml", "a.yaml", False),
        (r"\*.yaml", "*.yaml", True),
        (r"\*.yaml", "a.yaml", False),
        ("a.yaml", "aXyaml", False),
        ("A.yaml", "a.yaml", False),
    ],
)
def test_globs_match_as_argo_does(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a table of answers
    """Include and exclude follow gobwas/glob without separators, as Argo CD compiles them."""
    assert matches_glob(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "{a,a}" * 30 + "b", "{*a,*a}" * 20 + "b", "[ab]*" * 30 + "c"])
def test_glob_of_many_choices_ends_soon(pattern: str) -> None:
    """Invariant 10: whoever writes an Application cannot keep a pass busy for hours."""
    assert not matches_glob(pattern, "a" * 1000 + "x")


@pytest.mark.parametrize("pattern", ["{" * 5000, "{a," * 5000, "{" * 300 + "a" + "}" * 300, "a{*," * 17])
def test_glob_of_lists_without_end_is_refused_by_name(pattern: str) -> None:
    """What is made to crash its reader is no pattern."""
    with pytest.raises(Refusal, match=r"locate\.glob_too_deep"):
        matches_glob(pattern, "a")


def test_lists_within_lists_are_read() -> None:
    """As deep as anybody would write them, and deeper."""
    assert matches_glob("{a," * 15 + "b" + "}" * 15, "b")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*{ab,a}*b*.yaml", "ab.yaml", True),
        ("{a,b{c,d}*}*/{x,y}*.yaml", "bd1/2/y3.yaml", True),
        ("{a,b{c,d}*}*/{x,y}*.yaml", "bd1/2/z3.yaml", False),
        ("*/*/[!a]*{.yaml,.yml", "x/y/b.yml", True),
    ],
)
def test_glob_of_many_choices_means_the_same(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001
    """All its ways are followed at once, and none is left out."""
    assert matches_glob(pattern, path) is expected


@pytest.mark.parametrize("mode", [0o120000, 0o160000, 0o040000])
def test_only_regular_files_are_edited(mode: int) -> None:
    """A symlink's content is a path, a submodule's a commit."""
    with pytest.raises(Refusal, match=r"locate\.not_a_file"):
        refuse_unsafe_entry(TreeFile(path="a.yaml", blob="1", mode=mode), [], ())


@pytest.mark.parametrize("path", ["CODEOWNERS", "docs/CODEOWNERS", ".gitea/workflows/a.yml", "tls.pem", "id_rsa.pub"])
def test_denied_files_are_never_edited(path: str) -> None:
    """Owners, pipelines and keys are not ours, even when located."""
    with pytest.raises(Refusal, match=r"locate\.denied_path"):
        refuse_unsafe_entry(TreeFile(path=path, blob="1", mode=0o100644), [], ())
