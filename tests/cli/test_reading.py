"""Status, explain and audit: what the ledger holds, told to people and to programs."""

from __future__ import annotations

import hashlib
import json
import sqlite3

import yaml

from reconciler.model.check import Check, CheckStatus
from reconciler.model.codec import encode
from reconciler.model.operation import EventKind
from tests.cli.desk import Desk, awaiting_approval
from tests.worlds import Story


def test_status_of_an_empty_desk_says_so(desk: Desk) -> None:
    """Reading makes no ledger, and nothing is a sentence rather than an empty table."""
    result = desk.run("status")

    assert result.stdout == "no open operations; `reconciler status --all` shows ended ones\n"
    assert not (desk.folder / "ledger.db").exists()


def test_status_is_a_plain_table_where_nobody_watches(desk: Desk) -> None:
    """One row a line, columns padded, no colours: fit for grep."""
    desk.record(awaiting_approval(), "op-1")
    desk.record(Story().pull_request_opened(), "op-2")

    lines = desk.run("status").stdout.splitlines()

    assert lines[0].split() == ["ID", "TARGET", "PHASE", "WAITS", "FOR", "/", "OUTCOME", "PR", "AGE"]
    assert lines[1].startswith(
        "op-1  Deployment production/webapp  awaiting_approval  an approval of restart-deployment, by"
    )
    assert "awaiting_git_pr    a person merges or closes pull request 41  " in lines[2]
    assert len(lines) == 3


def test_status_gives_the_same_rows_as_json_and_yaml(desk: Desk) -> None:
    """Programs read data, not tables."""
    desk.record(Story().pull_request_opened())

    from_json = json.loads(desk.run("status", "--output", "json").stdout)
    from_yaml = yaml.safe_load(desk.run("status", "-o", "yaml").stdout)

    assert from_json[0]["pull_request_url"] == "http://localhost:3/platform/manifests/pulls/41"
    assert from_json[0]["phase"] == "awaiting_git_pr"
    assert {**from_yaml[0], "age_seconds": 0} == {**from_json[0], "age_seconds": 0}


def test_status_shows_ended_operations_only_when_asked(desk: Desk) -> None:
    """Ended operations are history."""
    desk.record(Story().add(EventKind.OPERATION_CLOSED, outcome="resolved", reason="it recovered"))

    assert "op-1" not in desk.run("status").stdout
    assert "  resolved  it recovered  " in desk.run("status", "--all").stdout


def test_explain_tells_the_story_from_evidence_to_outcome(desk: Desk) -> None:
    """Every section is there, in order, with checks expected against actual."""
    check = Check(name="webapp is ready", expected="3 pods", actual="3 pods", status=CheckStatus.PASSED)
    story = awaiting_approval().live()
    story.add(EventKind.CHECKED, clean=True, checks=[encode(check)])
    story.add(EventKind.OPERATION_CLOSED, outcome="verified", reason="1 check passed")
    desk.record(story)

    text = desk.run("explain", "op").stdout

    headings = ["Evidence", "Actions and verdicts", "Effects", "Pull request", "Checks at", "Timeline (UTC)"]
    places = [text.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)
    assert "await approval by run: in production a person approves a restart [policy.manual]" in text
    assert "completed op-1:0:run: intended 2026-03-01 11:50:04, took 1s" in text
    assert "merged by ana after" in text
    assert "passed   webapp is ready\n           expected 3 pods, found 3 pods" in text
    assert text.splitlines()[-1] == "verified after 11s: 1 check passed"


def test_explain_as_json_holds_operation_and_events(desk: Desk) -> None:
    """The whole story as data."""
    desk.record(Story().live())

    data = json.loads(desk.run("explain", "op-1", "--output", "json").stdout)

    assert data["operation"]["phase"] == "stabilizing"
    assert [e["kind"] for e in data["events"]][-1] == "change_live"


def test_foreign_escape_sequences_never_reach_the_terminal(desk: Desk) -> None:
    """A person's name with an escape sequence and a bidirectional mark shows what it is, in every format."""
    evil = "ana\x1b[2J\x9b31m\u202egnp"
    story = Story().pull_request_opened().add(EventKind.PULL_REQUEST_CLOSED, by=evil)
    desk.record(story)

    for arguments in (["explain", "op-1"], ["explain", "op-1", "-o", "json"], ["explain", "op-1", "-o", "yaml"]):
        shown = desk.run(*arguments).stdout
        assert "ana" in shown
        assert not set(shown) & {"\x1b", "\x9b", "\u202e"}


def test_audit_show_lists_events_in_words(desk: Desk) -> None:
    """One row an event: when, whose, what."""
    desk.record(awaiting_approval().add(EventKind.APPROVAL_GIVEN, action=0, by="ana"))

    lines = desk.run("audit", "show", "--last", "2").stdout.splitlines()

    assert lines[0].split() == ["#", "AT", "(UTC)", "OPERATION", "WHAT", "HASH"]
    assert lines[1].startswith("3  2026-03-01 11:50:03  op-1")
    assert "ana approved restart-deployment" in lines[2]


def test_audit_verify_prints_the_head_to_note(desk: Desk) -> None:
    """A sound chain: its length and its head, which a later verification accepts."""
    desk.record(awaiting_approval())
    head = desk.events()[-1].hash

    assert desk.run("audit", "verify").stdout == f"sound: 3 events, head {head}\n"
    assert desk.run("audit", "verify", "--head", head).exit_code == 0
    assert desk.run("audit", "verify", "--head", "0" * 63 + "1").exit_code == 5


def test_audit_verify_gives_its_judgement_as_data(desk: Desk) -> None:
    """A program reads the head to note, and of a ledger that is not sound the flaws and no head at all."""
    desk.record(awaiting_approval())
    head = desk.events()[-1].hash

    sound = desk.run("audit", "verify", "--output", "json")
    broken = desk.run("audit", "verify", "--head", "0" * 63 + "1", "-o", "yaml")

    assert (sound.exit_code, broken.exit_code) == (0, 5)
    assert json.loads(sound.stdout) == {"sound": True, "events": 3, "head": head, "flaws": []}
    judged = yaml.safe_load(broken.stdout)
    assert {**judged, "flaws": len(judged["flaws"])} == {"sound": False, "events": None, "head": None, "flaws": 1}
    assert judged["flaws"][0]["sequence"] == 0
    assert "[ledger.broken]" in broken.stderr


def test_audit_verify_names_the_altered_event(desk: Desk) -> None:
    """Exit code 5, and which event it was."""
    desk.record(awaiting_approval())
    database = sqlite3.connect(desk.folder / "ledger.db")
    triggers = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("UPDATE events SET data = '{}' WHERE sequence = 2")
    database.commit()
    database.close()

    result = desk.run("audit", "verify")

    assert result.exit_code == 5
    assert "event 2 was altered" in result.stdout
    assert "[ledger.broken]" in result.stderr


def test_audit_export_can_be_verified_without_us(desk: Desk) -> None:
    """Each line carries what its hash covers; the recipe is canonical JSON and SHA-256."""
    desk.record(awaiting_approval())

    lines = [json.loads(line) for line in desk.run("audit", "export").stdout.splitlines()]

    previous = "0" * 64
    for line in lines:
        claimed = line.pop("hash")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == claimed
        assert line["previous"] == previous
        previous = claimed
    assert len(lines) == 3
