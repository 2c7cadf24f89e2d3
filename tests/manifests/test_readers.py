"""Which kustomizations read a file, themselves or by way of others: all of a commit, looked at once."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Refusal
from reconciler.manifests.files.folder import Folder, Manifest
from reconciler.manifests.rendering import kustomize
from reconciler.manifests.rendering.kustomize import KUSTOMIZATIONS, named_in, readers
from reconciler.model.proposal import TreeFile
from tests.manifests.test_jobs import checkout

LIMIT = 1_000
FOLDERS = ["", "base", "base/deep", "apps/one", "apps/two", "parts"]
ENTRIES = [
    "a.yaml",
    "./a.yaml",
    "../base",
    "../base/",
    "../../base",
    "deep",
    "../../parts",
    "../one",
    ".",
    "..",
    "b.yaml",
]


def commit_of(tree: dict[str, str]) -> Folder:
    """Return the kustomizations among some files."""
    files = [TreeFile(path=path, blob=path, mode=0o100644) for path in tree]
    there = [file for file in files if KUSTOMIZATIONS.concerns(file.path, file.mode)]
    return Folder().changed((), [Manifest(file, named_in(tree[file.path].encode(), LIMIT)) for file in there])


def kustomizations(named: dict[str, list[str]]) -> dict[str, str]:
    """Return kustomizations that name these, in these folders."""
    return {
        posixpath.join(folder, "kustomization.yaml"): f"resources: {entries}\n" for folder, entries in named.items()
    }


@given(st.dictionaries(st.sampled_from(FOLDERS), st.lists(st.sampled_from(ENTRIES), max_size=3)), st.data())
def test_whatever_a_rendering_reads_is_known_beforehand(named: dict[str, list[str]], data: st.DataObject) -> None:
    """For any graph of bases, cycles included: each file that is collected for a rendering names that rendering."""
    files = {posixpath.join(folder, name): "a: 1\n" for folder in FOLDERS for name in ("a.yaml", "b.yaml")}
    tree = {**files, **kustomizations(named)}
    path = data.draw(st.sampled_from(sorted(tree)))
    found = readers(commit_of(tree), [path])

    for folder in named:
        seen = checkout(tree)
        try:
            kustomize.collect(seen, folder, LIMIT)
        except Refusal:
            continue  # cannot be rendered, and is refused as that wherever it counts
        assert (path in seen.contents) == (folder in found)


@pytest.mark.parametrize("also", ["'https://example.invalid'", "missing.yaml", "../../../outside"])
def test_what_is_read_is_known_even_where_it_cannot_be_rendered(also: str) -> None:
    """Who shares a file must be known of an overlay with a remote base too."""
    tree = {"over/kustomization.yaml": f"resources: [{also}, ../base]\n", **kustomizations({"base": ["a.yaml"]})}

    assert readers(commit_of(tree), ["base/a.yaml"]) == {"base", "over"}


def test_what_cannot_be_read_may_read_what_is_below_it() -> None:
    """A kustomization that we cannot judge is a doubt, and every doubt is a yes."""
    tree = {"apps/one/kustomization.yaml": "resources: [", "apps/two/kustomization.yaml": "resources: []"}

    assert readers(commit_of(tree), ["apps/one/a.yaml"]) == {"apps/one"}
    assert readers(commit_of(tree), ["base/a.yaml"]) == set()


@pytest.mark.parametrize(
    "text",
    [
        "patches:\n- path: p.yaml\n- patch: |\n    token: hunter2\n",
        'patches: [{path: p.yaml}]\npatchesStrategicMerge: [\'{"data": {"token": "hunter2"}}\', "a: hunter2\\n"]\n',
        "patches: {path: p.yaml}\nsecretGenerator: [{name: s, literals: [token=hunter2]}]\n",
        "configMapGenerator: [{files: [key=p.yaml], literals: [token=hunter2]}]\n",
    ],
)
def test_only_names_of_files_are_kept(text: str) -> None:
    """Invariant 11: no patch that is written out in place, and no literal of a generator."""
    kept = named_in(text.encode(), LIMIT)

    assert [entry for entry, _ in kept.words()] == ["p.yaml"]
    assert b"hunter2" not in kept.said


@pytest.mark.parametrize(
    "said",
    [
        "helmCharts:\n- {name: web, valuesFile: ../charts/web/prod.yaml}\n",
        "helmCharts:\n- {name: web, additionalValuesFiles: [../charts/web/prod.yaml]}\n",
        "helmCharts:\n- {name: web}\nhelmGlobals: {chartHome: ../charts}\n",
    ],
)
def test_chart_that_is_inflated_counts_as_read(said: str) -> None:
    """With all that is in it, and the value files that the kustomization names."""
    tree = {"one/kustomization.yaml": said, "two/kustomization.yaml": "resources: [../one]\n"}

    assert readers(commit_of(tree), ["charts/web/prod.yaml"]) == {"one", "two"}
    assert readers(commit_of(tree), ["charts/webs/prod.yaml"]) == set()
