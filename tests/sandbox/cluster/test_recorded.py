"""Patches and field management are the real server's: its own libraries' answers, recorded (see `recorded/`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.cluster import apply, managed, patches
from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.kinds import Kinds
from reconciler.sandbox.cluster.shapes import shape_of
from reconciler.sandbox.cluster.values import copied

if TYPE_CHECKING:
    from tests.sandbox.cluster.api import Json

_LINES = (Path(__file__).parent / "recorded" / "answers.jsonl").read_text().splitlines()
_DEPLOYMENT = Kinds()["Deployment"]
_NOW = "2026-02-01T00:00:00Z"


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a value without what the Go types write differently: nulls and empty structures."""
    if isinstance(value, dict):
        kept = {key: _plain(below) for key, below in value.items() if not key.startswith("$")}
        return {key: below for key, below in kept.items() if below not in (None, {}, [])}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _entries(value: Json) -> list[Json]:
    """Return who manages what, without the times, of which only the order of entries depends."""
    entries = value["metadata"].get("managedFields") or []
    found = [{key: part for key, part in entry.items() if key != "time"} for entry in entries]
    return sorted(found, key=lambda entry: json.dumps([entry["manager"], entry["operation"], entry.get("subresource")]))


def _without_entries(value: Json) -> Json:
    metadata = value.get("metadata") or {}
    return {**value, "metadata": {key: below for key, below in metadata.items() if key != "managedFields"}}


def _ours(asked: Json) -> Json:
    live = asked["live"] if "metadata" in asked["live"] else None
    if asked["op"] == "strategic":
        return patches.strategic(asked["live"], asked["new"], shape_of(_DEPLOYMENT))
    if asked["op"] == "apply":
        by = apply.Applier(kind=_DEPLOYMENT, manager=asked["manager"], time=_NOW, force=asked["force"])
        return apply.applied(live, asked["new"], by)
    value = copied(asked["new"])
    managed.stamp(_DEPLOYMENT, value, live, manager=asked["manager"], at=_NOW, subresource=asked["subresource"])
    return value


@pytest.mark.parametrize("line", _LINES, ids=[f"{n}-{json.loads(line)['op']}" for n, line in enumerate(_LINES)])
def test_answer_is_the_real_one(line: str) -> None:
    """Object, entries, conflicts and errors."""
    asked = json.loads(line)
    answer = asked["answer"]

    if "object" not in answer:
        with pytest.raises(ApiError) as refused:
            _ours(asked)
        _assert_refusal(refused.value, answer)
        return
    ours = _ours(asked)

    assert _plain(_without_entries(ours)) == _plain(_without_entries(answer["object"]))
    if asked["op"] != "strategic":
        assert _entries(ours) == _entries(answer["object"])


def _assert_refusal(ours: ApiError, answer: Json) -> None:
    if "error" in answer:
        assert ours.message == answer["error"]
        return
    real = answer["status"]
    assert (ours.status, ours.reason) == (real["code"], real["reason"])
    by_field = sorted(real["details"]["causes"], key=lambda cause: (cause["message"], cause["field"]))
    assert sorted(ours.details["causes"], key=lambda cause: (cause["message"], cause["field"])) == by_field
    assert sorted(ours.message.splitlines()) == sorted(real["message"].splitlines())
