"""What a pass did and what a plan would do, as people read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import FileEdit, Proposal
from reconciler.model.report import Held, PassReport, Plan, PlannedAction, PlannedRemedy
from reconciler.model.verdict import Answer, GuardAnswer, Route
from reconciler.report.passes import pass_blocks, plan_blocks
from reconciler.report.written import written
from tests.cli.desk import restart_verdict
from tests.worlds import NOW, WEBAPP, oom_finding, oom_remedy, tracked

MANIFEST = "resources:\n  limits:\n    memory: 512Mi\nenv:\n  - name: KEY\n    value: hunter2\n"


def proposal() -> Proposal:
    """Return the proposal of webapp's new limit."""
    action = oom_remedy().actions[1]
    return Proposal(
        identity="i",
        digest="d",
        branch="reconciler/production-webapp-12345678",
        base="main",
        base_commit=CommitId("b" * 40),
        targets=(WEBAPP,),
        located=tracked().located,
        changes=action.changes,
        edits=(FileEdit(path="apps/webapp.yaml", before=MANIFEST, after=MANIFEST.replace("512Mi", "1Gi")),),
        title="webapp: memory limit 512Mi → 1Gi after an OOM kill",
        body="",
        message="",
    )


def plan() -> Plan:
    """Return a plan whose restart must be approved and whose pull request may be opened."""
    brake = GuardAnswer(name="cooldown", passed=False, message="rests until 12:05")
    restart = replace(restart_verdict(), guards=(brake,))
    propose = replace(restart, answer=Answer.GO, route=Route.PULL_REQUEST, code="ok", message="Git owns it", guards=())
    remedy = oom_remedy()
    actions = (
        PlannedAction(action=remedy.actions[0], verdict=restart),
        PlannedAction(action=remedy.actions[1], verdict=propose, proposal=proposal()),
    )
    return Plan(
        taken_at=NOW,
        findings=(oom_finding(),),
        remedies=(PlannedRemedy(remedy=remedy, actions=actions),),
        held=(Held(finding=oom_finding(), code="rejected_before", reason="ana closed it", until=NOW),),
        unknown=(Unknown("prometheus", "HTTP 500"),),
    )


def report() -> PassReport:
    """Return a pass in which something was done, something failed, and somebody is waited for."""
    return PassReport(
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        sentence="opened pull request 41",
        lines=("opened pull request 41: webapp\x1b[2J",),
        waiting=(("op-1", "a person merges pull request 41"),),
        findings=(oom_finding(),),
        held=(Held(finding=oom_finding(), code="known", reason="op-1 is on it", operation="op-1"),),
        operations=(),
        unknown=(
            Unknown("kubernetes", "list pods: no", "grant it"),
            Unknown("alertmanager", "timed out"),
            Unknown("kubernetes", "list nodes: no", "grant it"),
        ),
        problems=("op-2: run failed: HTTP 500",),
    )


def test_a_plan_reads_from_finding_to_diff() -> None:
    """The whole text, as programs and files get it."""
    text = "\n".join(written(plan_blocks(plan())))

    assert text == (
        "Deployment production/webapp  webapp: container web is OOMKilled at its memory limit 512Mi\n"
        "  2026-03-01 11:59:00  kubernetes: OOMKilled at 512Mi, exit code 137\n"
        "  A restart clears the crash back-off now; the limit 512Mi was reached, so 1Gi is proposed for good.\n"
        "  would ask  restart Deployment production/webapp  (imperative, low risk)\n"
        "    in production a person approves a restart [policy.manual]\n"
        "    remedy: run `reconciler approve ID`\n"
        "    guard cooldown: rests until 12:05\n"
        "  would do  webapp: memory limit 512Mi → 1Gi  (declarative, medium risk)\n"
        "    Git owns it [ok]\n"
        "    pull request: webapp: memory limit 512Mi → 1Gi after an OOM kill\n"
        "    branch reconciler/production-webapp-12345678 into main\n"
        "\n"
        "--- a/apps/webapp.yaml\n"
        "+++ b/apps/webapp.yaml\n"
        "@@ -1,6 +1,6 @@\n"
        " resources:\n"
        "   limits:\n"
        "-    memory: 512Mi\n"
        "+    memory: 1Gi\n"
        " env:\n"
        "   - name: KEY\n"
        "     value: ***\n"
        "\n"
        "held     webapp: container web is OOMKilled at its memory limit 512Mi: ana closed it, "
        "until 2026-03-01 12:00:00 UTC [rejected_before]\n"
        "unknown  prometheus: HTTP 500; nothing was done on what it would have told\n"
        "1 finding; 1 pull request and no direct actions would follow; nothing was touched"
    )


def test_a_pass_says_done_failed_waiting_and_unknown_in_this_order() -> None:
    """What a person looks for first stands first."""
    lines = list(written(pass_blocks(report())))

    assert lines == [
        "done     opened pull request 41: webapp�[2J",
        "failed   op-2: run failed: HTTP 500",
        "waits    op-1: a person merges pull request 41",
        "unknown  kubernetes: list pods: no; nothing was done on what it would have told",
        "unknown  alertmanager: timed out; nothing was done on what it would have told",
        "unknown  kubernetes: list nodes: no; nothing was done on what it would have told",
        "         remedy: grant it",
    ]
