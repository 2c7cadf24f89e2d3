"""Pushes of many callers go together, and each caller is answered as if it had been alone."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.adapters.git_pushes import Pushes
from reconciler.errors import Conflict, ReconcilerError, Refusal, SourceError, Unauthorized
from tests.adapters.git_http import Handler, answers, die_midway, serve_normally
from tests.adapters.git_shop import Shop, open_shop
from tests.adapters.push_company import EXPECTED, Company, Fate, Scripted, lease, meet
from tests.thorough import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.adapters.git_bare import GitBare
    from reconciler.adapters.git_mirror import Mirror
    from reconciler.model.objects import CommitId

LISTING, PUSH = "service=git-receive-pack", "/git-receive-pack"


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.sampled_from([fate for fate in Fate if fate is not Fate.STRANGE]), min_size=1, max_size=12))
def test_everybody_is_told_what_becomes_of_their_own_branch(fates: list[Fate]) -> None:
    """Whatever happens to the others, in whatever order, the answer is the one it would have got alone."""
    told, server = meet(fates)

    assert [type(error) for error in told] == [EXPECTED[fate] for fate in fates]
    for number, error in enumerate(told):
        assert not isinstance(error, (Conflict, Refusal)) or re.search(rf"the branch b{number}\b", error.message)
    assert len(server.pushes) <= 1 + 2 * len(fates) - 1
    assert sorted(server.pushes[1]) == sorted(f"refs/heads/b{number}" for number in range(len(fates)))


def test_those_that_come_meanwhile_go_in_one_push() -> None:
    """Nobody waits for company, and nobody who has it goes alone."""
    told, server = meet([Fate.TAKEN] * 30)

    assert told == [None] * 30
    assert [len(push) for push in server.pushes] == [1, 30]


def test_refused_identity_is_everybodys_and_not_tried_again() -> None:
    """Trying again cannot help, so nobody does; each has an error of their own to raise."""
    told, server = meet([Fate.TAKEN, Fate.STRANGE, Fate.TAKEN])

    assert [type(error) for error in told] == [Unauthorized] * 3
    assert len({id(error) for error in told}) == 3
    assert [len(push) for push in server.pushes] == [1, 3]


@pytest.mark.parametrize("patience", [2, 3, 4])
def test_when_time_is_up_a_no_in_company_is_not_final(patience: int) -> None:
    """A refusal ends an operation; one that was perhaps another branch's is told as a failure, to be asked again."""
    told, server = meet([Fate.TAKEN, Fate.TAINTED, Fate.TAKEN, Fate.TAKEN], patience=patience)

    kinds = Counter(type(error) for error in told)
    assert len(server.pushes) == patience
    assert kinds[Refusal] == 0
    assert kinds[SourceError] + kinds[type(None)] == 4


def test_same_branch_twice_is_two_pushes() -> None:
    """Two who want one branch are not sent in one push; the second is answered by what the first left."""
    fates = dict.fromkeys(("refs/heads/first", "refs/heads/twice"), Fate.TAKEN)
    company = Company(4)
    server = Scripted(fates, company)
    pushes = Pushes(cast("Mirror", None), server)
    company.watch(pushes)

    told = company.push([partial(pushes.push, lease(name)) for name in ("first", "twice", "twice", "twice")])

    assert told == [None] * 4
    assert [len(push) for push in server.pushes] == [1, 1, 1, 1]


def test_surprise_reaches_every_caller_and_blocks_nobody_after() -> None:
    """What nobody foresaw fails this batch; the next push goes on."""
    company = Company(1)
    server = Scripted({"refs/heads/known": Fate.TAKEN}, company)
    pushes = Pushes(cast("Mirror", None), server)
    company.watch(pushes)

    with pytest.raises(KeyError):
        pushes.push(lease("unknown"))

    pushes.push(lease("known"))
    assert server.pushes[-1] == ["refs/heads/known"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A served repository with one manifest."""
    with open_shop(tmp_path) as shop:
        yield shop


def visit(
    shop: Shop, *, expected: dict[str, CommitId] | None = None, then: Callable[[Handler], None] = serve_normally
) -> tuple[dict[str, ReconcilerError | None], dict[str, CommitId]]:
    """Push branches a to d at once on git's own server; `then` is what it does after the first push.

    Returns what each was told, and the commit of each.
    """
    repository = shop.repository()
    repository.fetch()
    commits = {
        f"reconciler/{name}": repository.commit(shop.first, {"deploy/web.yaml": f"{name}\n".encode()}, "raise\n")
        for name in "abcd"
    }
    company = Company(len(commits))
    company.watch(cast("GitBare", repository)._pushes)

    def held(handler: Handler) -> None:
        shop.server.faults[PUSH] = then
        company.hold()
        serve_normally(handler)

    shop.server.faults[PUSH] = held
    told = company.push(
        [
            partial(repository.push, branch, commit, expected=(expected or {}).get(branch))
            for branch, commit in commits.items()
        ]
    )
    return dict(zip(commits, told, strict=True)), commits


def sent(shop: Shop) -> int:
    """Return how many pushes the server got."""
    return shop.server.requests.count("POST git-receive-pack")


def test_four_callers_are_two_pushes_on_the_wire(shop: Shop) -> None:
    """One goes at once, three together after it; each branch is where its caller wanted it."""
    told, commits = visit(shop)

    assert told == dict.fromkeys(commits)
    assert sent(shop) == 2
    assert shop.repository("other.git").heads() == commits | {"trunk": shop.first}


def test_branch_that_moved_keeps_no_other_from_arriving(shop: Shop) -> None:
    """A lease that does not hold is one caller's conflict, found before anything is sent."""
    theirs = shop.ana.commit("reconciler/c", {"README.md": "hers\n"})

    told, commits = visit(shop, expected={"reconciler/d": shop.first})

    assert {branch: type(error) for branch, error in told.items() if error} == {
        "reconciler/c": Conflict,
        "reconciler/d": Conflict,
    }
    assert sent(shop) == 2
    heads = shop.repository("other.git").heads()
    expected = {f"reconciler/{name}": commits[f"reconciler/{name}"] for name in "ab"}
    assert heads == expected | {"reconciler/c": theirs, "trunk": shop.first}


def test_branch_that_a_hook_refuses_hears_its_own_words_and_no_other_does(shop: Shop) -> None:
    """An update hook says no to one reference; the rest of the push is taken."""
    shop.hook("update", 'echo "looked at $1" >&2; test "$1" != refs/heads/reconciler/c')

    told, commits = visit(shop)

    refused = told.pop("reconciler/c")
    assert isinstance(refused, Refusal)
    assert "hook declined: looked at refs/heads/reconciler/c " in refused.message
    assert refused.message.count("looked at") == 1
    assert told == dict.fromkeys(branch for branch in commits if branch != "reconciler/c")


def test_branch_for_which_a_whole_push_is_refused_takes_none_with_it(shop: Shop) -> None:
    """A pre-receive hook fails every reference for one; the others are pushed again without it."""
    shop.hook("pre-receive", "if grep -q reconciler/c; then echo 'not c' >&2; exit 1; fi")

    told, commits = visit(shop)

    refused = told.pop("reconciler/c")
    assert isinstance(refused, Refusal)
    assert refused.message.endswith("pre-receive hook declined: not c")
    assert told == dict.fromkeys(branch for branch in commits if branch != "reconciler/c")


def test_limit_of_branches_in_one_push_is_found_by_pushing_fewer(shop: Shop) -> None:
    """GitHub can be told how many branches one push may move; then fewer go together."""
    shop.hook("pre-receive", "test $(wc -l) -le 2")

    told, commits = visit(shop)

    assert told == dict.fromkeys(commits)
    assert sent(shop) == 4  # one; three, refused; one and two


def test_server_that_answers_no_push_fails_all_who_wait(shop: Shop) -> None:
    """The first arrived, the others hear what is wrong with the server."""
    told, commits = visit(shop, then=answers(503))

    assert told.pop("reconciler/a") is None
    assert {type(error) for error in told.values()} == {SourceError}
    assert shop.repository("other.git").heads() == {"trunk": shop.first, "reconciler/a": commits["reconciler/a"]}


def test_token_that_expires_meanwhile_is_refused_to_all_at_once(shop: Shop) -> None:
    """An identity that is refused is not tried again for each."""
    told, _ = visit(shop, then=answers(401))

    assert told.pop("reconciler/a") is None
    assert {type(error) for error in told.values()} == {Unauthorized}
    assert sent(shop) <= 3  # libgit2 tries the token once more


def test_lost_answer_of_a_push_in_company_is_found_done(shop: Shop) -> None:
    """The server took them all and died while it said so; asked again, it shows them."""
    told, commits = visit(shop, then=die_midway)

    assert told == dict.fromkeys(commits)
    assert sent(shop) == 2


def test_server_that_is_down_is_told_to_all(shop: Shop) -> None:
    """Where not even the listing is answered, each that asks hears it, and nothing is sent."""
    repository = shop.repository()
    repository.fetch()
    commit = repository.commit(shop.first, {"deploy/web.yaml": b"x\n"}, "raise\n")
    shop.server.faults[LISTING] = answers(503)

    def kind(name: str) -> type[Exception] | None:
        try:
            repository.push(f"reconciler/{name}", commit, expected=None)
        except ReconcilerError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(kind, "abcd"))

    assert told == [SourceError] * 4
    assert sent(shop) == 0
