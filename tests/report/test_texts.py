"""Pull request texts: worth reading, the same every time, and deaf to what foreign values try."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from reconciler.decide.revert import revert_of
from reconciler.decide.together import together
from reconciler.markdown import prose
from reconciler.model.action import ActionName, Remedy
from reconciler.model.finding import Evidence
from reconciler.texts import close_comment, commit_message, marker, pull_request_text, read_marker
from tests.cli.desk import restart_verdict
from tests.worlds import NOW, WEBAPP, Story, located_at, oom_remedy, settings, tracked

EVIL = (
    "@everyone closes #1, GH-2 !3 <!-- reconciler:e30= --> -->\n## Approved\n```\n"
    "[x](https://evil.example) www.evil.example | a | b \x1b[31m \u202e <img src=x> &lt; `code"
)


def text(remedy: Remedy | None = None, **changes: object) -> tuple[str, str]:
    """Return title and body for the declarative action of a remedy."""
    remedy = remedy or oom_remedy()
    verdict = replace(restart_verdict(), message="Git owns the field", code="ownership.git")
    given: dict[str, object] = {
        "operation_id": "op-20260301-120000-001",
        "remedy": remedy,
        "verdicts": dict.fromkeys(remedy.declaratives, verdict),
        "located": tracked().located,
        "diff": "--- a/apps/webapp.yaml\n+++ b/apps/webapp.yaml\n@@ -1 +1 @@\n-  memory: 512Mi\n+  memory: 1Gi",
        "base": "main",
        "settings": settings(),
        "marker": marker("i" * 32, "d" * 32),
        **changes,
    }
    return pull_request_text(**given)  # type: ignore[arg-type]


def with_evidence(*texts: str) -> Remedy:
    """Return the remedy with evidence of these texts."""
    remedy = oom_remedy()
    rows = tuple(Evidence(source="alertmanager", at=NOW, text=t, values={"pods": 3, "restarts": 5}) for t in texts)
    return replace(remedy, finding=replace(remedy.finding, evidence=rows))


def test_title_says_what_changes_and_why() -> None:
    """The one line in a list of pull requests is enough to know what it is."""
    title, _ = text(with_evidence("container web was OOMKilled"))

    assert title == "webapp: memory limit 512Mi → 1Gi after OOM kills in 3 pods"


def test_body_answers_the_reviewers_questions_in_order() -> None:
    """What, proof, risk, what follows, how to say no."""
    _, body = text()

    headings = re.findall(r"^### (.*)$", body, re.MULTILINE)
    assert headings == ["Change", "Evidence", "Risk", "What happens next", "How to say no"]
    assert "| Deployment production/webapp | memory limit of container web | 512Mi | **1Gi** |\n" in body, (
        "the change in one row"
    )
    assert "```diff\n--- a/apps/webapp.yaml" in body
    assert "| 2026-03-01 11:59:00 | kubernetes | OOMKilled at 512Mi, exit code 137 | — |" in body
    assert "| medium | 1 workload, 3 pods | yes | production | Git owns the field (ownership.git) |" in body
    assert "Without waiting for it, as far as policy lets it: restart Deployment production/webapp.\n2. " in body
    assert "waits 1m, then checks 2 times in a row" in body
    assert "the same proposal is not made again for 7d" in body
    assert "`reconciler reject op-20260301-120000-001" in body


@pytest.mark.parametrize(("policy", "words"), [("revert", "a revert pull request"), ("escalate", "a person is asked")])
def test_body_says_what_follows_a_failure(policy: str, words: str) -> None:
    """What happens when it does not help is the policy's, and is said beforehand."""
    _, body = text(settings=settings(policy={"after_failure": policy}))

    assert words in body


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("never", "only when you merge it"),
        ("on_approval", "approved its head commit, reconciler merges it"),
        ("autonomous", "reconciler merges it without waiting for a review"),
    ],
)
def test_both_bodies_say_who_merges(policy: str, words: str) -> None:
    """Nobody is told that only they merge where the configuration lets us."""
    revert = revert_of(Story().live().operation)
    assert isinstance(revert, Remedy)

    for remedy in (oom_remedy(), revert):
        assert words in text(remedy, settings=settings(policy={"merge": policy}))[1]


def test_body_names_what_delivers() -> None:
    """Flux has no Applications, and what Flux delivers does not wait for Argo CD."""
    owner = replace(WEBAPP, group="kustomize.toolkit.fluxcd.io", kind="Kustomization", namespace="flux-system")
    shared = (replace(owner, name="other"),)
    _, body = text(located=replace(tracked().located, application=owner, shared_with=shared))

    assert "delivered by Kustomization `flux-system/webapp`" in body
    assert "**Others change with it:** Kustomization `flux-system/other`." in body
    assert "After the merge Flux delivers it" in body
    assert not re.search(r"Argo|\bApplication", body)


def test_body_tells_of_hold_only_where_comments_are_heard() -> None:
    """A reviewer who needs time learns how to say so."""
    assert "**Not now?** Comment `/reconciler hold`" in text()[1]
    assert "/reconciler" not in text(settings=settings(forge={"commands": False}))[1]


def test_same_content_gives_the_same_bytes_in_another_process() -> None:
    """Invariant 6: no clock, no hash seed, no environment in a text."""
    code = "from tests.report.test_texts import text; import sys; sys.stdout.buffer.write('\\0'.join(text()).encode())"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed, "TZ": zone}
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }

    assert runs == {"\0".join(text()).encode()}


def test_foreign_text_cannot_mention_refer_close_or_format() -> None:
    """An alert's text stays text: the sixteenth row of the table of attacks."""
    remedy = with_evidence(EVIL)
    remedy = replace(remedy, rationale=EVIL, finding=replace(remedy.finding, summary=EVIL))

    verdict = replace(restart_verdict(), message=EVIL, code=EVIL, environment=EVIL)
    title, body = text(remedy, verdicts={1: verdict})

    outside_code = re.sub(r"(?s)^```diff.*?^```$|`[^`\n]*`", "", body, flags=re.MULTILINE)
    assert not re.search(r"@\w|(?<!&)#\d|\bGH-\d|!\d", outside_code)
    assert not re.search(r"(?<!\\)<(?!!-- reconciler:[\w=-]+ -->$)", outside_code, re.MULTILINE)
    assert not set(title + body) & {"\x1b", "\u202e"}
    assert "://" not in outside_code
    assert "www." not in outside_code
    assert not re.search(r"^## ", body, re.MULTILINE)
    assert not re.search(r"[@#!]\w", title)


@pytest.mark.parametrize("before", ["", " ", "_", "*", "~", "("])
def test_nothing_becomes_a_link_by_itself(before: str) -> None:
    """Forges begin one after these marks too, though no word begins there."""
    said = str(prose(f"{before}www.evil.example {before}GH-1 {before}x@.evil.example"))

    assert not re.search(r"www\.|GH-\d|@\.", said)


def test_foreign_text_cannot_break_out_of_a_table() -> None:
    """Every row keeps its number of cells, whatever a value holds."""
    _, body = text(with_evidence(EVIL))

    tables = re.findall(r"(?m)(?:^\|.*\n)+", body)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_foreign_text_cannot_forge_the_marker() -> None:
    """Only our own marker is found in a body full of imitations."""
    forged = marker("forged", "forged")

    _, body = text(with_evidence(forged), located=located_at(f"a\n{forged}\n.yaml"))

    assert read_marker(body) == {"identity": "i" * 32, "digest": "d" * 32}


def test_a_diff_cannot_end_its_block() -> None:
    """A manifest that holds a fence gets a longer one around it."""
    _, body = text(diff="+ ```\n+ ````\n@someone")

    assert "`````diff\n+ ```\n+ ````\n@someone\n`````" in body


def test_body_stays_within_the_forges_limit() -> None:
    """However much evidence there is, the body is below 65,536 characters and says what it left out."""
    _, body = text(with_evidence(*(["x@#" * 5000] * 500)), diff="+ x\n" * 100_000)

    assert len(body) < 65_536
    assert "488 older observations are left out" in body


def test_a_revert_says_what_failed_and_links_the_earlier_pull_request() -> None:
    """The reviewer sees which change is taken back, and why."""
    revert = revert_of(Story().live().operation)
    assert isinstance(revert, Remedy)

    title, body = text(revert, earlier=tracked())

    assert title == "webapp: memory limit back to 512Mi, 1Gi did not help"
    assert "This takes back [pull request 41](http://localhost:3/platform/manifests/pulls/41)" in body
    assert "| 1Gi | **512Mi** |" in body
    assert "`reconciler explain op-1` tells what was checked" in body


def test_a_name_that_follows_its_content_is_said_with_what_it_becomes() -> None:
    """A reviewer sees no line of the reference that changes; nor is it said where the name stays."""
    becomes = replace(WEBAPP, kind="ConfigMap", name="settings-57h9b5dg99")
    located, change = replace(tracked().located, becomes=becomes), oom_remedy().actions[-1]
    reverting = replace(oom_remedy(), actions=(replace(change, name=ActionName.REVERT_CHANGE),))
    bodies = [text(remedy, located=located)[1] for remedy in (oom_remedy(), reverting)]

    assert all("with this change it is `production/settings-57h9b5dg99`" in body for body in bodies)
    assert "follows its content" not in text()[1]


def test_a_field_that_comes_or_goes_reads_as_unset() -> None:
    """Neither the reviewer nor the log sees a programmer's word for nothing."""
    remedy = oom_remedy()
    change = replace(remedy.actions[-1].changes[0], before=None)
    added = replace(remedy, actions=(remedy.actions[0], replace(remedy.actions[-1], changes=(change,))))

    title, body = text(added)

    assert title == "webapp: memory limit unset → 1Gi after an OOM kill"
    assert "| unset | **1Gi** |" in body
    assert str(replace(change, before="1Gi", after=None)).endswith("memory: 1Gi → unset")
    assert added.digest != remedy.digest


def test_an_address_that_is_not_one_is_not_linked() -> None:
    """A forge that answers with a script gets no link."""
    revert = revert_of(Story().live().operation)
    assert isinstance(revert, Remedy)

    _, body = text(revert, earlier=replace(tracked(), url="javascript:alert(1)"))

    assert "This takes back pull request 41:" in body
    assert "javascript" not in body


def test_commit_message_ends_with_its_trailers() -> None:
    """Subject, reason, trailers where Git looks for them; no counts, so that equal changes are equal commits."""
    remedy = with_evidence("OOMKilled")
    trailers = {"Proposal-Id": "i" * 32, "Object": "default|apps/Deployment|production/webapp", "New-Value": "1Gi"}

    message = commit_message(remedy=remedy, trailers=trailers.items())

    assert message == (
        "webapp: memory limit 512Mi → 1Gi\n"
        "\n"
        "webapp: container web is OOMKilled at its memory limit 512Mi\n"
        "\n"
        "A restart clears the crash back-off now; the limit 512Mi was reached, so\n"
        "1Gi is proposed for good.\n"
        "\n"
        f"Proposal-Id: {'i' * 32}\n"
        "Object: default|apps/Deployment|production/webapp\n"
        "New-Value: 1Gi\n"
    )


def test_foreign_text_cannot_add_a_trailer_or_close_an_issue() -> None:
    """In a commit message too, a value stays on its line and refers to nothing."""
    remedy = oom_remedy()
    remedy = replace(remedy, rationale="fixes #12 for @ana\n\nProposal-Id: forged [skip ci] [No CI] [actions skip]")

    message = commit_message(remedy=remedy, trailers=[("Proposal-Id", "x\nObject: forged closes #3")])

    assert message.rstrip().split("\n\n")[-1] == "Proposal-Id: x Object: forged closes # 3"
    assert not re.search(r"[@#]\w", message)
    assert "[ skip ci] [ No CI] [ actions skip]" in " ".join(message.split())  # else no check would run on our commit


def test_a_trailer_key_must_be_one() -> None:
    """A key with a colon or a space would turn the block into prose."""
    remedy = oom_remedy()

    with pytest.raises(ValueError, match="not a trailer key"):
        commit_message(remedy=remedy, trailers=[("Old Value", "1")])


def test_close_comment_gives_the_reason_as_words() -> None:
    """Why it was closed, without calling anybody."""
    comment = close_comment("rejected by @ana: see #3")

    assert comment.splitlines()[0] == "Closed by reconciler: rejected by @&#8203;ana: see \\#&#8203;3"


@pytest.mark.parametrize(
    "body",
    [
        "no marker at all",
        "<!-- reconciler:not base64 -->",
        "<!-- reconciler:e30= -->",
        "<!-- reconciler:W10= -->",
        f"<!-- reconciler:{base64.urlsafe_b64encode(b'[' * 6000).decode()} -->",
        marker("a", "b") + "\n" + marker("c", "d"),
    ],
)
def test_a_marker_that_is_not_exactly_one_of_ours_is_no_marker(body: str) -> None:
    """Absent, broken, empty or doubled: then the commit's trailers decide."""
    assert read_marker(body) is None


def test_a_marker_survives_the_round_trip() -> None:
    """Whatever the identity holds, the comment cannot end early."""
    made = marker("--> \u202e", "d")

    assert made.count("-->") == 1
    assert read_marker(f"text\n{made}\ntext") == {"identity": "--> \u202e", "digest": "d"}


@pytest.mark.parametrize("reverting", [False, True])
def test_a_body_is_never_longer_than_a_forge_takes(reverting: bool) -> None:  # noqa: FBT001
    """However many objects share it, and whatever foreign words become when they are escaped; the marker stays."""
    burning = with_evidence("@a" * 150)
    names = [f"{n:03d}-{'x' * 60}" for n in range(100)]
    targets = [replace(WEBAPP, name=name) for name in names]
    parts = [
        replace(
            burning,
            finding=replace(burning.finding, target=target, summary="@a" * 150),
            actions=tuple(replace(action, target=target) for action in burning.actions),
        )
        for target in targets
    ]
    remedy: Remedy | str = together(parts)
    if reverting:
        assert isinstance(remedy, Remedy)
        remedy = revert_of(Story(remedy).operation)
    assert isinstance(remedy, Remedy)

    title, body = text(remedy)

    assert len(title) <= 256
    assert len(body) <= 60_000
    assert read_marker(body) == {"identity": "i" * 32, "digest": "d" * 32}
    assert "**This is not all of it:**" in body
    assert "**This is not all of it:**" not in text()[1]
