"""Alerts become pending, fire and resolve as Prometheus' do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.sandbox.monitoring import rules
from reconciler.sandbox.monitoring.alertmanager import fingerprint
from reconciler.sandbox.monitoring.templates import Template
from reconciler.sandbox.timing import Timing
from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.monitoring.worlds import World, crashed, pod, runs

if TYPE_CHECKING:
    from pathlib import Path


def firing(world: World) -> dict[str, dict[str, Any]]:
    """Return Alertmanager's alerts by name."""
    return {alert["labels"]["alertname"]: alert for alert in world.alertmanager("/api/v2/alerts")}


def states(world: World) -> dict[str, str]:
    """Return Prometheus' alerts by name, with their states."""
    return {alert["labels"]["alertname"]: alert["state"] for alert in world.prometheus("/api/v1/alerts")["alerts"]}


def crash(world: World) -> None:
    """Let a new pod run and be OOM-killed shortly before the look at the rules at ten seconds."""
    world.create(pod())
    world.change("Pod", "web-1", runs(world))
    world.advance(9.5)
    world.change("Pod", "web-1", crashed(1))
    world.advance(0.5)


def test_an_oom_kill_fires_at_the_next_look_and_names_pod_and_container() -> None:
    """Its rule waits for nothing."""
    world = World()
    crash(world)

    alert = firing(world)["KubePodOOMKilled"]
    assert alert["labels"]["pod"] == "web-1"
    assert alert["labels"]["container"] == "web"
    assert alert["labels"]["severity"] == "warning"
    assert alert["annotations"]["description"].startswith("Container web of pod production/web-1 was OOM-killed")
    assert alert["startsAt"] == "2026-01-05T09:00:10.000Z"
    assert alert["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}
    assert alert["fingerprint"] == fingerprint(alert["labels"])


def test_a_rule_that_waits_is_pending_first() -> None:
    """Three seconds of crash loop here, five of not being ready."""
    world = World()
    crash(world)
    world.advance(2)

    assert states(world) == {
        "KubePodOOMKilled": "firing",
        "KubePodCrashLooping": "pending",
        "KubePodNotReady": "pending",
    }
    world.advance(1)
    assert states(world)["KubePodCrashLooping"] == "firing"
    world.advance(2)
    assert set(firing(world)) == {"KubePodOOMKilled", "KubePodCrashLooping", "KubePodNotReady"}


def test_a_pending_alert_whose_cause_goes_never_fires() -> None:
    """And begins anew when it comes back."""
    world = World()
    world.create(pod())
    world.change("Pod", "web-1", runs(world))
    world.advance(10)
    world.change("Pod", "web-1", runs(world, ready=False))
    world.advance(4)
    world.change("Pod", "web-1", runs(world))
    world.advance(2)

    assert states(world) == {}
    world.change("Pod", "web-1", runs(world, ready=False))
    world.advance(4)
    assert states(world) == {"KubePodNotReady": "pending"}


def test_an_alert_resolves_when_its_rule_says_so_and_goes_from_alertmanager_after_a_while() -> None:
    """`Timing.resolve`: two seconds here."""
    world = World()
    crash(world)
    world.advance(6)
    world.change("Pod", "web-1", runs(world, restarts=1))
    world.advance(1)

    assert states(world).keys() == {"KubePodOOMKilled", "KubePodCrashLooping"}
    assert "KubePodNotReady" in firing(world)
    world.advance(2)
    assert "KubePodNotReady" not in firing(world)
    world.advance(20)
    assert (states(world), firing(world)) == ({}, {})


def test_an_alert_stays_while_its_cause_does_and_nothing_is_planned_meanwhile() -> None:
    """Hours of quiet cost nothing, and Alertmanager has still heard of it just now."""
    world = World()
    crash(world)
    world.advance(60)

    assert world.clock.next_due() is None
    world.advance(7200)
    alert = firing(world)["KubePodNotReady"]
    assert alert["startsAt"] == "2026-01-05T09:00:15.000Z"
    assert alert["updatedAt"] == "2026-01-05T11:01:10.000Z"


def test_a_deleted_pod_resolves_its_alerts() -> None:
    """Without a series there is no cause."""
    world = World()
    crash(world)
    world.advance(10)
    world.store.purge("Pod", "production", "web-1")
    world.settle()
    world.advance(30)

    assert (states(world), firing(world)) == ({}, {})


def test_prometheus_tells_its_alerts_as_series() -> None:
    """`ALERTS`, pending and then firing."""
    world = World()
    crash(world)
    world.advance(4)

    assert world.value('ALERTS{alertname="KubePodCrashLooping",alertstate="firing"}') == 1
    assert world.value('ALERTS{alertname="KubePodCrashLooping",alertstate="pending"}') is None
    assert world.value('count_over_time(ALERTS{alertname="KubePodCrashLooping",alertstate="pending"}[1m])') == 3
    assert world.value('ALERTS_FOR_STATE{alertname="KubePodCrashLooping"}') == world.clock.now().timestamp() - 4


def test_rules_are_listed_with_their_states() -> None:
    """Group by group, with what is active."""
    world = World()
    crash(world)

    groups = world.prometheus("/api/v1/rules")["groups"]
    listed = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert [group["name"] for group in groups] == ["kubernetes-apps", "kubernetes-system-kubelet"]
    assert listed["KubePodOOMKilled"]["state"] == "firing"
    assert listed["KubePodCrashLooping"]["duration"] == 3
    assert listed["KubeNodeNotReady"] | {"lastEvaluation": "", "query": ""} == {
        "state": "inactive",
        "name": "KubeNodeNotReady",
        "query": "",
        "duration": 2,
        "keepFiringFor": 0,
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "Node is not ready.",
            "description": "{{ $labels.node }} has been unready for more than 2 seconds.",
        },
        "alerts": [],
        "health": "ok",
        "evaluationTime": 0,
        "lastEvaluation": "",
        "type": "alerting",
    }


def test_at_a_real_pace_the_rules_wait_minutes() -> None:
    """The same file: its seconds become minutes, in the words too."""
    quick, real = (rules.read(rules.RULES, timing) for timing in (Timing.quick(), Timing.real()))

    assert [rule.hold * 60 for rule in quick] == [rule.hold for rule in real]
    assert "[20m]" in real[0].expression
    assert "in the last 20 minutes" in real[0].annotations["description"].text
    assert yaml.safe_load(rules.in_minutes(rules.RULES.read_text()))["groups"][0]["rules"][1]["for"] == "3m"


def test_a_rule_with_what_is_not_here_is_refused_when_it_is_read(tmp_path: Path) -> None:
    """Not when its alert would be due."""
    path = tmp_path / "rules.yaml"
    path.write_text("groups: [{name: g, rules: [{alert: A, expr: up == 0, keep_firing_for: 5m}]}]")

    with pytest.raises(NotInSandbox, match="keep_firing_for"):
        rules.read(path, Timing.quick())


def test_a_template_fills_in_labels_and_value_and_refuses_the_rest() -> None:
    """The subset of Go's templates that kubernetes-mixin uses most."""
    text = Template("{{ $labels.pod }} of {{.Labels.namespace}}{{ $labels.nosuch }}: {{ $value }}")

    assert text.filled({"pod": "web-1", "namespace": "production"}, 1.0) == "web-1 of production: 1"
    assert Template("{{ $value }}").filled({}, 0.25) == "0.25"
    with pytest.raises(NotInSandbox, match="humanize"):
        Template("{{ $value | humanize }}")


class Tireless(World):
    """A world whose rules are looked at in every step, whatever changed."""

    def __init__(self) -> None:
        super().__init__()
        interval = self.monitoring.alerting.interval

        def look() -> None:
            for watch in self.monitoring.alerting._watches:
                watch.settled = False
            self.monitoring.alerting.evaluate(int(self.clock.now().timestamp() * 1000))
            self.clock.call_after(timedelta(milliseconds=interval), look)

        self.clock.call_after(timedelta(0), look)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["run", "crash", "unready", "delete"]), st.integers(1, 48)), max_size=12))
def test_rules_that_are_looked_at_only_when_it_matters_come_out_as_if_always(steps: list[tuple[str, int]]) -> None:
    """Whatever happens to a pod, and whenever."""
    seen: list[list[Any]] = []
    for world in (World(), Tireless()):
        seen.append([])
        restarts = 0
        world.advance(0.125)  # nothing happens at the very moment of a look, where both orders would be right
        for what, wait in steps:
            if world.store.get("Pod", "production", "web-1") is None:
                world.create(pod())
            if what == "crash":
                restarts += 1
                world.change("Pod", "web-1", crashed(restarts))
            elif what == "delete":
                world.store.purge("Pod", "production", "web-1")
                world.settle()
            else:
                world.change("Pod", "web-1", runs(world, restarts=restarts, ready=what == "run"))
            world.advance(wait / 4)
            told = sorted(world.prometheus("/api/v1/alerts")["alerts"], key=str)
            seen[-1] += [told, world.alertmanager("/api/v2/alerts")]

    assert seen[0] == seen[1]
