"""What an object must be after fields came or went: those, with what holds them, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.manifests.rendering.intended import intended
from reconciler.model.action import FieldChange
from reconciler.model.objects import parse_path

OLD: dict[str, Any] = {"spec": {"containers": [{"name": "web", "image": "w"}], "only": {"deep": {"x": 1}}, "n": 3}}


def made(new: dict[str, Any], *paths: str) -> dict[str, Any]:
    """Return the old object with these fields as the new one has them."""
    changes = [FieldChange(path=parse_path(path), before=None, after="any") for path in paths]
    return dict(intended(OLD, {"spec": new}, changes))["spec"]  # type: ignore[no-any-return]


def test_new_field_comes_with_what_holds_it() -> None:
    """Mappings, and a list's item by its name; the old object stays as it was."""
    containers = [
        {"name": "web", "image": "w", "resources": {"limits": {"memory": "1Gi"}}},
        {"name": "side", "image": "s"},
    ]

    after = made(
        {"containers": containers},
        "spec.containers[name=web].resources.limits.memory",
        "spec.containers[name=side].name",
        "spec.containers[name=side].image",
    )

    assert after == {**OLD["spec"], "containers": containers}
    assert "resources" not in OLD["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"n": 3}, {"containers": OLD["spec"]["containers"], "n": 3}),
        ({"only": {}, "n": 3}, {"containers": OLD["spec"]["containers"], "only": {}, "n": 3}),
        ({"only": {"deep": {}}}, {"containers": OLD["spec"]["containers"], "only": {"deep": {}}, "n": 3}),
    ],
)
def test_field_goes_with_what_it_leaves_empty_as_far_as_that_is_gone_too(
    new: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Tools differ in whether an empty mapping stays."""
    assert made(new, "spec.only.deep.x") == expected


def test_other_differences_are_not_taken_over() -> None:
    """They show when the two are compared."""
    assert made({"n": 4, "x": 1}, "spec.x") == {**OLD["spec"], "x": 1}
