"""The bare mirror: what is fetched, what is remembered, and a folder that is missing, foreign or broken."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError, ReconcilerError, SourceError
from reconciler.model.facts import Unknown
from tests.adapters.git_http import TOKEN, git
from tests.adapters.git_shop import Shop, configured, open_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.ports import Repository

OURS = "reconciler/shop-web-1a2b3c"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A served repository with one manifest."""
    with open_shop(tmp_path) as shop:
        yield shop


def tracked(shop: Shop) -> list[str]:
    """Return what the mirror follows of the remote."""
    return git(shop.folder / "mirror.git", "for-each-ref", "--format=%(refname)").split()


def code_of(repository: Repository) -> str:
    """Return the code of the configuration error that a fetch ends with; it must have a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        repository.fetch()
    assert refused.value.remedy
    return refused.value.code


@pytest.mark.parametrize(
    "url", [f"https://reconciler:{TOKEN}@forge.example/shop.git", f"https://{TOKEN}@forge.example/shop.git"]
)
def test_credentials_in_the_address_are_refused(url: str, tmp_path: Path) -> None:
    """Invariant 11: an address is shown and written down, so it must not hold a token."""
    with pytest.raises(ConfigurationError) as refused:
        configured(url, tmp_path / "m.git")

    assert refused.value.code == "git.credentials_in_url"
    assert TOKEN not in str(refused.value) + refused.value.remedy


@pytest.mark.parametrize("url", ["ssh://git@forge.example/shop.git", "git@forge.example:shop.git", "forge/shop"])
def test_other_addresses_than_https_are_refused(url: str, tmp_path: Path) -> None:
    """An address that cannot work is refused when the configuration is read."""
    with pytest.raises(ConfigurationError):
        configured(url, tmp_path / "m.git")


@pytest.mark.parametrize("name", ["", " ", "a <b>", "a\nb"])
def test_author_that_git_cannot_write_is_refused(name: str, tmp_path: Path) -> None:
    """A name that would make every commit fail is refused when the configuration is read."""
    with pytest.raises(ConfigurationError) as refused:
        configured("https://forge.example/shop.git", tmp_path / "m.git", author_name=name)

    assert refused.value.code == "git.author_invalid"


def test_libgit2_is_loaded_only_when_it_is_used() -> None:
    """Commands that never touch Git do not pay for it."""
    program = "import sys, reconciler.adapters.git_bare; sys.exit('pygit2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_network_is_left_alone_when_nothing_moved(shop: Shop) -> None:
    """A second fetch asks for the branches and transfers nothing."""
    repository = shop.repository()
    repository.fetch()
    shop.server.requests.clear()

    assert repository.fetch() == shop.first
    assert not [request for request in shop.server.requests if request.startswith("POST")]


def test_only_base_and_our_branches_are_followed(shop: Shop) -> None:
    """Other people's branches are listed, and stay where they are."""
    shop.ana.commit("feature", {"README.md": "x\n"})
    shop.ana.commit(OURS, {"README.md": "y\n"})
    repository = shop.repository()
    repository.fetch()

    assert tracked(shop) == [f"refs/remotes/origin/{OURS}", "refs/remotes/origin/trunk"]
    assert set(known(repository)) == {"trunk", "feature", OURS}


def known(repository: Repository) -> dict[str, str]:
    """Return the heads, which must be known."""
    heads = repository.heads()
    assert not isinstance(heads, Unknown), heads
    return dict(heads)


def test_deleted_branches_of_ours_are_pruned(shop: Shop) -> None:
    """A branch that the forge removed after the merge goes from the mirror too."""
    shop.ana.commit(OURS, {"README.md": "y\n"})
    repository = shop.repository()
    repository.fetch()
    shop.ana.delete(OURS)
    repository.fetch()

    assert tracked(shop) == ["refs/remotes/origin/trunk"]


def test_configured_base_wins_over_the_remotes_default(shop: Shop) -> None:
    """What delivery reads may be another branch than the default."""
    live = shop.ana.commit("live", {"README.md": "live\n"})
    repository = shop.repository(base="live")

    assert repository.fetch() == live
    assert repository.base == "live"


def test_missing_base_is_an_error_with_a_remedy(shop: Shop) -> None:
    """A base branch that the remote lacks is said by name."""
    with pytest.raises(SourceError, match="no branch release") as missing:
        shop.repository(base="release").fetch()

    assert missing.value.code == "git.base_missing"


def test_renamed_default_branch_becomes_base(shop: Shop) -> None:
    """A process that runs for weeks notices that people renamed trunk to main."""
    repository = shop.repository()
    repository.fetch()
    git(shop.bare, "branch", "-m", "trunk", "main")

    assert repository.fetch() == shop.first
    assert repository.base == "main"


def test_unknown_ancestry_is_not_remembered(shop: Shop) -> None:
    """Invariant 3: what was unknown before a fetch is known after it."""
    repository = shop.repository()
    repository.fetch()
    second = shop.ana.commit("trunk", {"README.md": "2\n"})

    assert isinstance(repository.contains(second, shop.first), Unknown)

    repository.fetch()

    assert repository.contains(second, shop.first) is True


def test_ancestry_is_answered_once(shop: Shop) -> None:
    """The history between two commits never changes, so the second question costs no walk."""
    repository = shop.repository()
    repository.fetch()
    second = shop.ana.commit("trunk", {"README.md": "2\n"})
    repository.fetch()
    first_answer = repository.contains(shop.first, second)
    for pack in (shop.folder / "mirror.git" / "objects").rglob("pack-*"):
        pack.unlink()

    assert first_answer is False
    assert repository.contains(shop.first, second) is False


def test_one_adapter_serves_several_threads(shop: Shop) -> None:
    """libgit2's repositories may not be shared, so every thread has its own."""
    repository = shop.repository()
    repository.fetch()

    def work(number: int) -> bool:
        commit = repository.commit(shop.first, {"README.md": f"{number % 4}\n".encode()}, "m")
        return repository.fetch() == shop.first and repository.contains(commit, shop.first) is True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(12)))


def test_two_processes_may_make_the_mirror_at_once(shop: Shop) -> None:
    """Whoever comes second uses the mirror of the first; no half one is ever seen."""
    several = [shop.repository() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        listed = list(pool.map(lambda repository: repository.heads(), several))

    assert listed == [{"trunk": shop.first}] * 6
    assert sorted(path.name for path in shop.folder.iterdir()) == ["mirror.git", "served", "work"]


def test_mirror_that_was_killed_while_being_made_is_no_obstacle(shop: Shop) -> None:
    """Invariant 1: a draft left beside the mirror's place does not stop the next process."""
    draft = shop.folder / ".mirror.git-k1lled"
    (draft / "objects").mkdir(parents=True)

    assert shop.repository().fetch() == shop.first


def test_deleted_mirror_is_made_again(shop: Shop) -> None:
    """The mirror is a cache: a running process goes on without it."""
    repository = shop.repository()
    repository.fetch()
    (shop.folder / "mirror.git").rename(shop.folder / "gone")

    assert repository.fetch() == shop.first
    assert [f.path for f in repository.files(shop.first, "")] == ["README.md", "deploy/web.yaml"]


def test_folder_with_other_things_in_it_is_refused(shop: Shop) -> None:
    """A wrong `repository.mirror` never ruins somebody's folder."""
    assert code_of(shop.repository("work")) == "git.mirror_unusable"
    assert git(shop.ana.folder, "status", "--porcelain") == ""


def test_mirror_of_another_repository_is_refused(shop: Shop) -> None:
    """Commits of the repository that was configured before must not pass for this one's."""
    configured(shop.server.url("other.git"), shop.folder / "mirror.git").heads()

    assert code_of(shop.repository()) == "git.mirror_unusable"


def test_shallow_mirror_is_refused(shop: Shop) -> None:
    """Invariant 3: with a cut history, "does not contain" would be a guess."""
    shop.ana.commit("trunk", {"README.md": "2\n"})
    git(shop.folder, "clone", "-q", "--bare", "--depth", "1", f"file://{shop.bare}", "mirror.git")
    git(shop.folder / "mirror.git", "config", "remote.origin.url", shop.url)

    assert code_of(shop.repository()) == "git.mirror_unusable"


def test_folder_that_cannot_be_made_is_refused(shop: Shop) -> None:
    """A path that leads through a file is a matter of configuration."""
    assert code_of(shop.repository("work/README.md/mirror.git")) == "git.mirror_unusable"


@pytest.mark.parametrize("broken", ["*.idx", "*.pack", "trunk", "config"])
def test_broken_mirror_is_an_error_that_says_how_to_mend_it(shop: Shop, broken: str) -> None:
    """Files that rot on the disk end in an error that tells which folder to delete, never in a wrong answer."""
    shop.repository().fetch()
    for path in (shop.folder / "mirror.git").rglob(broken):
        path.unlink()
        path.write_bytes(b"[rotten" * 300)
    repository = shop.repository()

    with pytest.raises(ReconcilerError) as failure:
        repository.fetch()

    assert "delete" in failure.value.remedy
    assert isinstance(repository.contains(shop.first, shop.first), bool | Unknown)


def test_everything_is_examined_without_a_change(shop: Shop) -> None:
    """`doctor` says what works, by subject, and leaves remote and branches alone."""
    found = shop.repository().examine()

    assert [(d.subject, d.works) for d in found] == [
        ("git mirror", True),
        ("git remote", True),
        ("git base branch", True),
        ("git push", True),
    ]
    assert git(shop.bare, "for-each-ref", "--format=%(refname)") == "refs/heads/trunk"


def test_examination_of_an_unusable_folder_does_not_raise(shop: Shop) -> None:
    """`doctor` answers with a remedy where everything else would fail."""
    found = shop.repository("work").examine()

    assert [d.works for d in found] == [False, False]
    assert all(d.remedy for d in found)


def test_fetches_at_once_wait_for_each_other(shop: Shop) -> None:
    """Proposals of one round, and a plan beside a run, share one mirror: none may fail over the other's lock."""
    shop.repository().fetch()
    for number in range(12):
        shop.ana.commit(f"reconciler/shop-{number}", {"n.txt": str(number)}, base=shop.first)
    side_by_side = [shop.repository() for _ in range(6)]

    with ThreadPoolExecutor(max_workers=6) as pool:
        heads = list(pool.map(lambda repository: repository.fetch(), side_by_side))

    assert heads == [shop.first] * 6
    assert len([name for name in tracked(shop) if "/reconciler/" in name]) == 12
