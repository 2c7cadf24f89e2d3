"""What goes into the ledger comes out of it: every model value survives encoding, JSON and decoding."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.action import Action, BlastRadius, FieldChange, Remedy
from reconciler.model.check import Check, CheckStatus
from reconciler.model.codec import decode, encode
from reconciler.model.finding import Evidence, Finding
from reconciler.model.objects import CommitId, Inner, Item, ObjectRef
from reconciler.model.operation import TrackedPullRequest
from reconciler.model.proposal import Located
from reconciler.model.verdict import GuardAnswer, Verdict
from reconciler.ports import ApplyReport
from tests.thorough import examples
from tests.worlds import NOW, oom_remedy, tracked

# Compared with the default, fewer examples: each one is a whole tree of values.
few = settings(max_examples=examples(25))

TIMES = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
REFS = st.builds(ObjectRef, cluster=TEXTS, group=TEXTS, kind=TEXTS, namespace=TEXTS, name=TEXTS)
PATHS = st.lists(TEXTS | st.builds(Item, TEXTS, TEXTS) | st.builds(Inner, TEXTS), max_size=3).map(tuple)
CHANGES = st.builds(FieldChange, path=PATHS, before=st.none() | TEXTS, after=st.none() | TEXTS)
EVIDENCE = st.builds(Evidence, source=TEXTS, at=TIMES, text=TEXTS, values=st.dictionaries(TEXTS, SCALARS, max_size=3))
FINDINGS = st.builds(Finding, target=REFS, evidence=st.lists(EVIDENCE, max_size=2).map(tuple))
COUNTS = st.integers(min_value=0, max_value=10**6)
ACTIONS = st.builds(
    Action,
    target=REFS,
    changes=st.lists(CHANGES, max_size=2).map(tuple),
    destructive=st.booleans(),
    reversible=st.booleans(),
    blast_radius=st.builds(BlastRadius, pods=COUNTS, workloads=COUNTS, nodes=COUNTS),
)
REMEDIES = st.builds(
    Remedy, finding=FINDINGS, actions=st.lists(ACTIONS, max_size=2).map(tuple), parent=st.none() | TEXTS
)
GUARDS = st.builds(GuardAnswer, until=st.none() | TIMES)
NAMES = st.lists(TEXTS, max_size=2).map(tuple)
VERDICTS = st.builds(
    Verdict,
    guards=st.lists(GUARDS, max_size=2).map(tuple),
    approvers=NAMES,
    min_approvers=COUNTS,
    until=st.none() | TIMES,
    degraded=st.booleans(),
)
COMMITS = st.from_regex(r"[0-9a-f]{40}", fullmatch=True).map(CommitId)
PULL_REQUESTS = st.builds(
    TrackedPullRequest,
    head=COMMITS,
    located=st.builds(Located, application=REFS),
    opened_at=TIMES,
    merge_commit=st.none() | COMMITS,
    merged_by=st.none() | TEXTS,
    merged_at=st.none() | TIMES,
    modified_by_reviewer=st.booleans(),
    closed_by=st.none() | TEXTS,
)
LEDGER_VALUES = (
    REMEDIES
    | VERDICTS
    | PULL_REQUESTS
    | st.builds(Check)
    | st.builds(ApplyReport, changed=st.booleans(), conflicts=NAMES)
)


def written(value: object) -> str:
    """Write a value as the ledger would."""
    return json.dumps(encode(value), sort_keys=True, allow_nan=False)


def through_the_ledger(value: Any) -> Any:  # noqa: ANN401 - any model value
    """Encode, write as JSON, read, decode."""
    return decode(type(value), json.loads(written(value)))


@few
@given(value=LEDGER_VALUES)
def test_every_value_survives_its_way_through_the_ledger(value: object) -> None:
    """Nothing is lost, nothing changes its type on the way."""
    again = through_the_ledger(value)

    assert again == value
    assert written(again) == written(value)  # equality would take 1 for True


@few
@given(remedy=REMEDIES.filter(lambda r: r.actions))
def test_identities_survive_the_ledger(remedy: Remedy) -> None:
    """Invariant 6: fingerprint and digest are the same before and after a restart of the program."""
    again = through_the_ledger(remedy)

    assert (again.finding.fingerprint, again.digest) == (remedy.finding.fingerprint, remedy.digest)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "true", None, 0, 0.5, "", 2**70, "2026-03-01T12:00:00Z"])
def test_figure_of_evidence_keeps_its_type(value: float | str | None) -> None:
    """A number that looks like a truth value, or a text that looks like a number, stays what it was."""
    made = Evidence(source="s", at=NOW, text="t", values={"x": value})
    again = through_the_ledger(made).values["x"]

    assert (type(again), again) == (type(value), value)


def test_time_of_another_zone_stays_the_same_moment() -> None:
    """Servers answer in their own zones."""
    elsewhere = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    again = through_the_ledger(Evidence(source="s", at=elsewhere, text="t"))

    assert again.at == NOW


def test_what_is_encoded_is_plain_json() -> None:
    """Enumerations, times and list items are texts and objects, readable without this program."""
    data = encode(oom_remedy())

    assert data["actions"][0]["name"] == "restart-deployment"
    assert data["actions"][1]["changes"][0]["path"][4] == {"key": "name", "value": "web"}
    assert data["finding"]["evidence"][0]["at"] == "2026-03-01T11:59:00Z"
    assert type(encode(Check(name="n", expected="e", actual="a", status=CheckStatus.PASSED))["status"]) is str


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {**encode(tracked()), "number": "forty-one"},
        {k: v for k, v in encode(tracked()).items() if k != "head"},
        {**encode(tracked()), "opened_at": "yesterday"},
        "text",
        None,
    ],
    ids=["empty", "wrong type", "missing", "no time", "text", "null"],
)
def test_data_that_does_not_fit_is_a_value_error(broken: object) -> None:
    """A ledger of another release or another hand is refused, never guessed at."""
    with pytest.raises(ValueError, match="TrackedPullRequest"):
        decode(TrackedPullRequest, broken)


def test_field_of_a_newer_release_with_a_default_may_be_missing() -> None:
    """An older ledger stays readable when a value has grown."""
    old = {k: v for k, v in encode(tracked()).items() if k not in {"closed_by", "modified_by_reviewer"}}

    assert decode(TrackedPullRequest, old) == tracked()
