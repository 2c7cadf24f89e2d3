"""A target whose name follows its content: after the merge, the object that Git renders by now is read, by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.adapters.kubernetes_objects import values_of
from reconciler.manifests.rendering.hashed import hash_of
from reconciler.model.action import FieldChange
from reconciler.model.facts import Unknown
from reconciler.model.objects import FieldPath, ObjectRef, parse_path
from reconciler.model.proposal import PullRequestState
from reconciler.model.snapshot import Renamed
from reconciler.observe import observe
from reconciler.observe.follow import follow
from reconciler.observe.renaming import with_renamed
from tests.adapters.wire import Answer
from tests.core.views import pull_request
from tests.passes.world import NAMESPACE, NOON, World
from tests.worlds import APPLICATION, Story, application, oom_remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import CommitId
    from reconciler.model.operation import Operation
    from reconciler.model.rendering import Rendered, RenderJob
    from reconciler.model.snapshot import FieldValues, Followed
    from reconciler.ports import Ports

FILE = "deploy/kustomization.yaml"
LEVEL: FieldPath = ("data", "LEVEL")


def config_map(**data: str) -> dict[str, Any]:
    """Return the ConfigMap that Kustomize generates from literals."""
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "data": data}
    return made | {"metadata": {"name": f"settings-{hash_of(made)}"}}


def ref(**data: str) -> ObjectRef:
    """Return the name of that ConfigMap."""
    name = config_map(**data)["metadata"]["name"]
    return ObjectRef(cluster="test", group="", kind="ConfigMap", namespace=NAMESPACE, name=name)


def kustomization(**data: str) -> str:
    """Return the file that generates it."""
    return yaml.safe_dump({"configMapGenerator": [{"name": "settings", "literals": [f"{k}={data[k]}" for k in data]}]})


class Tool:
    """Makes ConfigMaps from literals as Kustomize does."""

    def render(self, job: RenderJob) -> tuple[Rendered, ...]:
        """Return what the job's own file generates."""
        (entry,) = yaml.safe_load(job.files[FILE])["configMapGenerator"]
        return (config_map(**dict(literal.split("=", 1) for literal in entry["literals"])),)


class Cluster:
    """Holds ConfigMaps, those included that nobody prunes; or does not answer."""

    def __init__(self, *maps: dict[str, Any], silent: bool = False) -> None:
        self.maps = {made["metadata"]["name"]: made for made in maps}
        self.silent = silent

    def fields(self, wanted: Mapping[ObjectRef, frozenset[FieldPath]]) -> Fact[FieldValues]:
        """Return the wanted fields, None for those of an object that is not there."""
        if self.silent:
            return Unknown("kubernetes", "timeout")
        found: dict[tuple[ObjectRef, FieldPath], str | None] = {}
        for target, paths in wanted.items():
            found |= values_of(self.maps.get(target.name, {}), target, paths)
        return found


class Merge:
    """A repository in which LEVEL was changed by a merge from debug to info."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first = self.commit(LEVEL="debug", OTHER="x")
        self.merge = self.commit(LEVEL="info", OTHER="x")

    def commit(self, **data: str) -> CommitId:
        """Commit what the ConfigMap is to hold."""
        return self.world.shop.ana.commit("trunk", {FILE: kustomization(**data)}, base="trunk")

    @property
    def operation(self) -> Operation:
        """The operation that proposed it, with its pull request open in the ledger."""
        return self.proposed_by(LEVEL)

    def proposed_by(self, path: FieldPath) -> Operation:
        """Return the operation that proposed to change a field of it."""
        remedy = oom_remedy()
        change = FieldChange(path=path, before="debug", after="info")
        action = replace(remedy.actions[1], target=ref(LEVEL="debug", OTHER="x"), changes=(change,))
        made = Story(replace(remedy, actions=(action,))).pull_request_opened().operation
        assert made.pull_request is not None
        becomes = ref(LEVEL="info", OTHER="x")
        located = replace(made.pull_request.located, rendered_by=0, becomes=becomes)
        return replace(made, pull_request=replace(made.pull_request, located=located))

    @property
    def application(self) -> Application:
        """The Application that delivers it."""
        source = application().sources[0]
        mine = replace(source, repository=self.world.shop.url, path="deploy", target_revision="trunk", kind="Kustomize")
        return application(ref=APPLICATION, sources=(mine,), revisions=(self.merge,), destination_namespace=NAMESPACE)

    def ports(self, cluster: Cluster) -> Ports:
        """Return the world's ports, with this tool and this cluster."""
        tool: Any = Tool()
        there: Any = cluster
        return replace(self.world.ports(), renderer=tool, cluster=there)

    def follow(
        self,
        cluster: Cluster,
        base: CommitId | Unknown | None = None,
        *,
        operation: Operation | None = None,
        **changes: Any,  # noqa: ANN401 - any field of an Application
    ) -> Followed:
        """Look up the merged pull request."""
        found = pull_request(PullRequestState.MERGED, merge_commit=self.merge, base="trunk")
        self.world.pulls.add(
            found.branch, state="closed", merged_at="2026-03-01T09:31:00Z", merge_commit_sha=self.merge
        )
        return follow(
            operation or self.operation,
            pull_requests=(found,),
            applications=(replace(self.application, **changes),),
            base=base or self.merge,
            ports=self.ports(cluster),
            settings=self.world.settings,
        )


OLD = config_map(LEVEL="debug", OTHER="x")
NEW = config_map(LEVEL="info", OTHER="x")
LATER = config_map(LEVEL="info", OTHER="y")


def said(followed: Followed) -> tuple[str, str | None]:
    """Return the name that the target has by now, and what it says there."""
    assert isinstance(followed.renamed, Renamed)
    ((_, value),) = followed.renamed.fields.items()
    return followed.renamed.target.name, value


def test_field_is_read_where_the_merge_put_it(world: World) -> None:
    """The former object may stay for ever: nobody prunes it, and it says nothing."""
    followed = Merge(world).follow(Cluster(OLD, NEW))

    assert said(followed) == (NEW["metadata"]["name"], "info")
    assert (followed.values_at_merge, followed.values_at_base) == (("info",), ("info",))


def test_object_that_is_not_there_yet_holds_nothing(world: World) -> None:
    """Delivery has not made it: the former object's value is not taken for it."""
    assert said(Merge(world).follow(Cluster(OLD))) == (NEW["metadata"]["name"], None)


def test_reviewers_value_makes_yet_another_name(world: World) -> None:
    """Invariant 7: it is found by the name before the hash, at the merge as in the cluster."""
    made = Merge(world)
    made.merge = made.commit(LEVEL="trace", OTHER="x")
    theirs = config_map(LEVEL="trace", OTHER="x")
    followed = made.follow(Cluster(OLD, theirs))

    assert said(followed) == (theirs["metadata"]["name"], "trace")
    assert followed.values_at_merge == ("trace",)


@pytest.mark.parametrize(
    ("there", "name"), [((OLD, NEW, LATER), LATER), ((OLD, NEW), NEW)], ids=["delivered", "not delivered yet"]
)
def test_later_commit_to_another_key_changes_the_name_again(
    world: World, there: tuple[dict[str, Any], ...], name: dict[str, Any]
) -> None:
    """What base renders counts where it is there; until then, what the merge rendered."""
    made = Merge(world)
    base = made.commit(LEVEL="info", OTHER="y")

    assert said(made.follow(Cluster(*there), base)) == (name["metadata"]["name"], "info")


def test_what_delivery_has_compared_lies_between_base_and_merge(world: World) -> None:
    """Two more commits, of which delivery has brought the first, and pruned what was before."""
    made = Merge(world)
    compared = made.commit(LEVEL="info", OTHER="y")
    base = made.commit(LEVEL="info", OTHER="z")

    assert said(made.follow(Cluster(LATER), base, revisions=(compared,))) == (LATER["metadata"]["name"], "info")


def test_key_inside_a_text_is_read_as_any_field(world: World) -> None:
    """At the merge, at base and in the cluster, each under the name that the text makes there."""
    made = Merge(world)
    old, new = {"app.env": "A=b\nLEVEL=debug"}, {"app.env": "A=b\nLEVEL=info"}
    made.commit(**old)
    made.merge = made.commit(**new)
    operation = made.proposed_by(parse_path('data."app.env"{LEVEL}'))
    operation = replace(
        operation,
        remedy=replace(
            operation.remedy, actions=tuple(replace(a, target=ref(**old)) for a in operation.remedy.actions)
        ),
    )
    followed = made.follow(Cluster(config_map(**old), config_map(**new)), operation=operation)

    assert (followed.values_at_merge, followed.values_at_base) == (("info",), ("info",))
    assert said(followed) == (ref(**new).name, "info")


@pytest.mark.parametrize("base", [None, Unknown("git", "timeout")])
def test_name_or_field_that_is_not_known_is_unknown(world: World, base: Unknown | None) -> None:
    """Invariant 3: neither is guessed."""
    assert isinstance(Merge(world).follow(Cluster(OLD, silent=base is None), base).renamed, Unknown)


def test_target_that_keeps_its_name_costs_nothing(world: World) -> None:
    """Where the proof saw no other name, none is looked for."""
    made = Merge(world)
    operation = made.operation
    assert operation.pull_request is not None
    located = replace(operation.pull_request.located, becomes=None)
    kept = replace(operation, pull_request=replace(operation.pull_request, located=located))
    found = pull_request(PullRequestState.MERGED, merge_commit=made.merge, base="trunk")

    followed = follow(
        kept,
        pull_requests=(found,),
        applications=(made.application,),
        base=made.merge,
        ports=made.ports(Cluster(silent=True)),
        settings=world.settings,
    )

    assert followed.renamed is None


def test_fields_of_now_stand_in_the_place_of_the_former_objects(world: World) -> None:
    """A pass judges by the operation's own words; what is unknown is not read at all."""
    made = Merge(world)
    operation, key = made.operation, (ref(LEVEL="debug", OTHER="x"), LEVEL)
    followed = made.follow(Cluster(OLD, NEW))
    former: FieldValues = {key: "debug"}
    silent = replace(followed, renamed=Unknown("git", "timeout"))
    none = replace(followed, renamed=None)
    nothing = Unknown("kubernetes", "timeout")

    assert with_renamed(former, {operation.id: followed}, [operation]) == {key: "info"}
    assert with_renamed(former, {operation.id: silent}, [operation]) == {}
    assert with_renamed(former, {operation.id: none}, [operation]) == former
    assert with_renamed(former, {}, [operation]) == former
    assert with_renamed(nothing, {operation.id: followed}, [operation]) is nothing


def test_operation_that_cannot_be_followed_does_not_believe_the_former_object(world: World) -> None:
    """Invariant 3: while delivery does not answer, the former object's value is not taken for the live one."""
    made = Merge(world)
    operation = made.operation
    assert operation.pull_request is not None
    merged = replace(operation, pull_request=replace(operation.pull_request, merge_commit=made.merge))
    old = OLD["metadata"]["name"]
    world.pulls.wire.script |= {
        "GET /api/v1": Answer({"resources": [{"name": "configmaps", "kind": "ConfigMap"}]}),
        f"GET /api/v1/namespaces/{NAMESPACE}/configmaps/{old}": Answer(OLD),
        "GET /apis/argoproj.io/v1alpha1/applications": Answer({"kind": "Status", "code": 400, "message": "no"}, 400),
    }

    before = observe(world.ports(), (operation,), world.settings, NOON)
    after = observe(world.ports(), (merged,), world.settings, NOON)

    assert before.fields == {(ref(LEVEL="debug", OTHER="x"), LEVEL): "debug"}
    assert after.fields == {}
