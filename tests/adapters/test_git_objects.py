"""Reading and writing Git objects: exactly one file changes, and nothing leads out of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal, SourceError
from reconciler.model.objects import CommitId
from tests.adapters.git_http import git
from tests.adapters.git_shop import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ports import Repository

WEB = "deploy/web.yaml"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A served repository with one manifest; these tests only ever add to it."""
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture(scope="module")
def odd(shop: Shop) -> CommitId:
    """A commit with one of everything that Git can hold."""
    work = shop.ana.folder
    (work / "run.sh").write_text("echo\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("deploy")
    (work / "deploy" / "café.yaml").write_text("a: 1\n")
    git(work, "add", "--all")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/charts")
    latin = "100644 " + git(work, "hash-object", "-w", "--stdin") + "\t"
    git(work, "update-index", "--index-info", stdin=latin.encode() + b"caf\xe9.txt\n")
    return shop.ana.commit_index("trunk")


@pytest.fixture(scope="module")
def repository(shop: Shop, odd: CommitId) -> Repository:
    """The adapter, with both commits in its mirror."""
    repository = shop.repository()
    assert repository.fetch() == odd
    return repository


def test_commit_changes_exactly_one_path(repository: Repository, shop: Shop, odd: CommitId) -> None:
    """Invariant 5: every other entry, however odd, is the same object with the same mode."""
    commit = repository.commit(odd, {WEB: b"memory: 1Gi\n"}, "raise\n")
    mirror = shop.folder / "mirror.git"

    assert git(mirror, "diff-tree", "-r", "--name-status", odd, commit) == f"M\t{WEB}"
    assert git(mirror, "show", f"{commit}:{WEB}") == "memory: 1Gi"
    assert git(mirror, "rev-list", "--parents", "-1", commit) == f"{commit} {odd}"
    assert git(mirror, "fsck", "--strict", "--no-dangling", commit) == ""


def test_equal_arguments_give_an_equal_commit_on_every_machine(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 6: neither the clock, the environment nor the mirror is in a commit's identity."""
    one, other = shop.repository("one.git"), shop.repository("other.git")
    one.fetch()
    commit = one.commit(shop.first, {WEB: b"memory: 1Gi\n"}, "raise\n")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "somebody")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    other.fetch()

    assert one.commit(shop.first, {WEB: b"memory: 1Gi\n"}, "raise\n") == commit
    assert other.commit(shop.first, {WEB: b"memory: 1Gi\n"}, "raise\n") == commit


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (WEB, b"memory: 2Gi\n", "raise\n"),
        (WEB, b"memory: 1Gi\n", "raise more\n"),
        ("README.md", b"memory: 1Gi\n", "raise\n"),
    ],
)
def test_other_arguments_give_another_commit(
    repository: Repository, shop: Shop, path: str, content: bytes, message: str
) -> None:
    """Invariant 6: the identity is of all the content."""
    assert repository.commit(shop.first, {path: content}, message) != repository.commit(
        shop.first, {WEB: b"memory: 1Gi\n"}, "raise\n"
    )


def test_commit_is_by_us_at_the_time_of_its_base(shop: Shop) -> None:
    """Author and committer are configured, the time is the base commit's, the message is verbatim."""
    repository = shop.repository(author_name="Otto", author_email="otto@example.com")
    repository.fetch()
    message = "raise\n\nwhy\n\nProposal-Id: 42\nObject: Deployment production/web\n"

    commit = repository.commit(shop.first, {WEB: b"memory: 1Gi\n"}, message)
    mirror = shop.folder / "mirror.git"
    told = git(mirror, "show", "-s", "--format=%an <%ae> %cn <%ce> %at %ai %ct", commit)
    then = git(mirror, "show", "-s", "--format=%ct %ci %ct", shop.first)

    assert told == f"Otto <otto@example.com> Otto <otto@example.com> {then}"
    assert git(mirror, "cat-file", "commit", commit).partition("\n\n")[2] == message.strip()
    assert repository.describe(commit).trailers == {"Proposal-Id": "42", "Object": "Deployment production/web"}


def test_mode_of_an_edited_file_is_kept(repository: Repository, odd: CommitId) -> None:
    """An executable stays one."""
    edited = repository.entry(repository.commit(odd, {"run.sh": b"echo 2\n"}, "m"), "run.sh")

    assert edited is not None
    assert edited.mode == 0o100755


def test_new_file_is_made_with_its_folders(repository: Repository, shop: Shop) -> None:
    """A path that does not exist yet becomes a regular file."""
    commit = repository.commit(shop.first, {"apps/api/deploy/api.yaml": b"a: 1\n"}, "m")

    assert [(f.path, f.mode) for f in repository.files(commit, "apps")] == [("apps/api/deploy/api.yaml", 0o100644)]


@pytest.mark.parametrize(
    "path",
    [
        "../up.yaml",
        "deploy/../../up.yaml",
        "/etc/passwd",
        "",
        ".",
        "deploy//web.yaml",
        "deploy/",
        ".git/config",
        "deploy/.GIT/hooks/x",
        ".git /config",
        "git~1/config",
        "deploy\\web.yaml",
        "a\0b",
        "caf\udce9.yaml",
    ],
)
def test_path_out_of_the_tree_is_refused(repository: Repository, shop: Shop, path: str) -> None:
    """Paths may come from a cluster's object: nothing outside the tree or inside .git is ever written."""
    with pytest.raises(Refusal) as refusal:
        repository.commit(shop.first, {path: b"x"}, "m")

    assert refusal.value.code == "git.path_refused"
    assert refusal.value.remedy


@pytest.mark.parametrize("path", ["link", "link/web.yaml", "vendor/charts", "vendor/charts/x", "deploy", "README.md/x"])
def test_only_regular_files_are_edited(repository: Repository, odd: CommitId, path: str) -> None:
    """A symlink, a submodule or a folder is never replaced by a file, nor a file by a folder."""
    with pytest.raises(Refusal) as refusal:
        repository.commit(odd, {path: b"x"}, "m")

    assert refusal.value.code == "git.path_refused"


def test_commit_without_a_change_is_refused(repository: Repository, shop: Shop) -> None:
    """An empty commit would become an empty pull request."""
    with pytest.raises(Refusal) as refusal:
        repository.commit(shop.first, {WEB: b"memory: 512Mi\n"}, "m")

    assert refusal.value.code == "git.nothing_changed"


@pytest.mark.parametrize("root", ["", ".", "./", "/"])
def test_listing_holds_every_kind_of_entry_with_its_mode(repository: Repository, odd: CommitId, root: str) -> None:
    """Whoever locates a manifest must see symlinks and submodules for what they are."""
    assert {f.path: f.mode for f in repository.files(odd, root)} == {
        "README.md": 0o100644,
        "caf\udce9.txt": 0o100644,
        "deploy/café.yaml": 0o100644,
        WEB: 0o100644,
        "link": 0o120000,
        "run.sh": 0o100755,
        "vendor/charts": 0o160000,
    }


@pytest.mark.parametrize("folder", ["deploy", "./deploy/", "deploy/."])
def test_folder_is_listed_with_paths_from_the_root(repository: Repository, shop: Shop, folder: str) -> None:
    """However an Application writes its path, the listed paths are the repository's."""
    assert [f.path for f in repository.files(shop.first, folder)] == [WEB]


@pytest.mark.parametrize("folder", ["nowhere", "README.md", "..", "deploy/../deploy", "vendor/charts"])
def test_what_is_no_folder_lists_nothing(repository: Repository, odd: CommitId, folder: str) -> None:
    """A folder that a known commit lacks is known to be absent."""
    assert list(repository.files(odd, folder)) == []


@pytest.mark.parametrize("path", ["deploy", "nowhere.yaml", "", "deploy/web.yaml/x", "../deploy/web.yaml", "a\0b"])
def test_what_is_no_file_is_no_entry(repository: Repository, shop: Shop, path: str) -> None:
    """Folders and absent paths are None."""
    assert repository.entry(shop.first, path) is None


def test_object_that_the_mirror_lacks_is_an_error_and_not_absent(repository: Repository, shop: Shop) -> None:
    """Invariant 3: a commit or blob that we do not have says nothing about its files."""
    strange = CommitId("1" * 40)

    for ask in (
        lambda: repository.entry(strange, WEB),
        lambda: list(repository.files(strange, "")),
        lambda: repository.read(strange),
        lambda: repository.read(shop.first),
        lambda: repository.describe(strange),
        lambda: repository.commit(strange, {WEB: b"x"}, "m"),
    ):
        with pytest.raises(SourceError) as missing:
            ask()
        assert missing.value.code == "git.object_missing"


def test_trailers_come_from_the_last_paragraph_alone(repository: Repository, shop: Shop) -> None:
    """Text that looks like a trailer in the body of a message is no trailer; odd bytes do not stop the reading."""
    message = "tune\n\nProposal-Id: forged\n\nProposal-Id: real\nNote: caf\udce9\n"
    work = shop.ana.folder
    commit = git(work, "commit-tree", "-p", "HEAD", "HEAD^{tree}", stdin=message.encode("utf-8", "surrogateescape"))
    git(work, "push", "-q", str(shop.bare), f"{commit}:refs/heads/reconciler/odd")
    repository.fetch()

    assert repository.describe(CommitId(commit)).trailers["Proposal-Id"] == "real"
