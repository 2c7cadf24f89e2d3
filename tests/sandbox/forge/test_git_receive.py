"""Pushes by hand: what a client may never send, or sends at the same moment as another."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge import git_http
from reconciler.sandbox.wire import Request
from tests.sandbox.forge.bare import ANA, AT
from tests.sandbox.forge.served import NAME, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"deploy/web.yaml": "memory: 512Mi\n"}
NOWHERE = "0" * 40


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A private repository with one commit on main."""
    with serving(tmp_path, FILES) as served:
        yield served


def head_of(served: Served, branch: str = "main") -> str:
    """Return a branch's head, which must exist."""
    head = served.repository.head(branch)
    assert head is not None
    return head


def request_of(served: Served, body: bytes, service: str = "git-receive-pack", **headers: str) -> bytes:
    """Send a hand-made request as the writer, and return the answer."""
    request = Request(
        "POST", f"/{NAME}.git/{service}", {}, {"content-type": f"application/x-{service}-request", **headers}, body
    )
    answer = git_http.serve(
        request,
        served.repository,
        may_push=lambda ref, _old, _new: served.rules.get(ref),
        pushed=lambda *move: served.moves.append(move),
    )
    assert isinstance(answer.body, bytes)
    return answer.body


def line(text: str) -> bytes:
    """Return a line as the protocol frames it."""
    return f"{len(text) + 4:04x}{text}".encode()


def packed(*objects: tuple[int, bytes]) -> bytes:
    """Return a pack of small objects without deltas."""
    body = b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")
    for kind, content in objects:
        size = len(content)
        byte = kind << 4 | size & 15
        size >>= 4
        while size:
            body += bytes([byte | 128])
            byte = size & 127
            size >>= 7
        body += bytes([byte]) + zlib.compress(content)
    return body + hashlib.sha1(body).digest()  # noqa: S324 - Git's own


def pushing(old: str, new: str, ref: str, pack: bytes) -> bytes:
    """Return the body of a push of one reference."""
    return line(f"{old} {new} {ref}\0report-status") + b"0000" + pack


def test_old_value_must_be_the_present_one(served: Served) -> None:
    """The server compares too: what moved between listing and push is not overwritten."""
    first = head_of(served)
    second = served.repository.write_commit(
        served.repository.commit(first).tree, [first], "m\n", author=ANA, at=AT, committer=None
    )
    stale = request_of(served, pushing(second, first, "refs/heads/main", packed()))
    taken = request_of(served, pushing(NOWHERE, second, "refs/heads/main", packed()))
    gone = request_of(served, pushing(first, NOWHERE, "refs/heads/gone", b""))
    unheard = request_of(served, pushing("1" * 40, first, "refs/heads/main", packed()))

    assert (
        f"ng refs/heads/main cannot lock ref 'refs/heads/main': is at {first} but expected {second}" in stale.decode()
    )
    assert "ng refs/heads/main cannot lock ref 'refs/heads/main': reference already exists" in taken.decode()
    assert "unable to resolve reference 'refs/heads/gone'" in gone.decode()
    assert f"is at {first} but expected {'1' * 40}" in unheard.decode()
    assert (served.repository.refs(), served.moves) == ({"refs/heads/main": first}, [])


def test_commit_whose_tree_is_missing_is_refused_and_not_kept(served: Served) -> None:
    """A history with holes never comes in, nor does it become the ground for a later push."""
    commit = b"tree " + b"1" * 40 + b"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n"
    sha = hashlib.sha1(b"commit %d\0" % len(commit) + commit).hexdigest()  # noqa: S324 - Git's own
    answer = request_of(served, pushing(NOWHERE, sha, "refs/heads/holes", packed((1, commit))))
    again = request_of(served, pushing(NOWHERE, sha, "refs/heads/holes", packed()))

    assert b"ng refs/heads/holes missing necessary objects" in answer
    assert b"ng refs/heads/holes missing necessary objects" in again
    assert not served.repository.has(sha)


@pytest.mark.parametrize("harm", [lambda pack: pack[:-1], lambda pack: pack[:10], lambda _: b"", lambda _: b"x" * 99])
def test_broken_pack_moves_nothing(served: Served, harm: object) -> None:
    """A transfer that broke off is reported for the pack and for each reference."""
    assert callable(harm)
    first = head_of(served)
    answer = request_of(served, pushing(NOWHERE, first, "refs/heads/x", harm(packed((3, b"x" * 50)))))

    assert b"unpack index-pack abnormal exit" in answer
    assert b"ng refs/heads/x unpacker error" in answer
    assert served.repository.head("x") is None


def test_pack_with_wrong_content_moves_nothing(served: Served) -> None:
    """A pack whose checksum is right and whose objects are not."""
    body = b"PACK" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"junk"
    pack = body + hashlib.sha1(body).digest()  # noqa: S324 - Git's own
    answer = request_of(served, pushing(NOWHERE, head_of(served), "refs/heads/x", pack))

    assert b"unpack unpack-objects abnormal exit" in answer
    assert served.repository.head("x") is None


def test_branch_holds_commits_only(served: Served) -> None:
    """A blob under refs/heads is refused."""
    blob = served.repository.write_blob(b"x")
    answer = request_of(served, pushing(NOWHERE, blob, "refs/heads/x", packed()))

    assert b"trying to write non-commit object" in answer


@pytest.mark.parametrize("body", [b"zzzz", b"00ff12", line("hello\0report-status") + b"0000"])
def test_nonsense_is_an_error_in_the_protocols_words(served: Served, body: bytes) -> None:
    """Bytes that are no push end in an error line, not in a defect."""
    answer = request_of(served, body)

    assert answer[4:].startswith(b"ERR receive-pack: ")
    assert served.moves == []


def test_push_of_nothing_is_answered_by_nothing(served: Served) -> None:
    """As Git does when a client ends before it asked for anything."""
    assert request_of(served, b"") == b""
    assert served.moves == []


def test_old_clients_get_a_pack_without_bands(served: Served) -> None:
    """A client that can do nothing at all is told the first common commit, and then the pack."""
    first = head_of(served)
    second = served.repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)
    talk = line(f"want {second}\n") + b"0000" + line(f"have {'1' * 40}\n") + line(f"have {first}\n")

    assert request_of(served, talk + b"0000", "git-upload-pack") == line(f"ACK {first}\n")
    answer = request_of(served, talk + line("done\n"), "git-upload-pack")
    assert answer.startswith(line(f"ACK {first}\n") * 2 + b"PACK")


@pytest.mark.parametrize("body", [b"zzzz", b"00ff12", line("hello\n")])
def test_nonsense_of_a_fetch_is_an_error_too(served: Served, body: bytes) -> None:
    """Bytes that are no fetch."""
    assert request_of(served, body, "git-upload-pack")[4:].startswith(b"ERR upload-pack: ")


def test_unknown_want_is_an_error_in_gits_words(served: Served) -> None:
    """A commit that is not there is not waited for."""
    wants = line(f"want {'1' * 40} side-band-64k thin-pack ofs-delta\n") + b"0000" + line("done\n")

    assert f"ERR upload-pack: not our ref {'1' * 40}".encode() in request_of(served, wants, "git-upload-pack")


def test_bodies_may_be_compressed(served: Served) -> None:
    """Git compresses long negotiations; a body that is not what it says is 400."""
    body = pushing(NOWHERE, head_of(served), "refs/heads/zipped", packed())
    request_of(served, gzip.compress(body), **{"content-encoding": "gzip"})

    assert served.repository.head("zipped") == head_of(served)
    assert request_of(served, b"x", **{"content-encoding": "gzip"}).startswith(b"the body is not what")


def test_of_many_pushers_at_once_one_wins(served: Served) -> None:
    """Compare-and-set holds between threads."""
    first = head_of(served)
    tree = served.repository.commit(first).tree
    commits = [
        served.repository.write_commit(tree, [first], f"{number}\n", author=ANA, at=AT, committer=None)
        for number in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda sha: request_of(served, pushing(first, sha, "refs/heads/main", packed())), commits)
        )
    won = [answer for answer in answers if b"ok refs/heads/main" in answer]

    assert len(won) == len(served.moves) == 1
    assert served.moves[0] == ("refs/heads/main", first, head_of(served))
