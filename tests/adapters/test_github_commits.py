"""Commits that GitHub makes for an App: verified, on the very base, under the same lease as any push."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pygit2
import pytest

from reconciler.adapters.git_bare import git_bare
from reconciler.adapters.github_commits import _objects, refuse_other_place
from reconciler.errors import ConfigurationError, Conflict, Refusal, SourceError
from reconciler.model.objects import CommitId
from reconciler.sandbox.forge import objects
from reconciler.sandbox.forge.rest import answers_git
from reconciler.settings import CommitsBy, ForgeSettings, RepositorySettings
from tests.adapters.github_apps import AppPlace, app_place
from tests.sandbox.forge.rest import BRANCH, FILES, REPO, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.ports import Repository

WEB = "deploy/web.yaml"
MESSAGE = "Give web 1Gi\n\nObject: web\nProposal-Id: 0123\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[AppPlace]:
    """A forge with our App let into its repository."""
    with app_place(tmp_path) as made:
        yield made


def draft(repository: Repository, memory: str = "1Gi") -> CommitId:
    """Write the commit that we want into the mirror."""
    return repository.commit(repository.fetch(), {WEB: FILES[WEB].replace("512Mi", memory).encode()}, MESSAGE)


def on_forge(place: AppPlace, sha: str) -> dict[str, Any]:
    """Return the commit as GitHub shows it."""
    found: dict[str, Any] = place.world.do("ana", "GET", f"{REPO}/git/commits/{sha}")
    return found


def test_commit_is_verified_and_does_what_the_draft_does(place: AppPlace) -> None:
    """One commit on the very base, by our bot; tree, words and trailers are the draft's."""
    repository = place.repository()
    wanted = draft(repository)

    made = repository.push(BRANCH, wanted, expected=None)

    shown = on_forge(place, made)
    assert place.world.tip(BRANCH) == made != wanted
    assert shown["verification"]["verified"]
    assert [each["sha"] for each in shown["parents"]] == [place.world.tip()]
    assert (shown["message"], shown["author"]["name"]) == (MESSAGE, "keeper[bot]")
    found = repository.describe(made)
    assert (found.by_us, dict(found.trailers)) == (True, {"Object": "web", "Proposal-Id": "0123"})
    entry = repository.entry(made, WEB)
    assert entry is not None
    assert repository.read(entry.blob) == FILES[WEB].replace("512Mi", "1Gi").encode()


def test_mirror_knows_it_without_a_fetch(place: AppPlace) -> None:
    """The very object is put there before it is pushed, whatever the forge sends."""
    repository = place.repository()
    made = repository.push(BRANCH, draft(repository), expected=None)

    assert repository.contains(made, CommitId(place.world.tip())) is True
    assert repository.fetch() == place.world.tip()
    assert repository.contains(made, made) is True


def test_modes_and_everything_else_are_kept(place: AppPlace) -> None:
    """An executable file stays one."""
    git = place.world.forge.repository(REPOSITORY).git
    tree = objects.write_tree(git, place.world.tip(), [objects.Entry("run.sh", 0o100755, git.write_blob(b"echo\n"))])
    sha = place.world.do("ana", "POST", f"{REPO}/git/commits", message="m", tree=tree, parents=[place.world.tip()])
    place.world.do("ana", "PATCH", f"{REPO}/git/refs/heads%2Fmain", sha=sha["sha"])
    repository = place.repository()

    made = repository.push(
        BRANCH, repository.commit(repository.fetch(), {"run.sh": b"echo 1\n"}, MESSAGE), expected=None
    )

    entry = repository.entry(made, "run.sh")
    assert entry is not None
    assert (entry.mode, repository.entry(made, WEB)) == (0o100755, repository.entry(repository.fetch(), WEB))


def test_it_takes_two_calls_and_a_push(place: AppPlace) -> None:
    """A tree and a commit; files go with the tree."""
    repository = place.repository()
    wanted = draft(repository)
    place.asked.clear()

    repository.push(BRANCH, wanted, expected=None)

    writes = [each.path.rpartition("/")[2] for each in place.asked if each.method != "GET"]
    assert writes == ["trees", "commits"]


def test_branch_moves_from_where_we_saw_it_only(place: AppPlace) -> None:
    """The lease of any push: what somebody else put there meanwhile is not overwritten."""
    repository = place.repository()
    first = repository.push(BRANCH, draft(repository), expected=None)
    theirs = place.world.commit(BRANCH, "theirs.txt", "theirs", user="ana")

    for expected in (first, None):
        with pytest.raises(Conflict) as caught:
            repository.push(BRANCH, draft(repository, "2Gi"), expected=expected)
        assert caught.value.code == "git.branch_moved"
    assert place.world.tip(BRANCH) == theirs
    repository.fetch()
    assert not repository.describe(CommitId(theirs)).by_us


def test_equal_content_is_known_again(place: AppPlace) -> None:
    """Although every making has another id: so a repeat pushes nothing, on whatever machine."""
    repository, elsewhere = place.repository(), place.repository("elsewhere.git")
    made = repository.push(BRANCH, draft(repository), expected=None)
    place.world.clock.advance(timedelta(minutes=1))

    again = draft(elsewhere)
    assert elsewhere.is_same(made, again)
    assert not elsewhere.is_same(made, draft(elsewhere, "2Gi"))
    assert not place.repository("pushing.git", CommitsBy.PUSH).is_same(made, again)


def test_new_content_replaces_the_old_commit(place: AppPlace) -> None:
    """Still one commit on base."""
    repository = place.repository()
    first = repository.push(BRANCH, draft(repository), expected=None)

    second = repository.push(BRANCH, draft(repository, "2Gi"), expected=first)

    assert place.world.tip(BRANCH) == second
    assert [each["sha"] for each in on_forge(place, second)["parents"]] == [place.world.tip()]


def test_commit_that_only_bears_our_bots_name_is_foreign(place: AppPlace) -> None:
    """Anybody can write a name into a commit; GitHub's word about its signature is what counts."""
    repository = place.repository()
    ours = on_forge(place, repository.push(BRANCH, draft(repository), expected=None))
    git = place.world.forge.repository(REPOSITORY).git
    given = {"message": MESSAGE, "tree": ours["tree"]["sha"], "parents": [place.world.tip()]}
    forged = place.world.do(
        "ana", "POST", f"{REPO}/git/commits", author=ours["author"], committer=ours["committer"], **given
    )
    payload = pygit2.Repository(str(git.path))[forged["sha"]].read_raw().decode()
    sealed = pygit2.Repository(str(git.path)).create_commit_with_signature(
        payload, "-----BEGIN PGP SIGNATURE-----\n\nx"
    )
    for sha in (forged["sha"], str(sealed)):
        place.world.do("ana", "PATCH", f"{REPO}/git/refs/heads%2F{BRANCH.replace('/', '%2F')}", sha=sha, force=True)
        repository.fetch()
        found = repository.describe(CommitId(sha))
        assert (found.author_email, found.by_us) == (ours["author"]["email"], False)


@pytest.mark.parametrize(
    ("author", "committer"),
    [
        ("reconciler@localhost", "reconciler@localhost"),
        ("1+keeper[bot]@users.noreply.github.com", "mallory@example.com"),
        ("1+keeper[bot]@users.noreply.evil.example", "noreply@github.com"),
        ("1+keeper[bot]@users.noreply.github.com", "noreply@evil.example"),
        ("1+other[bot]@users.noreply.github.com", "noreply@github.com"),
    ],
)
def test_forged_authors_are_foreign_even_with_a_verified_signature(
    place: AppPlace, monkeypatch: pytest.MonkeyPatch, author: str, committer: str
) -> None:
    """Our configured e-mail proves nothing, and a person's own key proves that person: its committer is not GitHub."""
    repository = place.repository()
    base = repository.fetch()
    mirror = pygit2.Repository(str(place.folder / "mirror.git"))
    by, sealer = (pygit2.Signature("keeper[bot]", mail, 1, 0) for mail in (author, committer))
    forged = mirror.create_commit(None, by, sealer, MESSAGE, mirror[base].peel(pygit2.Tree).id, [base])
    monkeypatch.setattr(answers_git, "verification", lambda *_: answers_git.UNSIGNED | {"verified": True})
    theirs = pygit2.Repository(str(place.world.forge.repository(REPOSITORY).git.path))
    theirs.odb.write(pygit2.enums.ObjectType.COMMIT, mirror[forged].read_raw())

    found = repository.describe(CommitId(str(forged)))

    assert (found.author_email, found.committer_email, found.by_us) == (author, committer, False)


def test_app_knows_its_commits_also_where_it_pushes(place: AppPlace) -> None:
    """Whoever goes back to `push` finds the pull requests of before to be ours."""
    repository = place.repository()
    made = repository.push(BRANCH, draft(repository), expected=None)
    pushing = place.repository("pushing.git", CommitsBy.PUSH)
    pushing.fetch()

    assert pushing.describe(made).by_us
    assert pushing.push(BRANCH, draft(pushing, "2Gi"), expected=made) == place.world.tip(BRANCH)


def test_unsigned_and_other_commits_are_not_pushed(place: AppPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forge that does not sign is a refusal; one that makes another commit than asked for is believed nothing."""
    repository = place.repository()
    wanted = draft(repository)
    monkeypatch.setattr(objects, "signature_of", lambda *_: None)
    with pytest.raises(Refusal) as unsigned:
        repository.push(BRANCH, wanted, expected=None)
    monkeypatch.undo()
    monkeypatch.setattr(objects, "signature_of", lambda *_: ("seal\n", "tree 0\n\nother words\n"))
    with pytest.raises(SourceError) as other:
        repository.push(BRANCH, wanted, expected=None)

    assert (unsigned.value.code, other.value.code) == ("github.unverified", "github.other_object")
    assert place.world.forge.repository(REPOSITORY).git.ref(f"refs/heads/{BRANCH}") is None


@pytest.mark.parametrize("reason", ["gpgverify_error", "gpgverify_unavailable"])
def test_forge_that_cannot_sign_just_now_is_asked_again(
    place: AppPlace, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """No refusal, which would be final; nothing is pushed meanwhile."""
    repository = place.repository()
    wanted = draft(repository)
    with monkeypatch.context() as patched:
        patched.setattr(answers_git, "verification", lambda *_: answers_git.UNSIGNED | {"reason": reason})
        with pytest.raises(SourceError) as caught:
            repository.push(BRANCH, wanted, expected=None)

    assert caught.value.code == "github.unverified_now"
    assert repository.push(BRANCH, wanted, expected=None) == place.world.tip(BRANCH)


def test_what_is_no_text_is_refused(place: AppPlace) -> None:
    """GitHub is given texts; bytes that are none would come back as others."""
    repository = place.repository()
    wanted = repository.commit(repository.fetch(), {"blob.bin": b"\xff\xfe"}, MESSAGE)

    with pytest.raises(Refusal) as caught:
        repository.push(BRANCH, wanted, expected=None)

    assert caught.value.code == "github.no_text"


@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("told", ["", "\n"])
def test_signature_is_put_back_however_its_last_line_ends(ending: str, told: str) -> None:
    """In Git's object it may end with a line end or not, and the API may tell it or not."""
    head, seal, message = "tree 1\nauthor a <a@b> 1 +0000", "-----BEGIN\n\nabc\n-----END", "words\n"
    folded = f"{seal}{ending}".replace("\n", "\n ")
    real = f"{head}\ngpgsig {folded}\n\n{message}".encode()

    assert real in list(_objects(f"{head}\n\n{message}", f"{seal}{told}"))


def test_without_an_app_verified_commits_are_a_wrong_configuration(tmp_path: Path) -> None:
    """Said at once, for Gitea and for a mere token."""
    settings = RepositorySettings(url="https://github.com/o/r.git", mirror=str(tmp_path / "m"), commits=CommitsBy.API)

    with pytest.raises(ConfigurationError) as caught:
        git_bare(settings, "reconciler", "token")

    assert caught.value.code == "git.commits_by_api"


@pytest.mark.parametrize(
    ("api", "git", "taken"),
    [
        (None, "https://github.com/o/r.git", True),
        (None, "https://github.com/O/R", True),
        (None, "https://github.com/o/other.git", False),
        (None, "https://evil.example/o/r.git", False),
        (None, "http://github.com/o/r.git", False),
        (None, "https://api.github.com.evil.example/o/r.git", False),
        ("https://ghe.example/api/v3", "https://ghe.example/o/r.git", True),
        ("https://ghe.example/api/v3", "https://github.com/o/r.git", False),
        ("https://api.corp.ghe.com", "https://corp.ghe.com/o/r.git", True),
    ],
)
def test_apps_token_goes_to_its_own_forge_and_repository(api: str | None, git: str, taken: bool) -> None:  # noqa: FBT001
    """Any other address is a wrong configuration, before a token exists."""
    forge, repository = ForgeSettings(url=api, repository="o/r"), RepositorySettings(url=git)
    if taken:
        refuse_other_place(forge, repository)
        return
    with pytest.raises(ConfigurationError) as caught:
        refuse_other_place(forge, repository)
    assert caught.value.code == "github.other_place"


def test_mirrors_object_is_the_forges(place: AppPlace) -> None:
    """Byte for byte, so that its id can be checked by anybody."""
    repository = place.repository()
    made = repository.push(BRANCH, draft(repository), expected=None)
    raw = pygit2.Repository(str(place.folder / "mirror.git"))[made].read_raw()

    assert hashlib.sha1(b"commit %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest() == made
    assert raw == pygit2.Repository(str(place.world.forge.repository(REPOSITORY).git.path))[made].read_raw()
