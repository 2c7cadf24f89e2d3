"""The token goes to the configured server, once, and shows nowhere else."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ReconcilerError, SourceError, Unauthorized
from tests.adapters.git_http import READER_TOKEN, TOKEN, GitServer, Handler, answers, die_midway
from tests.adapters.git_shop import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = "reconciler/shop-web-1a2b3c"
LISTING, PUSH = "service=git-upload-pack", "/git-receive-pack"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A served repository with one manifest."""
    with open_shop(tmp_path) as shop:
        yield shop


def test_refused_token_is_offered_once(shop: Shop) -> None:
    """A wrong token is never tried again: accounts get locked that way."""
    with pytest.raises(Unauthorized, match="refused our token") as refused:
        shop.repository(token=READER_TOKEN).fetch()  # the token is another user's

    assert shop.server.requests == ["GET refs?service=git-upload-pack"] * 2
    assert "$RECONCILER_GIT_TOKEN" in refused.value.remedy


def test_redirect_to_another_server_gets_no_token(shop: Shop, tmp_path: Path) -> None:
    """Invariant 11: libgit2 would hand the token to whoever the first server names."""
    seen: list[str | None] = []

    def collect(handler: Handler) -> None:
        seen.append(handler.headers.get("Authorization"))
        handler.answer(401, b"", {"WWW-Authenticate": 'Basic realm="git"'})

    with GitServer(tmp_path, faults={LISTING: collect}) as thief:
        shop.server.faults[LISTING] = answers(302, Location=f"{thief.url('shop.git')}/info/refs?{LISTING}")
        with pytest.raises(SourceError) as redirected:
            shop.repository().fetch()

    assert redirected.value.code == "git.redirected"
    assert seen == [None]


def test_token_is_in_no_text_and_in_no_file(shop: Shop) -> None:
    """Invariant 11: not in an error, its cause, a diagnosis or the mirror, even when the server echoes it."""
    repository = shop.repository()
    repository.fetch()
    commit = repository.commit(shop.first, {"deploy/web.yaml": b"memory: 1Gi\n"}, "raise\n")
    texts = [repr(repository), repr(vars(repository)), str(repository.examine())]
    shop.hook("pre-receive", f"echo 'you sent {TOKEN}' >&2; exit 1")
    for where, misdeed in (
        (None, None),
        (PUSH, answers(403)),
        (PUSH, die_midway),
        (
            PUSH,
            answers(200, f"001fERR {TOKEN}\n".encode(), **{"Content-Type": "application/x-git-receive-pack-result"}),
        ),
        ("service=git-receive-pack", answers(302, Location=f"http://{TOKEN}.invalid/")),
    ):
        shop.server.faults = {where: misdeed} if where and misdeed else {}
        with pytest.raises(ReconcilerError) as failure:
            repository.push(OURS, commit, expected=None)
        texts += [*traceback.format_exception(failure.value), failure.value.remedy, repr(failure.value.__cause__)]

    assert not [text for text in texts if TOKEN in text]
    mirror = shop.folder / "mirror.git"
    assert not [path for path in mirror.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
