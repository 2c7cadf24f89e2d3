"""Several findings of one object: one remedy, whose parts keep their own past, their own end and their own proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.decide.past import attempts_on, held_by_past, under_way
from reconciler.decide.revert import revert_of
from reconciler.decide.together import grouped, together
from reconciler.model.action import ActionName, Remedy
from reconciler.model.check import CheckStatus
from reconciler.model.codec import decode, encode
from reconciler.model.facts import Unknown
from reconciler.model.finding import Finding, Severity
from reconciler.model.operation import EventKind, Operation, Outcome
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import Inspection, Review, ReviewState
from reconciler.model.snapshot import Followed, Snapshot
from reconciler.settings import GuardSettings, VerifySettings
from reconciler.steps import next_steps
from reconciler.steps.joining import taken_up
from reconciler.texts import subject
from reconciler.verify import checks
from tests.core.views import drafts, ending, pull_request, view
from tests.pairs import PROXY_LIMIT, WITH_PROXY, both, proxy_finding, proxy_remedy
from tests.worlds import (
    LIMIT,
    NOW,
    WEBAPP,
    Story,
    application,
    oom_finding,
    oom_remedy,
    settings,
    snapshot,
    tracked,
)

K = EventKind
WEB, PROXY = oom_finding().fingerprint, proxy_finding().fingerprint
FOUND = {WEB: oom_finding(), PROXY: proxy_finding()}


def world(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a world in which webapp has its proxy."""
    return snapshot(**{"workloads": {WEBAPP: WITH_PROXY}} | changes)


def test_one_remedy_has_one_restart_and_the_fields_of_both() -> None:
    """What people read is all that is wrong; what it disturbs is the same object, once."""
    remedy = both()

    assert [action.name for action in remedy.actions] == [ActionName.RESTART_DEPLOYMENT, ActionName.SET_MEMORY]
    assert [change.path for change in remedy.actions[1].changes] == [LIMIT, PROXY_LIMIT]
    assert remedy.actions[1].summary == "webapp: memory limit 512Mi → 1Gi; memory limit 64Mi → 128Mi"
    assert remedy.actions[0].summary == oom_remedy().actions[0].summary
    assert remedy.actions[1].blast_radius == oom_remedy().actions[1].blast_radius
    assert remedy.finding.summary == (
        "webapp: container web is OOMKilled at its memory limit 512Mi; "
        "container proxy is OOMKilled at its memory limit 64Mi"
    )
    assert remedy.finding.severity is Severity.CRITICAL
    assert remedy.finding.evidence == (*oom_finding().evidence, *proxy_finding().evidence)
    assert remedy.fingerprints == {WEB, PROXY}


def test_the_title_names_each_container() -> None:
    """One alone is not named, as before."""
    assert subject(both(), because=False) == (
        "webapp: memory limit of web 512Mi → 1Gi, memory limit of proxy 64Mi → 128Mi"
    )
    assert subject(oom_remedy(), because=False) == "webapp: memory limit 512Mi → 1Gi"


def test_a_remedy_alone_is_itself() -> None:
    """Nothing changes for one finding: same digest, no parts."""
    assert together([oom_remedy()]) == oom_remedy()
    assert oom_remedy().answers == (oom_remedy(),)


def test_the_ledger_keeps_the_parts_and_older_events_have_none() -> None:
    """An event of before this was possible reads as one finding."""
    written = encode(oom_remedy())
    del written["parts"]

    assert decode(Remedy, encode(both())) == both()
    assert decode(Remedy, written) == oom_remedy()


def test_only_what_is_alike_is_put_together() -> None:
    """Another object, another generation of it, or a field with another owner stays apart."""
    other = replace(oom_remedy(), actions=tuple(replace(a, uid="another") for a in oom_remedy().actions))
    ignored = application(ignored_fields=frozenset({"/spec/template/spec/containers/1/resources"}))

    assert grouped([oom_remedy(), other, proxy_remedy()], world()) == [both(), other]
    assert grouped([oom_remedy(), proxy_remedy()], world(applications=(ignored,))) == [oom_remedy(), proxy_remedy()]


def ended(outcome: Outcome, remedy: Remedy) -> Operation:
    """Return an operation that wrote something and ended just now."""
    story = Story(remedy)
    story.add(K.EFFECT_INTENDED, key="op-1:0:run", verb="run")
    story.add(K.EFFECT_COMPLETED, key="op-1:0:run", verb="run")
    story.add(K.OPERATION_CLOSED, outcome=outcome, reason="because")
    return replace(story.operation, closed_at=NOW)


@pytest.mark.parametrize("part", [oom_remedy(), proxy_remedy()])
def test_a_no_to_both_is_a_no_to_each(part: Remedy) -> None:
    """Invariant 7: when one is not seen for a moment, the other is not proposed alone; another value is news."""
    history = (ended(Outcome.REJECTED, both()),)

    held = held_by_past(part, history, GuardSettings(), NOW)

    assert held is not None
    assert held.code == "rejected_before"
    assert held_by_past(proxy_remedy("256Mi"), history, GuardSettings(), NOW) is None


def test_a_no_to_one_is_no_no_to_the_other() -> None:
    """The other one is proposed, alone."""
    history = (ended(Outcome.REJECTED, oom_remedy()),)

    assert held_by_past(oom_remedy(), history, GuardSettings(), NOW) is not None
    assert held_by_past(proxy_remedy(), history, GuardSettings(), NOW) is None


def test_our_own_refusal_of_both_leaves_each_of_them_possible() -> None:
    """One that cannot be located or is not allowed does not take the other one with it."""
    history = (ended(Outcome.REFUSED, both()),)

    assert held_by_past(both(), history, GuardSettings(), NOW) is not None
    assert held_by_past(oom_remedy(), history, GuardSettings(), NOW) is None
    assert held_by_past(proxy_remedy(), history, GuardSettings(), NOW) is None


def test_attempts_count_for_each_finding() -> None:
    """What was tried for both was tried for either."""
    history = (ended(Outcome.VERIFIED, both()),)

    assert [len(attempts_on(frozenset({f}), history, NOW)) for f in (WEB, PROXY, "another")] == [1, 1, 0]


def test_attempts_on_one_finding_do_not_use_up_those_on_another() -> None:
    """Else what joins would hold back an open pull request until tomorrow, with two tries on each of three allowed."""
    tries = [replace(ended(Outcome.VERIFIED, each), id=f"op-{n}") for n, each in enumerate([oom_remedy()] * 2)]
    tries += [replace(ended(Outcome.VERIFIED, proxy_remedy()), id="op-9")]

    assert [o.id for o in attempts_on(both().fingerprints, tries, NOW)] == ["op-0", "op-1"]
    assert held_by_past(both(), tries, GuardSettings(attempts_per_day=3), NOW) is None
    assert held_by_past(both(), tries, GuardSettings(attempts_per_day=2), NOW) is not None


@pytest.mark.parametrize("finding", [oom_finding(), proxy_finding()])
def test_an_open_operation_speaks_for_all_its_findings(finding: Finding) -> None:
    """And so does the revert of it, until it has ended."""
    operation = replace(Story(both()).operation, expected=("1Gi", "128Mi"))
    revert = revert_of(operation)

    assert isinstance(revert, Remedy)
    assert under_way(finding, (operation,)) is not None
    assert under_way(finding, (Story(revert).operation,)) is not None


def test_a_revert_takes_all_fields_back() -> None:
    """From the values that went live, a reviewer's among them."""
    revert = revert_of(replace(Story(both()).operation, expected=("1Gi", "96Mi")))

    assert isinstance(revert, Remedy)
    assert [(c.before, c.after) for c in revert.actions[0].changes] == [("1Gi", "512Mi"), ("96Mi", "64Mi")]
    assert [[c.path for c in part.actions[0].changes] for part in revert.parts] == [[LIMIT], [PROXY_LIMIT]]


def live(expected: list[str]) -> Operation:
    """Return the operation for both, merged with these values and live since long."""
    story = Story(both()).pull_request_opened()
    story.add(K.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=expected)
    return story.add(K.CHANGE_LIVE, revision="a" * 40, values=expected).operation


def checked(operation: Operation, findings: dict[str, Finding]) -> dict[str, CheckStatus]:
    """Return the checks of the findings."""
    made = checks(operation, world(), findings, VerifySettings())
    return {check.name: check.status for check in made if check.name.startswith("finding_gone")}


def test_each_finding_is_proven_gone() -> None:
    """One that is still there fails it, whatever the other one does."""
    operation = live(["1Gi", "128Mi"])

    assert checked(operation, {}) == {
        "finding_gone web": CheckStatus.PASSED,
        "finding_gone proxy": CheckStatus.PASSED,
    }
    assert checked(operation, {PROXY: proxy_finding()})["finding_gone proxy"] is CheckStatus.FAILED


def test_a_part_that_a_reviewer_took_out_promised_nothing() -> None:
    """The proxy's limit was merged as it was, so its trouble is no failure of what was merged."""
    assert checked(live(["1Gi", "64Mi"]), FOUND).keys() == {"finding_gone web"}


def test_the_trouble_is_over_when_all_of_it_is() -> None:
    """Before anything was done: one that is gone does not end what the other one needs."""
    operation = Story(both()).operation

    assert ending(*next_steps(operation, view(operation, findings={PROXY: proxy_finding()}, snapshot=world()))) is None
    gone = ending(*next_steps(operation, view(operation, findings={}, snapshot=world())))
    assert gone is not None
    assert gone[0] is Outcome.RESOLVED


# One that comes later

HEAD = tracked().head
APPROVED = Review(user="ana", state=ReviewState.APPROVED, commit=HEAD, may_write=True)


def seen(*reviews: Review, foreign: str | None = None, **found: Any) -> Followed:  # noqa: ANN401 - of a pull request
    """Return the facts of the pull request for web alone."""
    inspection = Inspection(head=HEAD, updated_at=None, reviews=reviews, foreign=foreign, values=None)
    return Followed(
        pull_request=pull_request(**found), values_at_base=("512Mi",), inspection=inspection, base_moved=False
    )


@pytest.mark.parametrize(
    ("followed", "joins"),
    [
        (seen(), True),
        (seen(replace(APPROVED, state=ReviewState.CHANGES_REQUESTED)), True),
        (seen(replace(APPROVED, may_write=False)), True),
        (seen(APPROVED), False),
        (seen(foreign="ana"), False),
        (seen(labels=("hold",)), False),
        (seen(state=PullRequestState.CLOSED), False),
        (seen(state=PullRequestState.MERGED), False),
        (replace(seen(), inspection=Unknown("forge", "timeout")), True),
        (replace(seen(), pull_request=Unknown("forge", "timeout")), True),
    ],
)
def test_it_joins_while_the_pull_request_is_ours(followed: Followed, joins: bool) -> None:  # noqa: FBT001
    """Invariants 3 and 7: what people touched is left alone, and what is not known is waited for."""
    operation = Story().pull_request_opened().operation
    held = taken_up(proxy_remedy(), (operation,), world(followed={"op-1": followed}), settings())

    assert (held is not None) is joins
    if held is not None:
        assert (held.code, held.reason) == ("joins", "it joins op-1, which is on the same object")


def test_it_does_not_join_what_a_comment_holds() -> None:
    """A hold counts before its label is there, and where it can never be put on."""
    operation = Story().pull_request_opened().operation
    held = world(followed={"op-1": seen()}, on_hold=frozenset({pull_request().number}))

    assert taken_up(proxy_remedy(), (operation,), held, settings()) is None


def test_it_waits_for_one_that_is_about_to_be_proposed_and_not_for_one_that_ended() -> None:
    """The pull request of the first one may come in this very pass."""
    decided, gone = Story().operation, ended(Outcome.VERIFIED, oom_remedy())

    assert taken_up(proxy_remedy(), (decided,), world(), settings()) is not None
    assert taken_up(proxy_remedy(), (gone,), world(), settings()) is None


def revised(followed: Followed, findings: dict[str, Finding] = FOUND) -> Remedy | None:
    """Return the remedy that an open pull request for web alone is revised to, if it is."""
    story = Story().pull_request_opened()
    if WEB not in findings:
        story.add(K.TROUBLE_WATCHED, quiet=True)  # that was written down already, and it is not over for good yet
    operation = story.operation
    later = NOW.replace(year=NOW.year + 1)
    made = world(followed={"op-1": followed}, taken_at=later)
    patient = settings(guards={"quiet_passes": 1, "quiet_period": "1000d"})
    steps = next_steps(operation, view(operation, now=later, findings=findings, snapshot=made, settings=patient))
    (found,) = [d.data["remedy"] for d in drafts(*steps) if d.kind is K.REMEDY_REVISED] or [None]
    return None if found is None else decode(Remedy, found)


def test_what_joins_comes_behind_so_that_the_pull_request_stays_the_same() -> None:
    """The branch is named by the first field."""
    remedy = revised(seen())

    assert remedy is not None
    assert [str(change.path[4]) for change in remedy.actions[1].changes] == [str(LIMIT[4]), str(PROXY_LIMIT[4])]
    assert remedy.fingerprints == {WEB, PROXY}


def test_what_joins_finds_the_first_one_as_it_was_proposed() -> None:
    """Although that trouble is not seen just now."""
    remedy = revised(seen(), {PROXY: proxy_finding()})

    assert remedy is not None
    assert [(c.before, c.after) for c in remedy.actions[1].changes] == [("512Mi", "1Gi"), ("64Mi", "128Mi")]


def test_what_is_approved_is_not_joined() -> None:
    """Invariant 7."""
    assert revised(seen(APPROVED)) is None


def test_a_revision_is_not_taken_for_a_change_of_base() -> None:
    """In the same pass base was read for one field only; that says nothing about the other."""
    story = Story().pull_request_opened().add(K.REMEDY_REVISED, remedy=encode(both()), before="")
    operation = story.operation
    steps = next_steps(operation, view(operation, findings=FOUND, snapshot=world(followed={"op-1": seen()})))

    assert drafts(*steps) == []
    assert ending(*steps) is None


def test_a_merge_before_the_revision_was_written_is_ours() -> None:
    """What joined was not in it: no reviewer changed anything, and the rest is looked at again after it."""
    story = Story().pull_request_opened().add(K.REMEDY_REVISED, remedy=encode(both()), before="")
    operation = story.operation
    followed = Followed(pull_request=pull_request(PullRequestState.MERGED), values_at_merge=("1Gi", "64Mi"))
    steps = next_steps(operation, view(operation, findings=FOUND, snapshot=world(followed={"op-1": followed})))

    (merged,) = [draft for draft in drafts(*steps) if draft.kind is K.PULL_REQUEST_MERGED]
    assert (merged.data["expected"], merged.data["modified_by_reviewer"]) == (["1Gi", "64Mi"], False)
