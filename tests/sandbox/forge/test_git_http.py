"""Git over HTTP: what git itself, dulwich and hand-made requests get from the sandbox's forge."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge import git_http
from reconciler.sandbox.wire import NotInSandbox, Request
from tests.adapters.git_http import GIT_ENVIRONMENT, git
from tests.needs import need_program
from tests.sandbox.forge.bare import ANA, AT
from tests.sandbox.forge.served import NAME, READER_TOKEN, TOKENS, WRITER_TOKEN, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"deploy/web.yaml": "memory: 512Mi\n", "README.md": "# shop\n" * 200}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A private repository with one commit on main."""
    with serving(tmp_path, FILES) as served:
        yield served


@pytest.fixture
def work(served: Served, tmp_path: Path) -> Path:
    """A writer's clone of it."""
    git(tmp_path, "clone", "-q", served.url_of(WRITER_TOKEN), "work")
    return tmp_path / "work"


def head_of(served: Served, branch: str = "main") -> str:
    """Return a branch's head, which must exist."""
    head = served.repository.head(branch)
    assert head is not None
    return head


def change(work: Path, text: str, path: str = "deploy/web.yaml") -> str:
    """Commit another content in a clone."""
    (work / path).write_text(text)
    git(work, "add", path)
    git(work, "commit", "-q", "-m", "change")
    return git(work, "rev-parse", "HEAD")


def told_by(work: Path, *arguments: str) -> str:
    """Return what git says when the server refuses."""
    need_program("git")
    done = subprocess.run(["git", *arguments], cwd=work, env=GIT_ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode != 0
    return done.stderr.decode()


def status_of(url: str, token: str | None = None) -> tuple[int, str, str]:
    """Return status, body and challenge of a plain request."""
    request = urllib.request.Request(url)  # noqa: S310 - loopback
    if token is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"x:{token}".encode()).decode())
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode(errors="replace"), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers.get("WWW-Authenticate", "")


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_git_clones_whichever_protocol_it_prefers(served: Served, tmp_path: Path, version: str) -> None:
    """A client that asks for a newer protocol is answered in the first, and goes on."""
    git(tmp_path, "-c", f"protocol.version={version}", "clone", "-q", served.url_of(WRITER_TOKEN), "clone")

    assert (tmp_path / "clone" / "README.md").read_text() == FILES["README.md"]
    assert git(tmp_path / "clone", "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == head_of(served)


def test_fetch_brings_only_what_is_new(served: Served, work: Path) -> None:
    """Negotiation finds the common commit, for long histories on both sides too."""
    for number in range(40):
        change(work, f"{number}\n")
        served.repository.commit_files("main", {f"n{number}": b"1"}, "m\n", author=ANA, at=AT)
    git(work, "fetch", "-q")

    assert git(work, "rev-parse", "origin/main") == head_of(served)
    assert git(work, "fsck") == ""


def test_fetch_from_an_unrelated_history(served: Served, work: Path) -> None:
    """Nothing in common: everything is sent, folders and all, and git finds it sound."""
    git(work, "checkout", "-q", "--orphan", "other")
    git(work, "commit", "-q", "-m", "unrelated")
    git(work, "branch", "-q", "-D", "main")
    git(work, "update-ref", "-d", "refs/remotes/origin/main")
    served.repository.commit_files("main", {"a/b/c": b"1"}, "m\n", author=ANA, at=AT)
    git(work, "fetch", "-q")

    assert git(work, "show", "origin/main:a/b/c") == "1"
    assert git(work, "fsck") == ""


def test_commit_is_fetched_by_its_name(served: Served, work: Path) -> None:
    """As on GitHub, a commit can be asked for that no branch is at."""
    second = served.repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)
    served.repository.commit_files("main", {"a": b"2"}, "m\n", author=ANA, at=AT)
    git(work, "fetch", "-q", "origin", second)

    assert git(work, "rev-parse", "FETCH_HEAD") == second


def test_second_fetch_asks_for_the_listing_alone(served: Served, work: Path) -> None:
    """Where nothing is new, no pack is made."""
    served.requests.clear()
    git(work, "fetch", "-q")

    assert {request.method for request in served.requests} == {"GET"}


def test_shallow_clone_is_refused_by_the_client(served: Served, tmp_path: Path) -> None:
    """The sandbox does not offer it, and git says so."""
    said = told_by(tmp_path, "clone", "--depth", "1", served.url_of(WRITER_TOKEN), "shallow")

    assert "Server does not support shallow clients" in said


def test_push_out_of_a_shallow_clone_is_taken(served: Served, work: Path, tmp_path: Path) -> None:
    """A history that is cut at the client is whole at the server."""
    change(work, "memory: 1Gi\n")
    git(work, "push", "-q")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{served.repository.path}", "shallow")
    pushed = change(tmp_path / "shallow", "memory: 2Gi\n")
    git(tmp_path / "shallow", "push", "-q", served.url_of(WRITER_TOKEN), "main")

    assert head_of(served) == pushed
    assert git(served.repository.path, "rev-list", "--count", "main") == "3"


def test_tags_are_listed_with_what_they_stand_for(served: Served, work: Path, tmp_path: Path) -> None:
    """An annotated tag is an object of its own; a clone brings it along."""
    git(work, "tag", "-a", "-m", "first", "v1")
    git(work, "push", "-q", "origin", "v1")

    git(tmp_path, "clone", "-q", served.url_of(WRITER_TOKEN), "other")

    assert f"{head_of(served)}\trefs/tags/v1^{{}}" in git(work, "ls-remote").splitlines()
    assert git(tmp_path / "other", "cat-file", "-t", "v1") == "tag"


def test_push_is_told_to_the_forge(served: Served, work: Path) -> None:
    """Each reference that moved is reported once, with where it was and where it is."""
    first, pushed = head_of(served), change(work, "memory: 1Gi\n")
    git(work, "push", "-q", "origin", "HEAD:main", "HEAD:refs/heads/other")
    git(work, "push", "-q", "origin", ":other")

    assert sorted(served.moves, key=str) == sorted(
        [
            ("refs/heads/main", first, pushed),
            ("refs/heads/other", None, pushed),
            ("refs/heads/other", pushed, None),
        ],
        key=str,
    )
    assert served.repository.refs() == {"refs/heads/main": pushed}
    assert git(served.repository.path, "fsck", "--strict") == ""


def test_branch_at_a_known_commit_needs_no_objects(served: Served, work: Path) -> None:
    """A push with an empty pack makes a branch."""
    git(work, "push", "-q", "origin", "HEAD:refs/heads/copy")

    assert head_of(served, "copy") == head_of(served)


def test_large_push_comes_in_chunks(served: Served, work: Path) -> None:
    """Git sends big bodies chunked, after a probe for who it is; deltas and binary content arrive unharmed."""
    content = os.urandom(300_000)
    (work / "blob").write_bytes(content)
    git(work, "add", "blob")
    git(work, "commit", "-q", "-m", "blob")
    change(work, FILES["README.md"] + "more\n", "README.md")
    git(work, "-c", "http.postBuffer=65536", "push", "-q")

    assert any(request.headers.get("transfer-encoding") == "chunked" for request in served.requests)
    assert served.repository.read("main", "blob") == content


def test_non_fast_forward_needs_force_at_the_client_only(served: Served, work: Path) -> None:
    """The server takes a rewritten branch; who may not is a matter of rules."""
    first = head_of(served)
    change(work, "memory: 1Gi\n")
    git(work, "push", "-q")
    git(work, "reset", "-q", "--hard", first)
    rewritten = change(work, "memory: 2Gi\n")

    assert "non-fast-forward" in told_by(work, "push")
    git(work, "push", "-q", "--force")
    assert head_of(served) == rewritten


def test_rules_refuse_a_reference_in_githubs_words(served: Served, work: Path) -> None:
    """The reason comes on the side, the reference's answer says which hook; other references move."""
    served.rules["refs/heads/main"] = "Changes must be made through a pull request."
    first, pushed = head_of(served), change(work, "memory: 1Gi\n")
    said = told_by(work, "push", "origin", "HEAD:main", "HEAD:refs/heads/mine")

    assert "remote: error: GH006: Protected branch update failed for refs/heads/main." in said
    assert "remote: error: Changes must be made through a pull request." in said
    assert "[remote rejected] HEAD -> main (protected branch hook declined)" in said
    assert served.repository.refs() == {"refs/heads/main": first, "refs/heads/mine": pushed}
    assert [ref for ref, _, _ in served.moves] == ["refs/heads/mine"]


def test_default_branch_is_not_deleted(served: Served, work: Path) -> None:
    """The server refuses, as git does."""
    first = head_of(served)
    said = told_by(work, "push", "origin", ":main")

    assert "remote: error: refusing to delete the current branch: refs/heads/main" in said
    assert "(deletion of the current branch prohibited)" in said
    assert head_of(served) == first


def test_references_of_pull_requests_can_be_fetched_and_not_pushed(served: Served, work: Path) -> None:
    """They are the forge's own."""
    served.repository.set_ref("refs/pull/1/head", head_of(served), expected=None)

    git(work, "fetch", "-q", "origin", "refs/pull/1/head")
    assert "deny updating a hidden ref" in told_by(work, "push", "origin", "HEAD:refs/pull/2/head")


def test_branch_below_a_branch_is_refused(served: Served, work: Path) -> None:
    """Git's own words, by which clients know that another try would not help."""
    said = told_by(work, "push", "origin", "HEAD:refs/heads/main/below")

    assert "cannot lock ref 'refs/heads/main/below': 'refs/heads/main' exists; cannot create" in said
    assert served.moves == []


def test_doors_open_to_whom_they_should(served: Served) -> None:
    """401 for strangers and wrong tokens, 403 for a reader who pushes, 404 for what a user cannot see."""
    listing = served.url + "/info/refs?service=git-"
    missing = listing.replace("shop", "none")
    asked = {
        "stranger reads": status_of(listing + "upload-pack"),
        "stranger looks for nothing": status_of(missing + "upload-pack"),
        "wrong token": status_of(listing + "upload-pack", "wrong"),
        "reader reads": status_of(listing + "upload-pack", READER_TOKEN),
        "reader pushes": status_of(listing + "receive-pack", READER_TOKEN),
        "writer pushes": status_of(listing + "receive-pack", WRITER_TOKEN),
        "writer looks for nothing": status_of(missing + "upload-pack", WRITER_TOKEN),
    }

    assert {who: status for who, (status, _, _) in asked.items()} == {
        "stranger reads": 401,
        "stranger looks for nothing": 401,
        "wrong token": 401,
        "reader reads": 200,
        "reader pushes": 403,
        "writer pushes": 200,
        "writer looks for nothing": 404,
    }
    assert asked["stranger reads"][1:] == asked["stranger looks for nothing"][1:]
    assert asked["wrong token"][2] == 'Basic realm="GitHub"'
    assert asked["reader pushes"][1] == "Permission to platform/shop.git denied to mallory.\n"


def test_public_repository_is_read_by_anybody_and_pushed_by_writers(served: Served, tmp_path: Path) -> None:
    """A stranger clones; a stranger who pushes is asked for a token."""
    served.public = True
    git(tmp_path, "clone", "-q", served.url, "clone")

    assert status_of(served.url + "/info/refs?service=git-receive-pack")[0] == 401
    assert (tmp_path / "clone" / "deploy" / "web.yaml").exists()


def test_what_is_not_gits_is_left_to_others(served: Served) -> None:
    """Only Git's addresses are answered; a protocol that the sandbox lacks is refused by name."""
    other = Request("GET", "/repos/platform/shop", {}, {})
    dumb = Request("GET", f"/{NAME}.git/info/refs", {}, {})

    assert git_http.answer(other, authenticate=TOKENS.get, find=lambda *_: None) is None
    with pytest.raises(NotInSandbox, match="without a service"):
        git_http.answer(dumb, authenticate=TOKENS.get, find=lambda *_: None)
    assert served.requests == []


def test_dulwich_clones_and_pushes(served: Served, tmp_path: Path) -> None:
    """A client that is written in Python alone."""
    from dulwich import porcelain

    url, file, quiet = served.url_of(WRITER_TOKEN), tmp_path / "clone" / "new", io.BytesIO()
    with porcelain.clone(url, str(tmp_path / "clone"), errstream=quiet) as repo:
        file.write_text("1\n")
        porcelain.add(repo, [str(file)])
        porcelain.commit(repo, message=b"new", author=b"a <a@b>", committer=b"a <a@b>")
        porcelain.push(repo, url, "main", outstream=quiet, errstream=quiet)

    assert served.repository.read("main", "new") == b"1\n"
