"""A ConfigMap whose name follows its content, on the real components: edited, merged, delivered anew, and verified.

No finding asks for such an edit yet, so the operation is made by hand up to its pull request; from there on it is a
pass like any other that follows it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.decide.revert import revert_of
from reconciler.model.action import Action, ActionName, FieldChange, Remedy, RiskLevel
from reconciler.model.codec import encode
from reconciler.model.finding import Evidence, Finding, FindingKind, Severity
from reconciler.model.objects import ObjectRef
from reconciler.model.operation import Draft, EventKind, Operation, Outcome, Phase, TrackedPullRequest
from reconciler.observe import observe
from reconciler.propose.proposals import propose
from reconciler.propose.publish import publish
from tests.beds import manifests
from tests.propose.desk import GRANTED
from tests.scenarios.test_sources import application
from tests.testbed import build

if TYPE_CHECKING:
    from reconciler.model.proposal import Proposal
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = [pytest.mark.beds("testbed"), pytest.mark.long]

FILE = "deploy/kustomization.yaml"
KUSTOMIZATION = "resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals:\n  - LEVEL=debug  # loud\n"
WEB = manifests.deployment("web") + "          envFrom:\n            - configMapRef: {name: settings}\n"
IDENTIFIER = "op-20260301-120000-001"


def delivered(worlds: Worlds, *, prune: bool) -> World:
    """Return a world in which Argo CD delivers `web` and the ConfigMap that it reads."""
    rendering = {"kustomize": str(build.tool("kustomize"))}
    world = worlds({FILE: KUSTOMIZATION, "deploy/web.yaml": WEB}, application=False, rendering=rendering)
    made = application(world, world.place.application, world.place.namespace, {"path": "deploy"})
    made["spec"]["syncPolicy"]["automated"]["prune"] = prune
    world.place.kube.apply(made)
    world.place.wait_for_sync(health=None)
    world.place.wait_until_ready()
    return world


def read_by_web(world: World) -> str:
    """Return the name of the ConfigMap that the live Deployment reads."""
    live = world.place.live("Deployment", "web")
    assert live is not None
    name: str = live["spec"]["template"]["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"]
    return name


def level(world: World) -> str:
    """Return what that ConfigMap says."""
    live = world.place.live("ConfigMap", read_by_web(world))
    assert live is not None
    said: str = live["data"]["LEVEL"]
    return said


def proposed(world: World, remedy: Remedy) -> Proposal:
    """Return the proposal for the only action of a remedy."""
    made = world.made()
    operation = Operation(
        id=IDENTIFIER,
        remedy=remedy,
        phase=Phase.DECIDED,
        opened_at=made.clock.now(),
        updated_at=made.clock.now(),
        version=1,
        verdicts={0: GRANTED},
    )
    ports = made.ports()
    snapshot = observe(ports, (), world.settings, made.clock.now())
    return propose(operation, snapshot, ports.repository, ports.renderer, world.settings)


def open_pull_request(world: World) -> int:
    """Propose another level and write it down, as a pass does for what a finding asks for."""
    made = world.made()
    now, cluster, space = made.clock.now(), world.settings.cluster.name, world.place.namespace
    web = ObjectRef(cluster=cluster, group="apps", kind="Deployment", namespace=space, name="web")
    proof = Evidence(source="person", at=now, text="it says too much")
    finding = Finding(
        kind=FindingKind.OOM_KILLED,
        target=web,
        container="web",
        severity=Severity.LOW,
        summary="web is too loud",
        evidence=(proof,),
    )
    action = Action(
        name=ActionName.SET_MEMORY,
        target=replace(web, group="", kind="ConfigMap", name=read_by_web(world)),
        uid="",
        risk=RiskLevel.LOW,
        summary="settings: LEVEL debug → info",
        changes=(FieldChange(path=("data", "LEVEL"), before="debug", after="info"),),
    )
    remedy = Remedy(finding=finding, actions=(action,), rationale="It says too much.")
    proposal = proposed(world, remedy)
    ports = made.ports()
    opened = publish(proposal, ports.repository, ports.forge)
    tracked = TrackedPullRequest(
        number=opened.number,
        url=opened.url,
        branch=proposal.branch,
        head=opened.head,
        digest=proposal.digest,
        located=proposal.located,
        opened_at=now,
    )
    key = f"{IDENTIFIER}:0:propose"
    with made.ledger.exclusive():
        for number, (kind, data) in enumerate(
            [
                (EventKind.OPERATION_OPENED, {"remedy": encode(remedy)}),
                (EventKind.VERDICT_GIVEN, {"action": 0, "verdict": encode(GRANTED)}),
                (EventKind.EFFECT_INTENDED, {"key": key, "verb": "propose"}),
                (EventKind.EFFECT_COMPLETED, {"key": key, "verb": "propose"}),
                (EventKind.PULL_REQUEST_OPENED, {"pull_request": encode(tracked), "title": proposal.title}),
            ]
        ):
            made.ledger.append([Draft(operation=IDENTIFIER, kind=kind, data=data)], at=now, expected=number)
    return opened.number


def test_change_is_followed_to_the_object_that_has_the_new_name(worlds: Worlds) -> None:
    """The former one stays, because nobody prunes: the Application is OutOfSync for ever, and that does not matter."""
    world = delivered(worlds, prune=False)
    before = read_by_web(world)
    number = open_pull_request(world)
    (pull,) = world.place.pull_requests()
    assert world.place.text(FILE, pull["head"]["ref"]) == KUSTOMIZATION.replace("LEVEL=debug", "LEVEL=info")
    world.place.merge(number)

    operation = world.run_until_outcome(Outcome.VERIFIED)

    assert operation.pull_request is not None
    assert operation.pull_request.located.becomes is not None
    assert operation.pull_request.located.becomes.name == read_by_web(world) != before
    assert (level(world), world.place.live("ConfigMap", before) is not None) == ("info", True)
    assert world.place.application_status["sync"]["status"] == "OutOfSync"
    world.assert_whole()
    inverse = revert_of(operation)
    assert isinstance(inverse, Remedy)
    back = proposed(world, inverse)
    assert [edit.after for edit in back.edits] == [KUSTOMIZATION]
    assert back.located.becomes is not None
    assert back.located.becomes.name == before


def test_reviewers_value_is_followed_under_the_name_that_it_makes(worlds: Worlds) -> None:
    """Invariant 7: theirs becomes the expected value, in an object that we never proposed."""
    world = delivered(worlds, prune=True)
    before = read_by_web(world)
    number = open_pull_request(world)
    (pull,) = world.place.pull_requests()
    world.place.commit({FILE: KUSTOMIZATION.replace("debug", "trace")}, branch=pull["head"]["ref"])
    world.run()
    world.place.merge(number)

    operation = world.run_until_outcome(Outcome.VERIFIED)

    assert operation.expected == ("trace",)
    assert level(world) == "trace"
    assert operation.pull_request is not None
    assert operation.pull_request.located.becomes is not None
    assert operation.pull_request.located.becomes.name == read_by_web(world) != before
    world.assert_whole()
