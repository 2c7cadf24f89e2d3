"""Only a place whose edit renders exactly the intended difference is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.rendering.probing import Probe
from tests.manifests.rendering import REQUEST, WEB, deployment, overlaid, raised, templated, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.manifests.rendering.probing import Proven
    from reconciler.model.action import Replacement

MANY = 40  # more than the renderings that a search may take


def prove(
    files: Mapping[str, bytes],
    render: Callable[[Mapping[str, bytes]], tuple[dict[str, Any], ...]],
    *changes: Replacement,
    limit: int = 30,
) -> Proven:
    """Search in all the files."""
    probe = Probe(
        WEB,
        "shop",
        changes or (raised(),),
        files,
        lambda edited: render({**files, **edited}),
        max_bytes=100_000,
        max_renderings=limit,
    )
    return probe.prove(sorted(files))


def test_value_in_the_base_is_found_where_nothing_overrides_it() -> None:
    """The edit is of that line alone."""
    files = {"base.yaml": text(deployment())}

    proven = prove(files, overlaid)

    assert [str(place) for place in proven.places] == [
        "base.yaml: spec.template.spec.containers[name=web].resources.limits.memory"
    ]
    assert proven.edited == {"base.yaml": files["base.yaml"].replace(b"512Mi", b"1Gi")}


def test_value_in_the_overlay_wins_over_an_equal_one_in_the_base() -> None:
    """Invariant 5: the base's line would change nothing, so it is left alone."""
    patch = deployment()
    del patch["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    files = {"base.yaml": text(deployment()), "overlay.yaml": text(patch)}

    assert list(prove(files, overlaid).edited) == ["overlay.yaml"]


def test_equal_values_of_other_workloads_are_left_alone() -> None:
    """Many others say the same, and are told apart in few renderings."""
    others = b"---\n".join(text(deployment(name=f"web-{n}")) for n in range(MANY))
    files = {"base.yaml": text(deployment()) + b"---\n" + others}

    proven = prove(files, overlaid)

    assert [place.document for place in proven.places] == [0]
    assert proven.edited["base.yaml"] == files["base.yaml"].replace(b"512Mi", b"1Gi", 1)


def test_helm_value_is_found_in_the_file_that_wins() -> None:
    """The chart's own value is overridden and stays."""
    files = {"values.yaml": b"limit: 512Mi\nrequest: 256Mi\n", "prod.yaml": b"limit: 512Mi  # here\n"}

    assert prove(files, templated).edited == {"prod.yaml": b"limit: 1Gi  # here\n"}


def test_value_that_decides_more_than_the_field_is_refused_and_named() -> None:
    """Another workload would change too: no edit, and the reason says which."""
    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"both: 512Mi\n"}, templated)

    assert refused.value.code == "locate.not_found"
    assert "values.yaml: both would also change Deployment api" in refused.value.message


def test_two_changes_are_proven_together() -> None:
    """Limit and request each have their place."""
    changes = raised(), raised(REQUEST, "256Mi", "1Gi")
    files = {"values.yaml": b"limit: 512Mi\nrequest: 256Mi\n"}

    proven = prove(files, templated, *changes)

    assert proven.edited == {"values.yaml": b"limit: 1Gi\nrequest: 1Gi\n"}
    assert len(proven.places) == 2


def test_one_value_may_decide_both_intended_fields() -> None:
    """Where one key is the limit and the request, one line makes both changes."""

    def both(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        value = files["values.yaml"].split()[1].decode()
        return (deployment(value, value),)

    proven = prove({"values.yaml": b"memory: 512Mi\n"}, both, raised(), raised(REQUEST))

    assert proven.edited == {"values.yaml": b"memory: 1Gi\n"}
    assert len(proven.places) == 1


def test_one_value_for_two_fields_of_which_one_is_meant_is_refused() -> None:
    """The request would change unseen."""

    def both(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        value = files["values.yaml"].split()[1].decode()
        return (deployment(value, value),)

    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"memory: 512Mi\n"}, both)

    assert "requests.memory" in refused.value.message


def test_two_places_that_each_decide_are_ambiguous() -> None:
    """Nobody knows which one a person would change."""

    def larger(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        values = [files[name].split()[1].decode() for name in ("a.yaml", "b.yaml")]
        return (deployment("1Gi" if "1Gi" in values else "512Mi"),)

    with pytest.raises(Refusal) as refused:
        prove({"a.yaml": b"x: 512Mi\n", "b.yaml": b"x: 512Mi\n"}, larger)

    assert refused.value.code == "locate.ambiguous"
    assert "a.yaml: x, b.yaml: x" in refused.value.message


def test_git_that_renders_another_value_is_ahead_of_the_cluster() -> None:
    """Invariant 3: it passes when delivery syncs, so it is no refusal."""
    with pytest.raises(Conflict) as raised_error:
        prove({"values.yaml": b"limit: 768Mi\n"}, templated)

    assert raised_error.value.code == "propose.git_ahead"


def test_amount_written_otherwise_is_the_same_amount() -> None:
    """The file says 0.5Gi."""
    assert prove({"values.yaml": b"limit: 0.5Gi\n"}, templated).edited == {"values.yaml": b"limit: 1Gi\n"}


def test_value_that_no_file_says_is_not_found() -> None:
    """It is a constant of the template."""

    def constant(_: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        return (deployment(),)

    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"a: 1\n"}, constant)

    assert refused.value.code == "locate.not_found"
    assert "none of the files" in refused.value.message


def test_value_that_decides_nothing_is_named_as_tried() -> None:
    """A key that looks right and is not read."""

    def constant(_: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        return (deployment(),)

    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"limit: 512Mi\n"}, constant)

    assert "tried without effect: values.yaml: limit" in refused.value.message


def test_renderings_are_limited() -> None:
    """Invariant 10."""
    others = b"---\n".join(text(deployment(name=f"web-{n}")) for n in range(MANY))

    with pytest.raises(Refusal) as refused:
        prove({"base.yaml": others + b"---\n" + text(deployment())}, overlaid, limit=4)

    assert refused.value.code == "locate.too_many_renderings"


def test_edit_that_does_not_render_is_no_place() -> None:
    """A template may reject the new value."""

    def strict(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        if b"1Gi" in files["values.yaml"]:
            raise Refusal(code="rendering.failed", message="helm cannot render it: too much", remedy="none")
        return (deployment(),)

    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"limit: 512Mi\n"}, strict)

    assert refused.value.code == "locate.not_found"
    assert "too much" in refused.value.message


def test_anchored_value_is_not_edited() -> None:
    """It may stand in other places by its name."""
    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"limit: &x 512Mi\n"}, templated)

    assert "anchor" in refused.value.message


def test_field_that_becomes_another_type_is_no_such_change() -> None:
    """What only looks right as text is not accepted: `3` is not `"3"`."""
    replicas = raised(("spec", "replicas"), "2", "3")

    def typed(files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
        made = deployment()
        made["spec"]["replicas"] = 2 if files["values.yaml"] == b"n: 2\n" else "3"
        return (made,)

    with pytest.raises(Refusal) as refused:
        prove({"values.yaml": b"n: 2\n"}, typed, replicas)

    assert refused.value.code == "locate.not_found"


def test_target_that_is_rendered_twice_is_refused() -> None:
    """Which of the two wins is not for us to guess."""
    with pytest.raises(Refusal) as refused:
        prove({"base.yaml": text(deployment()) + b"---\n" + text(deployment())}, overlaid)

    assert refused.value.code == "locate.ambiguous"
