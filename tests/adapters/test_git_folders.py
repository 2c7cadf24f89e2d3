"""The manifests of a commit's folders: what a parse of every file says, for the price of what is new."""

from __future__ import annotations

import itertools
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters import git_folders, git_judgements, git_objects
from reconciler.adapters.git_folders import Folders, Wanted
from reconciler.adapters.git_judgements import Judgements
from reconciler.manifests.files.contents import Reading, contents_of
from reconciler.manifests.files.folder import MANIFESTS, Folder, Manifest
from reconciler.manifests.files.links import LINKS
from reconciler.manifests.rendering.kustomize import KUSTOMIZATIONS
from tests.manifests.examples import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.manifests.files.contents import Contents
    from reconciler.model.proposal import TreeFile

FILE, PROGRAM, LINK, FOLDER, MODULE = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000
LIMITS = [200, 10_000]
PATHS = ["", ".", "apps", "./apps/", "apps/web", "nowhere", "apps/web/a.yaml"]
READ = [0, 1_000_000]  # of `_SCANNED`: each entry looked up, or the whole file read
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME, namespace: shop}\n"
TEXTS = [
    *(SERVICE.replace("NAME", name) for name in "abc"),
    MANIFEST,
    f"{SERVICE}---\n{SERVICE.replace('NAME', 'd')}",
    f"{SERVICE}x: [",
    "memory: 512Mi\n",
    "resources: [a.yaml, ../web]\npatches: [{path: p.yaml}, {patch: '{a: 1}'}]\n",
    "resources: [",
    f"{SERVICE}# {'long ' * 100}\n",
]

names = st.sampled_from(["a.yaml", "b.yml", "c.json", "d.txt", "apps", "web", "kustomization.yaml"])
blobs = st.tuples(st.sampled_from([FILE, FILE, FILE, PROGRAM, LINK, MODULE]), st.sampled_from(TEXTS))
trees = st.dictionaries(
    names, st.recursive(blobs, lambda below: st.dictionaries(names, below, max_size=4), max_leaves=12), max_size=5
)


class Repository:
    """A bare repository without commits: trees are all that counts."""

    def __init__(self, folder: Path) -> None:
        self.git = pygit2.init_repository(str(folder / "mirror.git"), bare=True)
        self.kept = folder / "mirror.git" / "manifests.db"
        self.said: list[str] = []

    def tree(self, entries: Mapping[str, Any]) -> pygit2.Tree:
        """Write a tree of files (mode and text) and of trees."""
        builder = self.git.TreeBuilder()
        for name, entry in entries.items():
            if isinstance(entry, dict):
                builder.insert(name, self.tree(entry).id, FOLDER)
            else:
                mode, text = entry
                builder.insert(name, self.git.create_blob(text.encode()), mode)
        return self.git[builder.write()].peel(pygit2.Tree)

    def folders(self) -> Folders:
        """Return what a new process would ask."""
        return Folders(Judgements(self.kept), self.said.append)

    def asked(self, folders: Folders, tree: pygit2.Tree, path: str = "", *, deep: bool = True) -> Folder:
        """Return a folder, large files judged."""
        return folders.at(self.git, tree, Wanted(MANIFESTS, path, LIMITS[1], deep))

    def brute(self, tree: pygit2.Tree, wanted: Wanted) -> Folder:
        """Return a folder by looking at everything, anew."""
        below = git_objects.subtree(tree, wanted.path)
        if below is None:
            return Folder()
        prefix, reading = git_objects.normalized(wanted.path), wanted.reading
        files = git_objects.walk(below, prefix) if wanted.deep else git_objects.listed(below, prefix)
        there = [file for file in files if reading.concerns(file.path, file.mode)]
        judged = [reading.judged(self.git[file.blob].read_raw(), wanted.max_bytes) for file in there]
        return Folder().changed((), map(Manifest, there, judged))


@pytest.fixture(scope="module")
def shared() -> Iterator[Repository]:
    """A repository for many examples: what one leaves behind must not harm the next."""
    with tempfile.TemporaryDirectory() as folder:
        yield Repository(Path(folder))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository of its own."""
    return Repository(tmp_path)


@given(st.lists(st.tuples(trees, st.booleans()), min_size=1, max_size=5), st.sampled_from(PATHS), st.booleans())
def test_every_commit_says_what_a_parse_of_all_its_files_says(
    shared: Repository,
    commits: list[tuple[dict[str, Any], bool]],
    path: str,
    deep: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    """Files come, go, move, change their mode or stand at two paths; the process is another one or the same."""
    folders = shared.folders()
    for entries, anew in commits:
        tree = shared.tree(entries)
        folders = shared.folders() if anew else folders
        for reading, limit in itertools.product((MANIFESTS, KUSTOMIZATIONS), LIMITS):
            wanted = Wanted(reading, path, limit, deep)

            assert folders.at(shared.git, tree, wanted) == shared.brute(tree, wanted)


@given(
    trees,
    st.integers(0, 2**32),
    st.sampled_from(["flip", "cut", "noise", "empty", "gone"]),
    st.sampled_from(READ),
)
def test_a_damaged_file_changes_no_answer(
    shared: Repository, entries: dict[str, Any], seed: int, damage: str, scanned: int
) -> None:
    """Whatever a disk or a crash did to it, and however it is read: at worst, something is parsed again."""
    tree = shared.tree(entries)
    shared.asked(shared.folders(), tree)
    _damage(shared.kept, random.Random(seed), damage)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git_judgements, "_SCANNED", scanned)
        for _ in range(2):  # read, and mended
            assert shared.asked(shared.folders(), tree) == shared.brute(tree, Wanted(MANIFESTS, "", LIMITS[1]))


def _damage(kept: Path, dice: random.Random, how: str) -> None:
    data = bytearray(kept.read_bytes()) if kept.exists() else bytearray()
    if how == "gone":
        kept.unlink(missing_ok=True)
        return
    if how == "flip":
        for _ in range(50 if data else 0):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    damaged = {"flip": bytes(data), "cut": bytes(data[: len(data) // 2]), "noise": dice.randbytes(9000), "empty": b""}
    kept.write_bytes(damaged[how])


def test_a_content_is_parsed_once(repository: Repository) -> None:
    """At whatever path, in whatever commit and process: its id says what it describes."""
    parsed: list[bytes] = []
    reading = MANIFESTS._replace(judged=_counting(parsed))
    one = repository.tree({"a.yaml": (FILE, TEXTS[0]), "b.yaml": (FILE, TEXTS[1]), "x": {"a.yaml": (FILE, TEXTS[0])}})
    two = repository.tree({"moved.yaml": (PROGRAM, TEXTS[0]), "c.yaml": (FILE, TEXTS[2])})
    same = repository.folders()

    for folders, tree, deep in (
        (same, one, True),
        (same, one, True),
        (same, two, True),
        (repository.folders(), one, True),
        (repository.folders(), two, False),
    ):
        folders.at(repository.git, tree, Wanted(reading, "", LIMITS[1], deep))

    assert sorted(parsed) == sorted(text.encode() for text in TEXTS[:3])


def test_other_rules_judge_anew(repository: Repository) -> None:
    """What an older or a newer version kept is not believed, and not in the way."""
    tree = repository.tree({"a.yaml": (FILE, TEXTS[0])})
    repository.asked(repository.folders(), tree)
    parsed: list[bytes] = []
    other = Reading("manifests 99", MANIFESTS.concerns, _counting(parsed))

    for reading in (other, other, MANIFESTS):
        repository.folders().at(repository.git, tree, Wanted(reading, "", LIMITS[1]))

    assert parsed == [TEXTS[0].encode()]


def test_a_limit_that_is_raised_counts_at_once(repository: Repository) -> None:
    """A file that was too large is judged as soon as it is not, and the other way round."""
    tree, folders = repository.tree({"a.yaml": (FILE, TEXTS[-1])}), repository.folders()

    judged_by = [folders.at(repository.git, tree, Wanted(MANIFESTS, "", n)) for n in (200, 10_000, 200)]

    assert [len(list(folder.unjudged())) for folder in judged_by] == [1, 0, 1]


def test_only_what_differs_is_looked_at(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit in a large folder costs as much as its change."""
    many = {f"{n}.yaml": (FILE, TEXTS[n % 3]) for n in range(50)}
    folders = repository.folders()
    repository.asked(folders, repository.tree({"apps": many, "web": {"a.yaml": (FILE, TEXTS[0])}}))
    after = repository.tree({"apps": many, "web": {"a.yaml": (FILE, TEXTS[3])}})
    monkeypatch.setattr(git_objects, "walk", lambda *_: pytest.fail("everything was looked at"))

    assert repository.asked(folders, after).manifests["web/a.yaml"].contents.described()[1].identity.name == "webapp"


def test_a_commit_is_looked_through_once_for_all_readings(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process asks for manifests, then for links and kustomizations of the same commit: Git's trees say all."""
    walked: list[str] = []
    walk = git_objects.walk

    def counting(tree: pygit2.Tree, folder: str = "") -> Iterator[TreeFile]:
        walked.append(folder)
        return walk(tree, folder)

    monkeypatch.setattr(git_objects, "walk", counting)
    tree = repository.tree({"apps": {"kustomization.yaml": (FILE, TEXTS[7]), "link": (LINK, "a.yaml")}})
    folders = repository.folders()
    found = [
        list(folders.at(repository.git, tree, Wanted(reading, "", LIMITS[1])).manifests)
        for reading in (MANIFESTS, LINKS, KUSTOMIZATIONS)
    ]

    assert found == [["apps/kustomization.yaml"], ["apps/link"], ["apps/kustomization.yaml"]]
    assert walked == ["", "apps"]


def test_a_long_work_is_told(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the first reading of a large folder hears what is going on; nobody else is bothered."""
    monkeypatch.setattr(git_folders, "_CHUNK", 2)
    tree = repository.tree({"apps": {f"{n}.yaml": (FILE, TEXTS[n]) for n in range(3)}})
    repository.asked(repository.folders(), tree, "apps")
    repository.asked(repository.folders(), tree, "apps")

    assert repository.said == ["reading manifests below apps, 0 of 3", "reading manifests below apps, 2 of 3"]


def test_memory_is_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that nobody asked for lately are forgotten, the last one never."""
    monkeypatch.setattr(git_folders, "_REMEMBERED", 3)
    folders = repository.folders()
    tree = repository.tree({name: {f"{n}.yaml": (FILE, TEXTS[n]) for n in range(2)} for name in "abc"})
    for name in "abc":
        repository.asked(folders, tree, name)

    assert [wanted.path for wanted in folders._seen] == ["c"]


def test_several_processes_may_read_at_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other's short writes, all say the same, and what any of them read is kept."""
    monkeypatch.setattr(git_folders, "_CHUNK", 5)
    tree = repository.tree({f"{n}.yaml": (FILE, SERVICE.replace("NAME", f"n{n}")) for n in range(60)})

    def process(_: int) -> Folder:
        mirror = pygit2.Repository(repository.git.path)
        return repository.folders().at(mirror, mirror[tree.id].peel(pygit2.Tree), Wanted(MANIFESTS, "", LIMITS[1]))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(process, range(4)))

    assert found == [repository.brute(tree, Wanted(MANIFESTS, "", LIMITS[1]))] * 4
    blobs = [manifest.file.blob for manifest in found[0].manifests.values()]
    assert len(Judgements(repository.kept).known(MANIFESTS.rules, blobs)) == 60


@pytest.mark.parametrize("scanned", READ)
def test_what_is_known_is_found_in_a_file_of_any_size(
    repository: Repository, scanned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entry by entry, or on the way through the whole file: those that were asked for, of these rules, no others."""
    monkeypatch.setattr(git_judgements, "_SCANNED", scanned)
    monkeypatch.setattr(git_judgements, "_AT_ONCE", 3)
    kept = Judgements(repository.kept)
    said = {f"{n:040x}": contents_of(n, [[n, "Service"]]) for n in range(10)}
    kept.keep("rules 1", said)
    kept.keep("rules 2", {f"{n:040x}": contents_of(n, []) for n in range(20)})
    asked = [f"{n:040x}" for n in range(2, 12)]

    assert kept.known("rules 1", asked) == {blob: said[blob] for blob in asked[:8]}


def test_a_folder_that_cannot_be_written_is_no_error(repository: Repository) -> None:
    """Without its file, every process parses for itself."""
    repository.kept.mkdir()
    tree = repository.tree({"a.yaml": (FILE, TEXTS[0])})

    assert "a.yaml" in repository.asked(repository.folders(), tree).manifests
    assert repository.kept.is_dir()


def _counting(parsed: list[bytes]) -> Callable[[bytes, int], Contents]:
    """Return what judges a manifest, and writes down that it did."""

    def counting(data: bytes, max_bytes: int) -> Contents:
        parsed.append(data)
        return MANIFESTS.judged(data, max_bytes)

    return counting
