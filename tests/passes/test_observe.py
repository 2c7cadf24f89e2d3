"""The snapshot: one source's trouble is its own, and a merge is judged by what Git holds, in the right order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.proposal import PullRequestState
from reconciler.observe import observe, wanted_fields
from reconciler.observe.follow import follow
from tests.adapters.wire import Answer
from tests.core.views import pull_request
from tests.passes.world import NOON
from tests.propose.desk import FILE
from tests.worlds import APPLICATION, LIMIT, WEBAPP, Story, application

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.objects import CommitId
    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Followed, Snapshot
    from tests.passes.world import World

SOURCES = {
    "GET /api/v1/namespaces": "namespaces",
    "GET /apis/apps/v1/deployments": "workloads",
    "GET /api/v1/pods": "pods",
    "GET /api/v1/query": "memory_peaks",
    "GET /api/v2/alerts": "alerts",
    "GET /api/v1/repos/o/r/pulls": "pull_requests",
    "GET /apis/argoproj.io/v1alpha1/applications": "applications",
}


def seen(world: World) -> Snapshot:
    """Take a snapshot without open operations."""
    return observe(world.ports(), (), world.settings, NOON)


def test_whole_world_is_known(world: World) -> None:
    """Every source answered."""
    snapshot = seen(world)

    assert list(snapshot.unknowns()) == []
    assert (snapshot.taken_at, snapshot.cluster, snapshot.base) == (NOON, "test", world.base)


@pytest.mark.parametrize("path", list(SOURCES))
def test_broken_source_leaves_the_others_known(world: World, path: str) -> None:
    """Invariant 3: exactly its own facts are unknown."""
    world.pulls.wire.script[path] = Answer({"kind": "Status", "code": 400, "message": "no"}, 400)
    snapshot = seen(world)

    assert isinstance(getattr(snapshot, SOURCES[path]), Unknown)
    assert len(list(snapshot.unknowns())) == 1


def test_git_without_the_base_branch_is_unknown(world: World) -> None:
    """Invariant 3: a branch that was renamed is not an empty repository."""
    world.shop.ana.commit("main", {"README.md": "x"})
    world.shop.bare.joinpath("HEAD").write_text("ref: refs/heads/main\n")
    world.shop.ana.delete("trunk")

    assert seen(world).base == Unknown("git", "the remote has no branch trunk")


def test_fields_of_open_operations_are_wanted_once() -> None:
    """What verification compares is read with the same lists."""
    operation = Story().operation

    assert wanted_fields([operation, replace(operation, id="op-2")]) == {WEBAPP: frozenset({LIMIT})}
    assert wanted_fields([]) == {}


# --- following a merge ----------------------------------------------------------------------------------------------

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: webapp}
spec: {template: {spec: {containers: [{name: web, resources: {limits: {memory: 512Mi}}}]}}}
"""


class Merge:
    """A repository in which webapp's limit was raised by a merge, and what becomes of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        ana = world.shop.ana
        self.before = ana.commit("trunk", {FILE: MANIFEST}, base="trunk")
        self.merge = ana.commit("trunk", {FILE: MANIFEST.replace("512Mi", "1Gi")}, base="trunk")

    def later(self, text: str | None) -> CommitId:
        """Commit another version of the file on top, or take it away."""
        ana = self.world.shop.ana
        if text is None:
            (ana.folder / FILE).unlink()
            return ana.commit("trunk", {"README.md": "gone"})
        return ana.commit("trunk", {FILE: text}, base="trunk")

    def follow(
        self,
        base: CommitId | Unknown,
        *,
        operation: Operation | None = None,
        revision: str = "",
        applications: tuple[Application, ...] = (),
        into: str = "trunk",
    ) -> Followed:
        """Look up the merged pull request with this head of base."""
        found = pull_request(PullRequestState.MERGED, merge_commit=self.merge, base=into)
        self.world.pulls.add(
            found.branch, state="closed", merged_at="2026-03-01T09:31:00Z", merge_commit_sha=self.merge
        )
        return follow(
            operation or Story().pull_request_opened().operation,
            pull_requests=(found,),
            applications=applications or (application(ref=APPLICATION, revisions=(revision or self.merge,)),),
            base=base,
            ports=self.world.ports(),
            settings=self.world.settings,
        )


def test_merge_is_read_and_not_assumed(world: World) -> None:
    """What the merge commit holds, what base holds, and that delivery has compared it."""
    made = Merge(world)
    followed = made.follow(made.merge)

    assert (followed.values_at_merge, followed.values_at_base, followed.contains_merge) == (("1Gi",), ("1Gi",), True)


def test_merge_that_is_recorded_is_followed_whatever_base_is_called_by_now(world: World) -> None:
    """Forges keep the old name in what was merged; its way into the cluster is the same."""
    made = Merge(world)
    operation = Story().merged().operation
    assert operation.pull_request is not None
    recorded = replace(operation, pull_request=replace(operation.pull_request, merge_commit=made.merge))
    followed = made.follow(made.merge, operation=recorded, into="master")

    assert (followed.elsewhere, followed.contains_merge) == (None, True)


def test_base_that_was_read_before_the_merge_says_nothing(world: World) -> None:
    """Invariant 3: sources are asked side by side; an older base is no later commit that took the change back."""
    made = Merge(world)

    assert isinstance(made.follow(made.before).values_at_base, Unknown)


def test_unknown_base_says_nothing(world: World) -> None:
    """Invariant 3: silence is no later commit."""
    made = Merge(world)
    followed = made.follow(Unknown("git", "timeout"))

    assert isinstance(followed.values_at_base, Unknown)
    assert followed.values_at_merge == ("1Gi",)


@pytest.mark.parametrize(("text", "value"), [(MANIFEST.replace("512Mi", "2Gi"), "2Gi"), (None, None)])
def test_later_commit_is_read_from_base(world: World, text: str | None, value: str | None) -> None:
    """Another value, or no file at all."""
    made = Merge(world)

    assert made.follow(made.later(text)).values_at_base == (value,)


def test_revision_before_the_merge_does_not_contain_it(world: World) -> None:
    """Ancestry, not equality: an older revision is not there yet, a newer one is."""
    made = Merge(world)
    newer = made.later(MANIFEST.replace("512Mi", "1Gi") + "# more\n")

    assert made.follow(newer, revision=made.before).contains_merge is False
    assert made.follow(newer, revision=newer).contains_merge is True


def test_release_is_asked_for_the_revision_of_what_delivers_its_manifest(world: World) -> None:
    """A HelmRelease names a chart's version; its parent Kustomization tells whether the merge is in."""
    made = Merge(world)
    operation = Story().pull_request_opened().operation
    assert operation.pull_request is not None
    parent = replace(APPLICATION, group="kustomize.toolkit.fluxcd.io", kind="Kustomization", name="root")
    located = replace(operation.pull_request.located, parent=parent)
    operation = replace(operation, pull_request=replace(operation.pull_request, located=located))
    release = application(ref=APPLICATION, revisions=())

    def seen_with(*revisions: str) -> object:
        found = (release, application(ref=parent, revisions=revisions))
        return made.follow(made.merge, operation=operation, applications=found).contains_merge

    assert (seen_with(made.merge), seen_with(made.before)) == (True, False)
    assert isinstance(seen_with(), Unknown)


@pytest.mark.parametrize("revision", ["trunk", "v1.2", "0" * 40])
def test_revision_that_git_cannot_place_is_unknown(world: World, revision: str) -> None:
    """Invariant 3: a branch name or a commit that the mirror lacks proves nothing."""
    made = Merge(world)

    assert isinstance(made.follow(made.merge, revision=revision).contains_merge, Unknown)


def test_git_that_does_not_answer_makes_the_merge_unknown_and_nothing_else(world: World) -> None:
    """Invariant 3: the pull request is merged, its content is not known now."""
    made = Merge(world)
    world.shop.server.faults["service=git-upload-pack"] = lambda handler: handler.answer(503, b"", {})
    followed = made.follow(made.merge)

    assert not isinstance(followed.pull_request, Unknown)
    assert isinstance(followed.values_at_merge, Unknown)
    assert isinstance(followed.contains_merge, Unknown)


def test_broken_file_at_the_merge_is_unknown(world: World) -> None:
    """Invariant 3: a file that cannot be read as YAML holds neither our value nor another."""
    made = Merge(world)
    made.merge = made.later("kind: [")

    assert isinstance(made.follow(made.merge).values_at_merge, Unknown)


def test_operation_without_a_pull_request_asks_nobody(world: World) -> None:
    """Nothing to look up."""
    followed = Merge(world).follow(Unknown("git", "not asked"), operation=Story().operation)

    assert (followed.pull_request, followed.values_at_merge) == (None, None)
    assert world.pulls.wire.requests == []
