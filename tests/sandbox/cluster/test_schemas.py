"""What a definition's schema does to custom objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from tests.sandbox.cluster.api import Api, Json

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BACKUPS = "/apis/example.com/v1/backups"
DAILY: Json = {"apiVersion": "example.com/v1", "kind": "Backup", "metadata": {"name": "daily"}}

SPEC: Json = {
    "type": "object",
    "required": ["target"],
    "properties": {
        "target": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 8},
        "keep": {"type": "integer", "default": 3, "minimum": 1, "maximum": 9},
        "mode": {"type": "string", "enum": ["Full", "Delta"], "default": "Full"},
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "hours": {"type": "array", "maxItems": 2, "items": {"type": "integer"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "when": {"type": "object", "default": {}, "properties": {"at": {"type": "string", "default": "02:00"}}},
        "note": {"type": "string", "nullable": True},
    },
}


def define(api: Api, spec: Json) -> None:
    """Serve backups with a schema."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    definition = {
        "metadata": {"name": "backups.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Backup", "plural": "backups"},
            "scope": "Cluster",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    assert api.post(CRDS, definition).status == 201


def test_defaults_come_and_unknown_fields_go(api: Api) -> None:
    """Down to the last level; where anything may stand, it stays."""
    define(api, SPEC)
    spec = {"target": "web", "typo": 1, "labels": {"a": "b"}, "free": {"x": {"y": 1}}, "note": None}

    made = api.post(BACKUPS, DAILY | {"spec": spec, "extra": 1}).body

    assert "extra" not in made
    assert made["spec"] == {
        "target": "web",
        "labels": {"a": "b"},
        "free": {"x": {"y": 1}},
        "note": None,
        "keep": 3,
        "mode": "Full",
        "when": {"at": "02:00"},
    }


@pytest.mark.parametrize(
    ("spec", "field", "says"),
    [
        ({}, "spec.target", "Required value"),
        ({"target": 5}, "spec.target", 'must be of type string: "integer"'),
        ({"target": "WEB"}, "spec.target", "should match '^[a-z]+$'"),
        ({"target": None}, "spec.target", "Required value"),
        ({"target": "muchtoolong"}, "spec.target", "Too long: may not be more than 8 bytes"),
        ({"target": "a", "keep": 0}, "spec.keep", "should be greater than or equal to 1"),
        ({"target": "a", "keep": 10}, "spec.keep", "should be less than or equal to 9"),
        ({"target": "a", "keep": True}, "spec.keep", "must be of type integer"),
        ({"target": "a", "mode": "Half"}, "spec.mode", 'supported values: "Full", "Delta"'),
        ({"target": "a", "port": 1.5}, "spec.port", "must be of type integer,string"),
        ({"target": "a", "hours": [1, 2, 3]}, "spec.hours", "Too many: 3: must have at most 2 items"),
        ({"target": "a", "hours": [1, "2"]}, "spec.hours[1]", "must be of type integer"),
        ({"target": "a", "labels": {"x": 1}}, "spec.labels.x", "must be of type string"),
    ],
)
def test_broken_rule_names_its_field(api: Api, spec: Json, field: str, says: str) -> None:
    """422, as for built-in kinds."""
    define(api, SPEC)

    refused = api.post(BACKUPS, DAILY | {"spec": spec})

    assert refused.status == 422
    (cause,) = refused.body["details"]["causes"]
    assert cause["field"] == field
    assert says in cause["message"]


def test_rules_hold_for_changes_too(api: Api) -> None:
    """And a default that was patched away comes back."""
    define(api, SPEC)
    api.post(BACKUPS, DAILY | {"spec": {"target": "web", "keep": 5}})

    refused = api.patch(f"{BACKUPS}/daily", {"spec": {"keep": 99}})
    changed = api.patch(f"{BACKUPS}/daily", {"spec": {"keep": None}})

    assert refused.status == 422
    assert changed.body["spec"]["keep"] == 3


@pytest.mark.parametrize(
    "rule", [{"x-kubernetes-validations": [{"rule": "self.a > 1"}]}, {"oneOf": [{"required": ["a"]}]}]
)
def test_rules_that_cannot_be_checked_refuse_the_definition(api: Api, rule: Json) -> None:
    """Wherever they stand."""
    with pytest.raises(NotInSandbox, match=next(iter(rule))):
        define(api, {"type": "object", "properties": {"below": {"type": "object", **rule}}})
