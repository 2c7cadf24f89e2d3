"""Proposals: which file, which line, and names that depend on the content alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.decide.revert import revert_of
from reconciler.errors import Conflict, Refusal, SourceError
from reconciler.model.action import Remedy
from reconciler.model.delivery import Source
from reconciler.model.facts import Unknown
from reconciler.propose.publish import commit
from reconciler.texts import read_marker
from tests.manifests.examples import MANIFEST
from tests.propose.desk import FILE, raised_to, with_more_evidence
from tests.worlds import APPLICATION, WEBAPP, Story, application, oom_remedy, snapshot, workload

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.operation import Operation
    from tests.propose.desk import Desk


def test_proposal_names_file_line_and_base(desk: Desk) -> None:
    """Invariant 5: the owning file as it is and as it would be, and nothing else in it changes."""
    made = desk.propose()

    assert (made.located.paths, made.base, made.base_commit) == ((FILE,), "trunk", desk.head("trunk"))
    assert made.edits[0].before == MANIFEST
    assert made.edits[0].after == MANIFEST.replace("cpu: 1, memory: 512Mi", "cpu: 1, memory: 1Gi")


def test_making_a_proposal_writes_nothing_anywhere(desk: Desk) -> None:
    """`plan` makes them too."""
    made = desk.propose()

    assert desk.head(made.branch) is None
    assert desk.pulls.found == []
    assert desk.pulls.wire.requests == []


def test_branch_commit_and_digest_are_functions_of_the_change(desk: Desk) -> None:
    """Invariant 6: another operation, later, after more kills, on another machine proposes the very same."""
    first = desk.propose()
    second = desk.propose(operation=with_more_evidence(), mirror="other.git")

    assert (second.branch, second.identity, second.digest) == (first.branch, first.identity, first.digest)
    assert second.message == first.message
    assert commit(second, desk.repository("other.git")) == commit(first, desk.repository())


def test_new_value_is_another_digest_of_the_same_identity(desk: Desk) -> None:
    """Invariant 6: a better value updates the same branch; a person's no is to exactly one value."""
    one, two = desk.propose(), desk.propose(raised_to("2Gi"))

    assert (two.identity, two.branch) == (one.identity, one.branch)
    assert two.digest != one.digest


def test_another_cluster_is_another_identity(desk: Desk) -> None:
    """Two clusters that read one repository do not share a branch."""
    assert desk.propose(cluster={"name": "eu"}).branch != desk.propose().branch


def test_identity_and_digest_travel_in_the_body_and_in_the_commit(desk: Desk) -> None:
    """A pull request is found again without any store."""
    made = desk.propose()

    assert read_marker(made.body) == {"identity": made.identity, "digest": made.digest}
    trailers = dict(re.findall(r"^([A-Z][\w-]+): (.*)$", made.message.rpartition("\n\n")[2], re.MULTILINE))
    assert trailers == {
        "Proposal-Id": made.identity,
        "Proposal-Digest": made.digest,
        "Object": WEBAPP.key,
        "Old-Value": "512Mi",
        "New-Value": "1Gi",
    }


def test_branch_is_readable_and_fit_for_git(desk: Desk) -> None:
    """Prefix, namespace, name and a short hash, in letters that every tool takes."""
    assert re.fullmatch(r"reconciler/production-webapp-[0-9a-f]{8}", desk.propose().branch)


@pytest.mark.parametrize("name", ["web.app", "w" * 200, "web--app"])
def test_branch_of_an_unwieldy_name_is_still_fit_for_git(desk: Desk, name: str) -> None:
    """Kubernetes allows dots and 253 letters."""
    target = replace(WEBAPP, name=name)
    desk.shop.ana.commit("trunk", {FILE: MANIFEST.replace("name: webapp", f"name: {name}")})
    remedy = oom_remedy()
    actions = tuple(replace(action, target=target) for action in remedy.actions)
    key = ("apps", "Deployment", "production", name)
    world = replace(
        desk.snapshot(objects=frozenset({key})),
        workloads={target: workload(ref=target, tracking_id=None)},
    )
    made = desk.propose(replace(remedy, actions=actions), world=world)

    assert re.fullmatch(r"reconciler/[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}", made.branch)
    assert len(made.branch) < 100


def test_secret_beside_the_line_stays_out_of_the_pull_request(desk: Desk) -> None:
    """Invariant 11: unchanged lines of the diff show no value that could be a secret."""
    secret = MANIFEST.replace("value: quiet", "value: correct-horse-battery")
    desk.shop.ana.commit("trunk", {FILE: secret})
    made = desk.propose()

    assert "1Gi" in made.body
    assert "correct-horse" not in made.title + made.body + made.message
    assert "correct-horse" in made.edits[0].after


def test_revert_says_what_it_takes_back(desk: Desk) -> None:
    """Its own identity: a revert never shares a branch with what it reverts."""
    desk.shop.ana.commit("trunk", {FILE: MANIFEST.replace("memory: 512Mi}", "memory: 1Gi}")})
    remedy = revert_of(Story().live().operation)
    assert isinstance(remedy, Remedy)
    made = desk.propose(remedy)

    assert made.title == "webapp: memory limit back to 512Mi, 1Gi did not help"
    assert made.edits[0].after == MANIFEST
    assert made.branch != desk.propose(operation=_from_1gi()).branch


def _from_1gi() -> Operation:
    remedy = raised_to("2Gi")
    restart, change = remedy.actions
    (limit,) = change.changes
    return Story(replace(remedy, actions=(restart, replace(change, changes=(replace(limit, before="1Gi"),))))).operation


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MANIFEST.replace("kind: Deployment", "kind: StatefulSet"), "locate."),
        (MANIFEST + "---\n" + MANIFEST, "locate."),
    ],
    ids=["not there", "there twice"],
)
def test_line_that_is_not_what_was_looked_at_is_refused(desk: Desk, text: str, code: str) -> None:
    """Invariant 5: no doubt about the line."""
    desk.shop.ana.commit("trunk", {FILE: text})

    with pytest.raises(Refusal) as refused:
        desk.propose()

    assert refused.value.code.startswith(code)


def test_newer_value_in_git_is_not_overwritten_and_may_be_on_its_way(desk: Desk) -> None:
    """Invariant 7: a person's newer value stays; delivery may just be behind, so the next pass looks again."""
    desk.shop.ana.commit("trunk", {FILE: MANIFEST.replace("memory: 512Mi}", "memory: 2Gi}")})

    with pytest.raises(Conflict) as moved:
        desk.propose()

    assert moved.value.code == "propose.git_ahead"


def test_file_outside_the_allowed_folders_is_refused(desk: Desk) -> None:
    """Invariant 10: the configuration says where we may edit."""
    with pytest.raises(Refusal) as refused:
        desk.propose(guards={"allowed_paths": ["deploy"]})

    assert refused.value.code.startswith("locate.")


@pytest.mark.parametrize("source", ["applications", "workloads"])
def test_unknown_owner_is_no_refusal(desk: Desk, source: str) -> None:
    """Invariant 3: what is not known now is tried again; a refusal would stand."""
    silent: dict[str, Any] = {source: Unknown("kubernetes", "timeout")}
    world = replace(desk.snapshot(), **silent)

    with pytest.raises(SourceError) as raised:
        desk.propose(world=world)

    assert raised.value.code == "propose.owner_unknown"


def sources(desk: Desk, **changes: Any) -> tuple[Source, ...]:  # noqa: ANN401 - any field of a source
    """Return the Application's one source, changed."""
    return (replace(Source(repository=desk.shop.url, path="apps", target_revision="trunk"), **changes),)


def test_object_of_no_application_or_of_two_is_refused(desk: Desk) -> None:
    """Invariant 4: there must be exactly one owner to propose to."""
    rival = application(ref=replace(APPLICATION, name="rival"), sources=sources(desk))
    two = replace(desk.snapshot(), applications=(*_applications(desk), rival))

    for world in (snapshot(applications=()), two):
        with pytest.raises(Refusal) as refused:
            desk.propose(world=world)
        assert refused.value.code == "propose.owner_ambiguous"
        assert refused.value.remedy


def _applications(desk: Desk) -> tuple[Application, ...]:
    found = desk.snapshot().applications
    assert not isinstance(found, Unknown)
    return found


def test_application_of_another_repository_is_refused(desk: Desk) -> None:
    """A pull request there is not ours to open."""
    with pytest.raises(Refusal) as refused:
        desk.propose(world=desk.snapshot(sources=sources(desk, repository="https://git.example/other/repo")))

    assert refused.value.code == "propose.other_repository"


def test_object_that_two_sources_of_an_application_hold_is_refused(desk: Desk) -> None:
    """Which of its folders Argo CD lets win is not for us to guess."""
    with pytest.raises(Refusal) as refused:
        desk.propose(world=desk.snapshot(sources=sources(desk) * 2))

    assert refused.value.code == "locate.source_ambiguous"


def test_of_several_sources_the_one_that_holds_the_object_is_edited(desk: Desk) -> None:
    """Another folder of the same repository delivers something else."""
    desk.shop.ana.commit("trunk", {"other/api.yaml": MANIFEST.replace("webapp", "api")}, base="trunk")
    several = (*sources(desk, path="other"), *sources(desk))

    made = desk.propose(world=desk.snapshot(sources=several))

    assert (made.located.source_index, made.located.paths) == (1, (FILE,))


@pytest.mark.parametrize("include", [None, "{" * 5000], ids=["all", "nobody can tell"])
def test_file_that_another_application_reads_is_named_and_not_edited(desk: Desk, include: str | None) -> None:
    """The same folder is delivered to another namespace: its workload would change too, or might."""
    canary = application(
        ref=replace(APPLICATION, name="canary"),
        sources=tuple(replace(source, include=include) for source in sources(desk)),
        destination_namespace="canary",
        objects=frozenset(),
    )
    shared = replace(desk.snapshot(), applications=(*_applications(desk), canary))

    with pytest.raises(Refusal) as refused:
        desk.propose(world=shared)
    made = desk.propose(world=shared, locate={"allow_shared": True})

    assert refused.value.code == "locate.shared_base"
    assert "canary" in refused.value.message
    assert [ref.name for ref in made.located.shared_with] == ["canary"]
    assert "canary" in made.body


@pytest.mark.parametrize("revision", ["release", "v1.2.3", "0" * 40])
def test_application_that_follows_another_branch_is_refused(desk: Desk, revision: str) -> None:
    """A merge into base would never reach it."""
    with pytest.raises(Refusal) as refused:
        desk.propose(world=desk.snapshot(sources=sources(desk, target_revision=revision)))

    assert refused.value.code == "propose.other_branch"


@pytest.mark.parametrize("revision", ["HEAD", "trunk", "refs/heads/trunk"])
def test_application_may_name_base_in_any_way(desk: Desk, revision: str) -> None:
    """People write it differently."""
    assert desk.propose(world=desk.snapshot(sources=sources(desk, target_revision=revision))).base == "trunk"


def test_git_that_does_not_answer_is_a_source_error(desk: Desk) -> None:
    """Invariant 3: nothing is known about the file, so nothing is refused for good."""
    desk.shop.server.faults["/git-upload-pack"] = lambda handler: handler.answer(503, b"", {})
    desk.shop.server.faults["service=git-upload-pack"] = lambda handler: handler.answer(503, b"", {})

    with pytest.raises(SourceError):
        desk.propose()


@pytest.mark.parametrize(("indent", "separators"), [(2, None), (None, (",", ":")), (None, None)])
def test_json_stays_json(desk: Desk, indent: int | None, separators: tuple[str, str] | None) -> None:
    """In one line or in many: the value alone changes, in its quotes."""
    manifest = list(yaml.safe_load_all(MANIFEST))[1]
    text = json.dumps(manifest, indent=indent, separators=separators)
    desk.shop.ana.commit("trunk", {FILE: "a: 1\n", "apps/webapp.json": text})

    made = desk.propose()

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("apps/webapp.json", text.replace("512Mi", "1Gi"))


def test_value_that_needs_quotes_in_json_is_refused(desk: Desk) -> None:
    """An amount of bytes without quotes is a number there, and `1Gi` would be nothing."""
    text = json.dumps(list(yaml.safe_load_all(MANIFEST))[1]).replace('"512Mi"', "536870912")
    desk.shop.ana.commit("trunk", {FILE: "a: 1\n", "apps/webapp.json": text})

    with pytest.raises(Refusal) as refused:
        desk.propose()

    assert refused.value.code == "edit.json"


def test_directory_that_a_file_beside_it_selects_from_is_refused(desk: Desk) -> None:
    """Argo CD reads another set of files then."""
    desk.shop.ana.commit("trunk", {"apps/.argocd-source.yaml": "directory: {exclude: webapp.yaml}\n"})

    with pytest.raises(Refusal) as refused:
        desk.propose()

    assert refused.value.code == "rendering.override_file"
