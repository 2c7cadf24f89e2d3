"""Whole passes where pull requests are scarce: what one Application delivers shares one, and is told apart in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.decide.past import attempts_on
from reconciler.model.operation import Draft, EffectStatus, EventKind, Outcome, Phase
from tests.adapters.git_http import git
from tests.passes.world import elsewhere

if TYPE_CHECKING:
    from tests.passes.world import World

MINUTE = timedelta(minutes=1)
THREE = ("cart", "shop", "web")


def proposed(world: World, number: int = 1) -> dict[str, str]:
    """Return what a pull request changes: each Deployment's file as it has it, by the Deployment's name."""
    branch = world.pulls.found[-number]["head"]["ref"]
    changed = git(world.shop.bare, "diff", "--name-only", f"trunk...{branch}").split()
    return {path[len("deploy/") : -len(".yaml")]: git(world.shop.bare, "show", f"{branch}:{path}") for path in changed}


def test_each_has_its_own_while_the_budgets_leave_one(world: World) -> None:
    """Nothing is put together without need."""
    crowd = elsewhere(world, names=THREE, guards={"pull_requests_per_hour": 3})
    crowd.run()

    assert crowd.pulls.opened == 3


def test_over_the_budget_they_share_one(world: World) -> None:
    """One operation, one commit with three edits; each is restarted on its own."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    crowd.run()

    (operation,) = crowd.operations
    assert crowd.pulls.opened == 1
    assert sorted(crowd.restarts) == list(THREE)
    texts = proposed(crowd)
    assert sorted(texts) == list(THREE)
    assert all(text == crowd.manifest(name, memory="1Gi").rstrip("\n") for name, text in texts.items())
    assert [target.name for target in operation.targets] == list(THREE)
    assert operation.expected == ("1Gi", "1Gi", "1Gi")
    pull = crowd.pulls.found[0]
    assert pull["title"].startswith("3 objects: cart: memory limit 512Mi → 1Gi; shop: memory limit 512Mi → 1Gi; web: ")
    assert all(f"| Deployment shop/{name} |" in pull["body"] for name in THREE)
    assert crowd.run(later=MINUTE).problems == ()
    assert crowd.pulls.opened == 1


def test_one_short_is_enough_to_share(world: World) -> None:
    """The rule knows an Application, not how many of its objects would just fit."""
    crowd = elsewhere(world, names=THREE, guards={"pull_requests_per_hour": 2})
    crowd.run()

    assert crowd.pulls.opened == 1
    assert len(crowd.operations) == 1


def test_without_a_budget_it_is_planned_and_a_later_one_joins_it(world: World) -> None:
    """What has no pull request yet has no reader yet; the restarts wait for no budget."""
    crowd = elsewhere(world, names=("cart",), guards={"pull_requests_per_hour": 0})
    crowd.run()
    (planned,) = crowd.operations
    assert planned.phase is Phase.DECIDED

    crowd = elsewhere(crowd, names=THREE)
    report = crowd.run(later=MINUTE)

    (operation,) = crowd.operations
    assert operation.id == planned.id
    assert [target.name for target in operation.targets] == list(THREE)
    assert sorted(crowd.restarts) == list(THREE)
    assert crowd.pulls.opened == 0
    assert any(line.startswith(f"revised {planned.id}: ") for line in report.lines)
    crowd.guards["pull_requests_per_hour"] = 1
    crowd.run(later=MINUTE)
    assert sorted(proposed(crowd)) == list(THREE)
    assert crowd.kinds().count(EventKind.REMEDY_REVISED) == 1


def test_what_was_planned_one_by_one_is_put_together(world: World) -> None:
    """The first one takes the others in; what they did is known, so that nobody is restarted twice."""
    guards = {"max_open_pull_requests": 0, "max_objects_per_pull_request": 1}
    crowd = elsewhere(world, names=THREE, guards=guards)
    crowd.run()
    assert [len(operation.targets) for operation in crowd.operations] == [1, 1, 1]
    crowd.guards.update(max_open_pull_requests=1, max_objects_per_pull_request=10)
    (planned,) = crowd.plan().remedies
    assert [action.action.action_class.value for action in planned.actions] == ["declarative"] * 3

    crowd.run(later=MINUTE)

    host, *others = crowd.operations
    assert {(o.outcome, o.outcome_reason) for o in others} == {
        (Outcome.SUPERSEDED, f"it shares a pull request with {host.id}")
    }
    assert sorted(proposed(crowd)) == list(THREE)
    assert sorted(crowd.restarts) == list(THREE)
    assert [e.status for e in host.effects.values()] == [EffectStatus.COMPLETED] * 4
    report = crowd.run(later=MINUTE)
    assert {held.operation for held in report.held} == {host.id}
    assert report.problems == ()
    assert [len(attempts_on(o.remedy.fingerprints, crowd.operations, crowd.clock.at)) for o in others] == [1, 1]
    assert sorted(crowd.restarts) == list(THREE)


def test_what_was_stopped_is_put_together_when_it_goes_on(world: World) -> None:
    """A pause opens operations and starts nothing; afterwards the budgets decide."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1, "paused": True})
    crowd.run()
    assert crowd.restarts == []
    del crowd.guards["paused"]

    crowd.run(later=MINUTE)
    crowd.run(later=MINUTE)

    assert sorted(crowd.restarts) == list(THREE)
    assert [operation.is_open for operation in crowd.operations].count(True) <= 2
    assert crowd.pulls.opened == 1


def test_an_open_pull_request_is_joined_by_no_other_object(world: World) -> None:
    """People may have read it: what comes later waits for the budget, and shares with its like."""
    crowd = elsewhere(world, names=("cart",), guards={"max_open_pull_requests": 1})
    crowd.run()
    before = proposed(crowd)

    crowd = elsewhere(crowd, names=THREE)
    crowd.run(later=MINUTE)

    assert proposed(crowd) == before
    assert [len(operation.targets) for operation in crowd.operations] == [1, 2]
    assert crowd.pulls.opened == 1


def test_a_close_is_a_no_to_each(world: World) -> None:
    """Invariant 7: none of them is proposed again alone."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    crowd.run()
    crowd.pulls.close()
    crowd.guards["max_open_pull_requests"] = 20

    crowd.run(later=MINUTE)
    report = crowd.run(later=MINUTE)

    assert [operation.outcome for operation in crowd.operations] == [Outcome.REJECTED]
    assert [held.code for held in report.held] == ["rejected_before"] * 3
    assert crowd.pulls.opened == 1


def test_what_cannot_go_together_goes_alone(world: World) -> None:
    """The whole is refused; then each is tried alone, and is not put together again."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1, "max_changed_lines": 2})
    crowd.run()
    assert [(o.outcome, o.escalated) for o in crowd.operations] == [(Outcome.REFUSED, False)]

    crowd.run(later=MINUTE)

    assert [len(operation.targets) for operation in crowd.operations] == [3, 1, 1, 1]
    assert len(proposed(crowd)) == 1
    crowd.guards["max_open_pull_requests"] = 20
    crowd.run(later=MINUTE)
    assert crowd.pulls.opened == 3


def test_so_many_objects_share_one_at_most(world: World) -> None:
    """The rest waits for the budget in an operation of its own."""
    guards = {"max_open_pull_requests": 1, "max_objects_per_pull_request": 2}
    crowd = elsewhere(world, names=THREE, guards=guards)
    crowd.run(effects_at_once=1)  # in their order

    assert [len(operation.targets) for operation in crowd.operations] == [2, 1]
    assert sorted(proposed(crowd)) == ["cart", "shop"]


def test_a_limit_of_one_object_switches_sharing_off(world: World) -> None:
    """Then what is over the budget waits."""
    guards = {"max_open_pull_requests": 1, "max_objects_per_pull_request": 1}
    crowd = elsewhere(world, names=THREE, guards=guards)
    crowd.run()

    assert [len(operation.targets) for operation in crowd.operations] == [1, 1, 1]
    assert crowd.pulls.opened == 1


def test_a_plan_shows_what_would_be_shared(world: World) -> None:
    """Three findings, one pull request with three files, three restarts; nothing is opened."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    plan = crowd.plan()

    (planned,) = plan.remedies
    (proposal,) = [action.proposal for action in planned.actions if action.proposal]
    assert [edit.path for edit in proposal.edits] == [f"deploy/{name}.yaml" for name in THREE]
    assert [target.name for target in proposal.targets] == list(THREE)
    assert crowd.pulls.opened == 0


def test_a_plan_shows_what_a_planned_operation_would_take_in(world: World) -> None:
    """What it did already is not shown again."""
    crowd = elsewhere(world, names=("cart",), guards={"max_open_pull_requests": 0})
    crowd.run()
    crowd = elsewhere(crowd, names=THREE)

    (planned,) = crowd.plan().remedies

    shown = [(action.action.target.name, action.action.action_class.value) for action in planned.actions]
    both = [("shop", "imperative"), ("shop", "declarative"), ("web", "imperative"), ("web", "declarative")]
    assert shown == [("cart", "declarative"), *both]
    assert crowd.restarts == ["cart"]


def test_after_a_crash_the_shared_pull_request_is_adopted(world: World) -> None:
    """Invariant 1: the ledger ends with the announced proposal; nothing is opened twice."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    crowd.run()
    texts, events = proposed(crowd), crowd.events
    announced = next(n for n, e in enumerate(events) if "branch" in (e.data.get("data") or {}))
    (crowd.shop.folder / "ledger.db").unlink()
    crowd.say(*(Draft(operation=e.operation, kind=e.kind, data=e.data) for e in events[: announced + 1]))

    crowd.run(later=MINUTE)

    (operation,) = crowd.operations
    assert (crowd.pulls.opened, len(crowd.pulls.found)) == (1, 1)
    assert proposed(crowd) == texts
    assert operation.pull_request is not None
    assert operation.pull_request.number == 1
    assert len(operation.targets) == len(THREE)


def test_with_a_lost_ledger_a_pull_request_tells_what_it_holds(world: World) -> None:
    """Where the budgets leave one for each by then, what was shared is of its first object: title and body say so."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    crowd.run()
    (crowd.shop.folder / "ledger.db").unlink()
    crowd.guards["max_open_pull_requests"] = 20

    crowd.run(later=MINUTE, effects_at_once=1)  # in their order
    crowd.run(later=MINUTE)

    titles = {pull["number"]: pull["title"] for pull in crowd.pulls.found}
    assert [sorted(proposed(crowd, number)) for number in sorted(titles)] == [[name] for name in THREE]
    assert [titles[number].partition(":")[0] for number in sorted(titles)] == list(THREE)
    assert "3 objects" not in crowd.pulls.found[-1]["body"]


def test_with_a_lost_ledger_a_pull_request_on_hold_is_left_alone(world: World) -> None:
    """Invariant 7: nothing is pushed under a label that says so, whatever we know."""
    crowd = elsewhere(world, names=THREE, guards={"max_open_pull_requests": 1})
    crowd.run()
    (crowd.shop.folder / "ledger.db").unlink()
    crowd.guards["max_open_pull_requests"] = 20
    crowd.pulls.found[0]["labels"] = [{"id": 1, "name": "hold"}]

    report = crowd.run(later=MINUTE)

    assert sorted(proposed(crowd, 1)) == list(THREE)
    assert any("pull request 1 is on hold by its label hold" in problem for problem in report.problems)
