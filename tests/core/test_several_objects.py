"""One remedy of several objects: each keeps its own restart, guards and checks, and all share one end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.decide.past import attempts_on, held_by_past, refused_together
from reconciler.decide.revert import revert_of
from reconciler.decide.together import together
from reconciler.govern.facts import facts_for
from reconciler.govern.guards import failures_in_row, writes
from reconciler.model.action import ActionName, Remedy
from reconciler.model.check import CheckStatus
from reconciler.model.cluster import Alert
from reconciler.model.codec import decode, encode
from reconciler.model.finding import Evidence, Severity
from reconciler.model.operation import EventKind, Operation, Outcome, Phase, TrackedPullRequest
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import Inspection
from reconciler.model.snapshot import Followed
from reconciler.model.verdict import Answer, gravest
from reconciler.settings import GuardSettings, VerifySettings
from reconciler.steps import next_steps
from reconciler.verify import checks, speaks_of_trouble
from tests.core.views import drafts, effects, ending, pull_request, settled, view, waits
from tests.groups import FIELDS, FOUND, NAMES, TARGETS, deployment, finding, ref, remedy, trio, world
from tests.pairs import WITH_PROXY, both, proxy_finding, proxy_remedy
from tests.worlds import NOW, Story, oom_remedy, settings, tracked

K = EventKind
RAISED = ("1Gi", "1Gi", "1Gi")


def test_objects_stand_one_after_the_other_and_keep_their_places() -> None:
    """Each with its restart and its change; a finding that joins later moves no action."""
    made = together([oom_remedy(), remedy("mail"), proxy_remedy()])

    restart, change = ActionName.RESTART_DEPLOYMENT, ActionName.SET_MEMORY
    assert [(action.name, action.target.name) for action in made.actions] == [
        (restart, "webapp"),
        (change, "webapp"),
        (restart, "mail"),
        (change, "mail"),
    ]
    assert (made.leading, list(made.declaratives), made.imperatives) == (1, [1, 3], (0, 2))
    assert [len(action.changes) for action in made.declaratives.values()] == [2, 1]
    assert made.finding.summary == (
        "webapp: container web is OOMKilled at its memory limit 512Mi; "
        "container proxy is OOMKilled at its memory limit 64Mi; "
        "mail: container web is OOMKilled at its memory limit 512Mi"
    )
    assert [finding.container for finding in made.findings_on(TARGETS[0])] == ["web", "proxy"]
    assert together([together([oom_remedy(), remedy("mail")]), proxy_remedy()]) == made


def test_the_ledger_keeps_it_and_its_values_in_one_order() -> None:
    """All fields, object by object; an event of one object alone reads as before."""
    operation = Story(trio()).operation

    assert decode(Remedy, encode(trio())) == trio()
    assert [(target, change.path) for target, change in trio().fields] == FIELDS
    assert operation.expected == operation.written == RAISED
    assert Story().operation.expected == ("1Gi",)


def test_a_pull_request_of_an_older_ledger_names_one_file_for_its_object() -> None:
    """It knew one object each, and said so nowhere."""
    written = encode(tracked())
    for site in written["located"]["sites"]:
        del site["target"]
    read = decode(TrackedPullRequest, written)

    assert read == tracked()
    assert read.located.path_of(TARGETS[0]) == "apps/webapp.yaml"


def test_a_planned_operation_goes_on_as_another_remedy() -> None:
    """Before it has a pull request it may stand for more; nothing was written yet."""
    operation = Story(remedy("webapp")).add(K.REMEDY_REVISED, remedy=encode(trio()), before="").operation

    assert operation.phase is Phase.DECIDED
    assert (operation.remedy, operation.expected, operation.written) == (trio(), RAISED, RAISED)


def test_what_a_pull_request_holds_is_known_object_by_object() -> None:
    """One more finding of the first object comes between; what was written of the second is still known."""
    first = together([oom_remedy(), remedy("mail")])
    further = together([oom_remedy(), remedy("mail"), proxy_remedy()])
    operation = Story(first).pull_request_opened().add(K.REMEDY_REVISED, remedy=encode(further), before="").operation

    assert operation.expected == ("1Gi", "128Mi", "1Gi")
    assert operation.written == ("1Gi", "64Mi", "1Gi")


# Verdicts and effects


def proposing(story: Story, **changes: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401 - any field of a view
    """Return what is done and what is waited for."""
    steps = settled(story, **{"snapshot": world(*NAMES), "findings": FOUND} | changes)
    return effects(*steps), waits(*steps)


def test_each_is_restarted_and_one_proposal_carries_all() -> None:
    """The first declarative action stands for all of them."""
    assert proposing(Story(trio()))[0] == ["op-1:0:run", "op-1:2:run", "op-1:4:run", "op-1:1:propose"]


def test_only_what_is_in_trouble_is_restarted() -> None:
    """A restart would disturb what has recovered, although the others have not."""
    found = {finding("mail").fingerprint: finding("mail")}

    assert proposing(Story(trio()), findings=found)[0] == ["op-1:2:run", "op-1:1:propose"]


def test_the_gravest_verdict_is_the_one_on_all() -> None:
    """One that is paused holds the pull request back; the others are restarted all the same."""
    paused = {target: deployment(target.name) for target in TARGETS}
    paused[ref("mail")] = deployment("mail", flags=frozenset({"paused"}))
    done, waited = proposing(Story(trio()), snapshot=world(*NAMES, workloads=paused))

    assert done == ["op-1:0:run", "op-1:4:run"]
    assert any("paused by an annotation" in reason for reason in waited)


def test_one_that_is_refused_ends_the_whole() -> None:
    """And each is tried alone afterwards, until another value is proposed."""
    gone = {target: deployment(target.name) for target in TARGETS if target.name != "mail"}
    story = Story(trio())
    for key in ("op-1:0:run", "op-1:4:run"):
        story.add(K.EFFECT_INTENDED, key=key, verb="run").add(K.EFFECT_COMPLETED, key=key, verb="run")

    settled(story, snapshot=world(*NAMES, workloads=gone), findings=FOUND)

    assert (story.operation.outcome, story.operation.outcome_reason) == (
        Outcome.REFUSED,
        "Deployment production/mail is gone [target.changed]",
    )
    assert refused_together(remedy("shop"), [story.operation])
    assert not refused_together(raised("shop", "2Gi"), [story.operation])
    assert not refused_together(oom_remedy(), [_refused(oom_remedy())])
    assert refused_together(oom_remedy(), [_refused(both())])
    assert attempts_on(trio().fingerprints, [story.operation], NOW) == []
    assert held_by_past(remedy("shop"), [story.operation], GuardSettings(), NOW) is None


def test_gravest_orders_answers_and_waits() -> None:
    """Refuse over ask over wait over go; of waits the longest."""
    operation = Story(trio()).operation
    given = {a: replace(view(operation, snapshot=world()).judge(operation, 1), answer=a) for a in Answer}
    later = replace(given[Answer.WAIT], until=NOW)

    assert gravest(given.values()).answer is Answer.REFUSE
    assert gravest([given[Answer.GO], given[Answer.WAIT], given[Answer.AWAIT_APPROVAL]]).answer is Answer.AWAIT_APPROVAL
    assert gravest([later, given[Answer.WAIT], given[Answer.GO]]) is later


def test_policy_is_told_of_each_object_what_is_its_own() -> None:
    """Severity, attempts and failures are not mixed up with those of a neighbour."""
    grave = replace(remedy("mail"), finding=replace(finding("mail"), severity=Severity.CRITICAL))
    operation = Story(together([remedy("webapp"), grave])).operation
    told = [
        facts_for(action, index, operation, world(), (operation,), settings(), NOW)
        for index, action in operation.remedy.declaratives.items()
    ]

    assert [facts["target"]["name"] for facts in told] == ["webapp", "mail"]
    assert [facts["evidence"]["severity"] for facts in told] == ["high", "critical"]


def test_a_failure_counts_for_each_of_its_objects() -> None:
    """A pull request is written for all; a restart is of one."""
    story = Story(trio())
    story.add(K.EFFECT_FAILED, key="op-1:1:propose", verb="propose", error="HTTP 500")
    story.add(K.EFFECT_FAILED, key="op-1:2:run", verb="run", error="HTTP 500")
    history = [story.operation]

    counted = [len(failures_in_row(target, history, list(writes(history)))) for target in TARGETS]
    assert counted == [1, 2, 1]


def _refused(wanted: Remedy) -> Operation:
    return Story(wanted).add(K.OPERATION_CLOSED, outcome=Outcome.REFUSED, reason="because").operation


def raised(name: str, value: str) -> Remedy:
    """Return the remedy with another value."""
    restart, change = remedy(name).actions
    changes = (replace(change.changes[0], after=value),)
    return replace(remedy(name), actions=(restart, replace(change, changes=changes)))


# Merge, checks, revert


@pytest.mark.parametrize(
    ("at_merge", "modified", "outcome"),
    [
        (("1Gi", "1Gi", "1Gi"), False, None),
        (("1Gi", "512Mi", "2Gi"), True, None),
        (("512Mi", "512Mi", "512Mi"), True, Outcome.SUPERSEDED),
    ],
)
def test_a_merge_is_read_field_by_field(at_merge: tuple[str, ...], modified: bool, outcome: Outcome | None) -> None:  # noqa: FBT001
    """Invariant 7: a reviewer may change one object's value, or take it out; with none left the change is lost."""
    operation = Story(trio()).pull_request_opened().operation
    followed = Followed(pull_request=pull_request(PullRequestState.MERGED), values_at_merge=at_merge)
    steps = next_steps(operation, view(operation, snapshot=world(*NAMES, followed={"op-1": followed}), findings=FOUND))

    (merged,) = [draft for draft in drafts(*steps) if draft.kind is K.PULL_REQUEST_MERGED]
    assert (tuple(merged.data["expected"]), merged.data["modified_by_reviewer"]) == (at_merge, modified)
    end = ending(*steps)
    assert (end and end[0]) == outcome


def live(*expected: str) -> Operation:
    """Return the operation of all three, live with these values."""
    story = Story(trio()).pull_request_opened()
    story.add(K.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=list(expected))
    return story.add(K.CHANGE_LIVE, revision="a" * 40, values=list(expected)).operation


def test_each_object_is_checked_by_name() -> None:
    """Field, pods and trouble of each; what is wrong with one says which one."""
    fields = {**dict.fromkeys(FIELDS, "1Gi"), FIELDS[2]: "512Mi"}
    unready = {target: deployment(target.name) for target in TARGETS}
    unready[ref("mail")] = deployment("mail", ready=1)
    found = {
        finding("mail").fingerprint: replace(finding("mail"), evidence=(replace(finding("mail").evidence[0], at=NOW),))
    }
    made = checks(live(*RAISED), world(fields=fields, workloads=unready), found, VerifySettings())

    wrong = {check.name: speaks_of_trouble(check) for check in made if check.status is not CheckStatus.PASSED}
    assert wrong == {
        "spec.template.spec.containers[name=web].resources.limits.memory Deployment production/shop": False,
        "pods_ready Deployment production/mail": True,
        "finding_gone web Deployment production/mail": True,
    }
    assert len(made) == 9


def test_an_object_that_a_reviewer_took_out_promised_nothing() -> None:
    """Its trouble is no failure of what was merged."""
    made = checks(live("1Gi", "512Mi", "1Gi"), world(), FOUND, VerifySettings())

    assert {check.name for check in made if check.name.startswith("finding_gone")} == {
        "finding_gone web Deployment production/webapp",
        "finding_gone web Deployment production/shop",
    }


def test_an_object_that_a_reviewer_took_out_condemns_nothing() -> None:
    """Its pods and its alert stay as bad as they were; the others are judged by their own facts alone."""
    said = {"alert": "Burns", "fingerprint": "f1"}
    alerted = Evidence(at=NOW, source="alertmanager", text="it burns", values=said)
    mine = replace(remedy("mail"), finding=replace(finding("mail"), evidence=(*finding("mail").evidence, alerted)))
    story = Story(together([remedy("webapp"), mine, remedy("shop")])).pull_request_opened()
    story.add(K.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=["1Gi", "512Mi", "1Gi"])
    operation = story.add(K.CHANGE_LIVE, revision="a" * 40, values=["1Gi", "512Mi", "1Gi"]).operation
    workloads = {target: deployment(target.name) for target in TARGETS} | {ref("mail"): deployment("mail", ready=1)}
    alerts = (Alert(name="Burns", fingerprint="f1", starts_at=NOW, labels={}),)
    late = NOW + timedelta(days=1)

    made = checks(operation, world(workloads=workloads, alerts=alerts, taken_at=late), {}, VerifySettings())

    assert not [check.name for check in made if speaks_of_trouble(check) and check.status is not CheckStatus.PASSED]


def test_what_a_reviewer_took_out_is_not_proposed_again_at_once() -> None:
    """Invariant 7: it is a no to this one alone, for as long as a close is; another value is another proposal."""
    merged = replace(live("1Gi", "512Mi", "1Gi"), phase=Phase.CLOSED, outcome=Outcome.VERIFIED, closed_at=NOW)
    guards = settings().guards

    held = held_by_past(remedy("mail"), [merged], guards, NOW)

    assert held is not None
    assert (held.code, held.until) == ("rejected_before", NOW + guards.rejection_stands)
    assert "was left out of what was merged" in held.reason
    assert held_by_past(remedy("shop"), [merged], guards, NOW) is None
    assert held_by_past(raised("mail", "2Gi"), [merged], guards, NOW) is None
    assert held_by_past(remedy("mail"), [replace(merged, retried=True)], guards, NOW) is None


def test_a_revert_takes_all_of_it_back_but_what_a_reviewer_took_out() -> None:
    """One operation, an action an object; each finding is spoken for."""
    revert = revert_of(live("1Gi", "512Mi", "2Gi"))

    assert isinstance(revert, Remedy)
    assert [action.target.name for action in revert.actions] == ["webapp", "shop"]
    assert [(c.before, c.after) for _, c in revert.fields] == [("1Gi", "512Mi"), ("2Gi", "512Mi")]
    assert revert.fingerprints == {finding("webapp").fingerprint, finding("shop").fingerprint}
    assert Story(revert).operation.expected == ("512Mi", "512Mi")


def test_several_findings_of_one_object_stay_as_they_were() -> None:
    """Its checks carry no object's name, and its revert is one action."""
    revert = revert_of(replace(Story(both()).operation, expected=("1Gi", "128Mi")))

    assert isinstance(revert, Remedy)
    assert len(revert.actions) == 1


def test_one_finding_more_of_one_of_its_objects_is_taken_in() -> None:
    """The same pull request, written anew; nothing of an object that is not in it yet."""
    operation = Story(together([oom_remedy(), remedy("mail")])).pull_request_opened().operation
    seen = Inspection(head=tracked().head, updated_at=None, reviews=(), foreign=None, values=None)
    followed = Followed(
        pull_request=pull_request(), values_at_base=("512Mi", "512Mi"), inspection=seen, base_moved=False
    )
    workloads = {target: deployment(target.name) for target in TARGETS} | {TARGETS[0]: WITH_PROXY}
    later = NOW.replace(year=NOW.year + 1)
    there = world(followed={"op-1": followed}, workloads=workloads, taken_at=later)
    found = FOUND | {proxy_finding().fingerprint: proxy_finding()}
    steps = next_steps(operation, view(operation, now=later, snapshot=there, findings=found))

    (revised,) = [decode(Remedy, d.data["remedy"]) for d in drafts(*steps) if d.kind is K.REMEDY_REVISED]
    assert revised.actions == together([oom_remedy(), remedy("mail"), proxy_remedy()]).actions
