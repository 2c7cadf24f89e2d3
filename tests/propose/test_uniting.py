"""Several objects of one Application in one proposal, from plain manifests: one commit that names and holds all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.decide.revert import revert_of
from reconciler.decide.together import together
from reconciler.errors import Refusal
from reconciler.model.action import Remedy
from reconciler.model.delivery import Source
from tests.groups import KEYS, NAMES, TARGETS, deployment, finding, remedy, trio, world
from tests.manifests.examples import MANIFEST
from tests.pairs import proxy_remedy
from tests.worlds import APPLICATION, Story, application

if TYPE_CHECKING:
    from reconciler.model.proposal import Proposal
    from reconciler.model.snapshot import Snapshot
    from tests.propose.desk import Desk

RAISED = MANIFEST.replace("memory: 512Mi", "memory: 1Gi")


def named(name: str, text: str = MANIFEST) -> str:
    """Return the manifest of another one."""
    return text.replace("webapp", name)


FILES = {f"apps/{name}.yaml": named(name) for name in NAMES}


def there(desk: Desk, *sources: Source, **changes: Any) -> Snapshot:  # noqa: ANN401 - any field of the Application
    """Return a world in which Application webapp delivers all three from the desk's repository."""
    plain = Source(repository=desk.shop.url, path="apps", target_revision="trunk")
    mine = application(**{"objects": KEYS, "sources": sources or (plain,)} | changes)
    return world(applications=(mine,))


def proposed(
    desk: Desk,
    files: dict[str, str],
    wanted: Remedy | None = None,
    snapshot: Snapshot | None = None,
    **sections: Any,  # noqa: ANN401
) -> Proposal:
    """Commit the files, and propose for all three."""
    desk.shop.ana.commit("trunk", dict(files))
    return desk.propose(wanted or trio(), world=snapshot or there(desk), **sections)


def code_of(desk: Desk, files: dict[str, str], snapshot: Snapshot | None = None, **sections: Any) -> str:  # noqa: ANN401
    """Return why nothing is proposed."""
    with pytest.raises(Refusal) as refused:
        proposed(desk, files, snapshot=snapshot, **sections)
    assert refused.value.remedy
    return refused.value.code


def edits(made: Proposal) -> dict[str, str]:
    """Return the files as they become."""
    return {edit.path: edit.after for edit in made.edits}


def test_each_file_has_its_edit_in_one_commit(desk: Desk) -> None:
    """Base is one commit away, whatever was drafted on the way."""
    made = proposed(desk, FILES)

    assert edits(made) == {f"apps/{name}.yaml": named(name, RAISED) for name in NAMES}
    assert [edit.before for edit in made.edits] == [named(name) for name in sorted(NAMES)]
    assert made.targets == TARGETS
    opened = desk.publish(made)
    assert len(desk.log(made.branch)) == 1
    assert desk.show(opened.head, "apps/mail.yaml") == named("mail", RAISED)


def test_edits_of_one_file_add_up(desk: Desk) -> None:
    """All three in one file: three lines of it change."""
    text = "---\n".join(named(name) for name in NAMES)
    made = proposed(desk, {"apps/webapp.yaml": text})

    assert edits(made) == {"apps/webapp.yaml": text.replace("memory: 512Mi", "memory: 1Gi")}


def test_several_fields_of_one_of_them_add_up(desk: Desk) -> None:
    """Two findings of webapp and one of mail."""
    wanted = together([remedy("webapp"), remedy("mail"), proxy_remedy()])
    made = proposed(desk, FILES, wanted)

    assert edits(made)["apps/webapp.yaml"] == RAISED.replace(
        "limits:\n              memory: 64Mi", "limits:\n              memory: 128Mi"
    )
    assert list(edits(made)) == ["apps/mail.yaml", "apps/webapp.yaml"]


def test_a_site_tells_object_and_content_in_base(desk: Desk) -> None:
    """So that a move of base shows against base, and each value is read in its own file."""
    text = named("webapp") + "---\n" + named("mail")
    made = proposed(desk, {"apps/webapp.yaml": text, "apps/shop.yaml": named("shop")})
    repository = desk.repository()

    assert [site.target for site in made.located.sites] == list(TARGETS)
    for site in made.located.sites:
        entry = repository.entry(made.base_commit, site.path)
        assert entry is not None
        assert site.blob == entry.blob
    assert [made.located.path_of(target) for target in TARGETS] == [
        "apps/webapp.yaml",
        "apps/webapp.yaml",
        "apps/shop.yaml",
    ]


def test_same_content_is_the_same_proposal_on_any_machine(desk: Desk) -> None:
    """Invariant 6: the first object names it; a value more, or another object, is another digest."""
    one = proposed(desk, FILES)
    two = desk.propose(trio(), world=there(desk), mirror="other.git")
    fewer = desk.propose(together([remedy("webapp"), remedy("mail")]), world=there(desk))

    assert (one.identity, one.digest, one.branch, one.message) == (two.identity, two.digest, two.branch, two.message)
    assert fewer.identity == one.identity
    assert fewer.digest != one.digest
    assert one.branch == desk.propose(remedy("webapp"), world=there(desk)).branch


def test_texts_name_every_object(desk: Desk) -> None:
    """What is wrong with each, what changes, and a risk of its own; trailers for machines."""
    made = proposed(desk, FILES)

    assert made.title == (
        "3 objects: webapp: memory limit 512Mi → 1Gi; mail: memory limit 512Mi → 1Gi; shop: memory limit 512Mi → 1Gi"
    )
    for target in TARGETS:
        assert f"| {target} | {finding(target.name).summary} |" in made.body
        assert f"| {target} | memory limit of container web | 512Mi | **1Gi** |" in made.body
        assert f"| {target} | medium | 1 workload, 3 pods | yes | production |" in made.body
        assert f"| {target} | 2026-03-01 11:59:00 | kubernetes | OOMKilled at 512Mi, exit code 137 |" in made.body
        assert f"\nObject: {target.key}\nOld-Value: 512Mi\nNew-Value: 1Gi\n" in made.message
    assert "That is remembered for each object" in made.body
    assert made.message.count("Proposal-Id: ") == 1


def test_a_revert_is_one_proposal_too(desk: Desk) -> None:
    """From the values that went live, to what was there before."""
    live = replace(Story(trio()).operation, expected=("1Gi", "2Gi", "1Gi"))
    wanted = revert_of(live)
    assert isinstance(wanted, Remedy)
    now = {"apps/webapp.yaml": named("webapp", RAISED), "apps/shop.yaml": named("shop", RAISED)}
    made = proposed(desk, {**now, "apps/mail.yaml": named("mail", MANIFEST.replace("512Mi", "2Gi"))}, wanted)

    assert edits(made) == FILES
    assert made.title.startswith("3 objects: webapp: memory limit back to 512Mi, 1Gi did not help; mail: ")
    assert "| Deployment production/mail | memory limit of container web | 2Gi | **512Mi** |" in made.body


def test_more_lines_than_allowed_are_refused_for_the_whole(desk: Desk) -> None:
    """Invariant 10: the limit is the pull request's."""
    assert code_of(desk, FILES, guards={"max_changed_lines": 2}) == "edit.too_many_lines"


def test_one_that_cannot_be_edited_is_the_refusal_of_all(desk: Desk) -> None:
    """Each is tried alone then."""
    files = {**FILES, "apps/mail.yaml": "# nothing here\n"}

    assert code_of(desk, files) == "locate.not_found"


def test_another_application_or_another_source_is_refused_by_name(desk: Desk) -> None:
    """One merge must bring all of them."""
    mine = Source(repository=desk.shop.url, path="apps", target_revision="trunk")
    elsewhere = replace(mine, path="more")
    files = {"apps/webapp.yaml": named("webapp"), "apps/shop.yaml": named("shop"), "more/mail.yaml": named("mail")}
    other = application(ref=replace(APPLICATION, name="other"), sources=(elsewhere,), objects=frozenset())
    of_two = world(
        applications=(
            application(sources=(mine,), objects=KEYS - {("apps", "Deployment", "production", "mail")}),
            replace(other, objects=frozenset({("apps", "Deployment", "production", "mail")})),
        ),
        workloads={target: deployment(target.name, tracking_id=None) for target in TARGETS},
    )

    assert code_of(desk, files, there(desk, mine, elsewhere)) == "propose.not_together"
    assert code_of(desk, files, of_two) == "propose.not_together"
