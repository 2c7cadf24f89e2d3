"""Finding the owning file below a directory source: one document, or a refusal that names the candidates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.files.contents import judged
from reconciler.manifests.files.folder import Folder, Manifest, OwningFile, may_be_manifest
from reconciler.manifests.files.locate import locate
from reconciler.model.delivery import Source
from reconciler.model.proposal import TreeFile
from tests.manifests.examples import MANIFEST
from tests.worlds import WEBAPP, application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.model.objects import ObjectRef

LIMIT = 10_000
SERVICE = MANIFEST.partition("---\n")[0]


def find(
    tree: dict[str, str | tuple[int, str]],
    *,
    target: ObjectRef = WEBAPP,
    allowed_paths: tuple[str, ...] = (),
    **source: Any,  # noqa: ANN401 - any field of a source
) -> OwningFile:
    """Locate webapp in a tree of paths and texts (with a mode where it is not that of a file)."""
    entries = {path: entry if isinstance(entry, tuple) else (0o100644, entry) for path, entry in tree.items()}
    files = [TreeFile(path=path, blob=path, mode=mode) for path, (mode, _) in entries.items()]

    def read(blob: str) -> bytes:
        return entries[blob][1].encode()

    app = application(sources=(Source(**{"repository": "r", "path": "apps", "target_revision": "main", **source}),))
    return locate(
        target,
        app,
        0,
        lambda _: folder_of(files, read),
        lambda path: list(beside(files, path)),
        read,
        max_bytes=LIMIT,
        allowed_paths=allowed_paths,
    )


def folder_of(files: Iterable[TreeFile], read: Callable[[str], bytes]) -> Folder:
    """Return the manifests among some files."""
    manifests = [f for f in files if may_be_manifest(f.path, f.mode)]
    return Folder().changed((), [Manifest(f, judged(read(f.blob), LIMIT)) for f in manifests])


def beside(files: Iterable[TreeFile], path: str) -> Iterator[TreeFile]:
    """Yield what stands in the folders that lead to a path, folders included."""
    leading = path.split("/")
    for file in files:
        steps = file.path.split("/")
        for depth in range(1, len(steps) + 1):
            if steps[: depth - 1] == leading[: depth - 1]:
                here = "/".join(steps[:depth])
                yield file if depth == len(steps) else TreeFile(path=here, blob="", mode=0o040000)


def refusal(tree: dict[str, str | tuple[int, str]], **source: Any) -> Refusal:  # noqa: ANN401 - as above
    """Return why nothing is located; fails when something is."""
    with pytest.raises(Refusal) as refused:
        find(tree, **source)
    assert refused.value.remedy
    return refused.value


def test_the_document_is_found_by_identity() -> None:
    """A Service of the same name before it does not matter, nor do other files."""
    found = find({"apps/README.md": "webapp Deployment", "apps/other.yaml": SERVICE, "apps/web.yaml": MANIFEST})

    assert (found.file.path, found.file.blob, found.document) == ("apps/web.yaml", "apps/web.yaml", 1)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("apps/web.yml", {}),
        ("apps/web.yaml", {"path": "./apps/"}),
        ("web.yaml", {"path": "."}),
        ("web.yaml", {"path": ""}),
        ("apps/team/web.yaml", {"recurse": True}),
        ("apps/team/web.yaml", {"recurse": True, "include": "*.yaml"}),
        ("apps/web.yaml", {"include": "{*.yml,*.yaml}"}),
        ("apps/web.yaml", {"exclude": "test/*"}),
    ],
)
def test_files_that_argo_reads_are_searched(path: str, source: dict[str, Any]) -> None:
    """Folder, suffix, recursion and globs are Argo CD's."""
    assert find({path: MANIFEST}, **source).file.path == path


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("apps/web.txt", {}),
        ("apps/web.YAML", {}),
        ("apps/team/web.yaml", {}),
        ("appsfoo/web.yaml", {"recurse": True}),
        ("web.yaml", {}),
        ("apps/web.yaml", {"include": "*.yml"}),
        ("apps/web.yaml", {"exclude": "{web.yaml,x/*}"}),
        ("apps/web.yaml", {"exclude": "*.yaml", "include": "*"}),
        ("apps/team/web.yaml", {"recurse": True, "exclude": "*/web.yaml"}),
    ],
)
def test_files_that_argo_does_not_read_are_not_searched(path: str, source: dict[str, Any]) -> None:
    """An edit there would do nothing."""
    assert refusal({path: MANIFEST}, **source).code == "locate.not_found"


def test_a_file_marked_to_be_skipped_is_skipped() -> None:
    """Argo CD leaves out what carries its marker, so we do."""
    assert refusal({"apps/a.yaml": MANIFEST + "# +argocd:skip-file-rendering\n"}).code == "locate.not_found"


@pytest.mark.parametrize(
    "changes",
    [{"namespace": "staging"}, {"group": "extensions"}, {"kind": "StatefulSet"}, {"name": "web"}],
)
def test_an_object_that_differs_in_one_word_is_another(changes: dict[str, str]) -> None:
    """Group, kind, namespace and name all count."""
    assert refusal({"apps/web.yaml": MANIFEST}, target=replace(WEBAPP, **changes)).code == "locate.not_found"


def test_several_candidates_are_refused_and_named() -> None:
    """Two files that define the same object: nobody knows which one wins."""
    refused = refusal({"apps/a.yaml": MANIFEST, "apps/b.yaml": MANIFEST.replace("  namespace: production\n", "")})

    assert refused.code == "locate.ambiguous"
    assert "apps/a.yaml (document 2), apps/b.yaml (document 2)" in refused.message


def test_two_documents_of_one_file_are_two_candidates() -> None:
    """A file that defines the object twice is as unclear as two files."""
    refused = refusal({"apps/a.yaml": MANIFEST + "---\n" + MANIFEST})

    assert refused.code == "locate.ambiguous"
    assert "(document 2), apps/a.yaml (document 4)" in refused.message


@pytest.mark.parametrize(
    "text",
    [MANIFEST + "x: [", MANIFEST + "#" * 10_000, MANIFEST.replace("kind: Deployment", "k: &k Deployment\nkind: *k")],
    ids=["broken", "large", "hidden"],
)
def test_a_file_that_may_hold_the_object_must_be_readable(text: str) -> None:
    """A file that names the object and cannot be judged could be a second definition."""
    refused = refusal({"apps/a.yaml": MANIFEST, "apps/b.yaml": text})

    assert refused.code == "locate.unreadable"
    assert "apps/b.yaml" in refused.message


def test_a_broken_file_about_other_things_does_no_harm() -> None:
    """Only files that name the object are parsed."""
    assert find({"apps/a.yaml": MANIFEST, "apps/b.yaml": "x: ["}).file.path == "apps/a.yaml"


def test_no_candidate_names_what_cannot_be_judged() -> None:
    """Whoever looks for the manifest should look there first; a file that Argo CD does not read is none of it."""
    broken = f"{SERVICE}x: ["
    refused = refusal({"apps/b.yaml": broken, "apps/a.yaml": broken, "apps/c.txt": broken, "apps/d/e.yaml": broken})

    assert refused.code == "locate.not_found"
    assert refused.message.endswith("; apps/a.yaml, apps/b.yaml there cannot be judged")


@pytest.mark.parametrize("kind", ["Kustomize", "Helm", "Plugin", ""])
def test_rendered_sources_are_refused(kind: str) -> None:
    """What a tool renders is not the manifest in Git."""
    refused = refusal({"apps/web.yaml": MANIFEST}, kind=kind)

    assert refused.code == "locate.unsupported_source"
    assert (kind or "unknown") in refused.message


def test_json_is_found() -> None:
    """Argo CD reads JSON too, and it is edited like any other flow of YAML."""
    text = '{"apiVersion": "apps/v1", "kind": "Deployment",\n\t"metadata": {"name": "webapp"}}'

    assert find({"apps/web.json": text}).file.path == "apps/web.json"


def test_a_status_about_older_sources_is_waited_for() -> None:
    """Until Argo CD has compared the present sources, where the object lives is not known (invariant 3)."""

    def never(_: object) -> Any:  # noqa: ANN401 - it returns nothing
        pytest.fail("the repository was asked")

    with pytest.raises(Conflict, match=r"locate\.source_changing"):
        locate(WEBAPP, application(sources_current=False), 0, never, never, never, max_bytes=1, allowed_paths=())


def test_a_symlink_is_not_followed() -> None:
    """What a symlink points at may be shared, and may be outside."""
    assert refusal({"apps/web.yaml": (0o120000, "../webapp Deployment")}).code == "locate.not_found"


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ({"apps/web.yaml": MANIFEST, "apps/Web.yaml": "{}"}, "locate.name_collision"),
        ({"apps/ordner\u0308/a.yaml": MANIFEST, "apps/ordn\u0451r/b.yaml": "{}"}, None),
        ({"apps/o\u0308/a.yaml": MANIFEST, "apps/\u00f6/b.yaml": "{}"}, "locate.name_collision"),
        ({"apps/team/a.yaml": MANIFEST, "apps/Team": (0o120000, "x")}, "locate.name_collision"),
        ({"apps/team/a.yaml": MANIFEST, "apps/team": (0o160000, "x")}, "locate.linked_parent"),
        ({"apps/.git/a.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/.GIT/a.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/a\\b.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/../a.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps//a.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/a\u200d.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/a\uff0fb.yaml": MANIFEST}, "locate.unsafe_path"),
        ({"apps/team/a.yaml": MANIFEST, "apps/team\uff0fb.yaml": "{}"}, "locate.name_collision"),
        ({"apps/a.yaml": MANIFEST, "Apps": (0o120000, "x")}, "locate.name_collision"),
        ({"apps/a.yaml": MANIFEST, "other/a.yaml": "{}", "apps/b/A.yaml": "{}"}, None),
        ({"apps/.argocd-source-web.yaml": MANIFEST}, "locate.denied_path"),
        ({"apps/web.sops.yaml": MANIFEST}, "locate.denied_path"),
        ({"apps/web.key.yaml": MANIFEST}, "locate.denied_path"),
    ],
)
def test_odd_places_are_refused(tree: dict[str, Any], code: str | None) -> None:
    """Paths that others could check out as something else, and files that are not ours, stay untouched."""
    if code is None:
        assert find(tree, recurse=True).file.path in tree
    else:
        assert refusal(tree, recurse=True).code == code


def test_pipelines_are_never_edited() -> None:
    """Files of the forge's own pipelines run as code."""
    assert refusal({".github/web.yaml": MANIFEST}, path=".github").code == "locate.denied_path"


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        ((), True),
        (("apps",), True),
        (("apps/",), True),
        (("ap",), False),
        (("other", "apps/web.yaml"), True),
        ((".",), True),
    ],
)
def test_allowed_paths_end_at_slashes(allowed: tuple[str, ...], found: bool) -> None:  # noqa: FBT001 - a table of answers
    """`ap` allows `ap/x`, not `apps/x`."""
    if found:
        assert find({"apps/web.yaml": MANIFEST}, allowed_paths=allowed).file.path == "apps/web.yaml"
    else:
        assert refusal({"apps/web.yaml": MANIFEST}, allowed_paths=allowed).code == "locate.not_allowed"
