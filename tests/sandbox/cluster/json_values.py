"""Random JSON for properties that hold for every object."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.thorough import examples

few = settings(max_examples=examples(40), deadline=None)  # a Deployment has many parts, and the machine may be busy

_KEYS = st.sampled_from(["a", "b", "c", "d/e", "f~g"])
_SCALARS: st.SearchStrategy[Any] = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["", "x", "y"]))


def _nested(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.dictionaries(_KEYS, below, max_size=3), st.lists(below, max_size=3))


def objects(*, nulls: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects of any shape; `nulls` lets fields be null, as in a patch."""
    scalars = st.one_of(_SCALARS, st.none()) if nulls else _SCALARS
    return st.dictionaries(_KEYS, st.recursive(scalars, _nested, max_leaves=8), max_size=4)


_AMOUNTS = st.sampled_from(["64Mi", "128Mi", "256Mi"])
_ENV = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["A", "B", "C"]), "value": st.sampled_from(["1", "2"])}),
    max_size=3,
    unique_by=lambda each: each["name"],
)
_CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from(["web", "side", "last"])},
    optional={
        "image": st.sampled_from(["web:1", "web:2"]),
        "args": st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2),
        "env": _ENV,
        "resources": st.fixed_dictionaries({"limits": st.fixed_dictionaries({"memory": _AMOUNTS})}),
    },
)
_LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"]), min_size=1, max_size=2)


def manifests() -> st.SearchStrategy[dict[str, Any]]:
    """Return manifests of one Deployment, as several people and tools may apply them: whole or in part."""
    containers = st.lists(_CONTAINER, min_size=1, max_size=3, unique_by=lambda each: str(each["name"]))
    template = st.fixed_dictionaries(
        {"spec": st.fixed_dictionaries({"containers": containers})},
        optional={"metadata": st.fixed_dictionaries({"labels": _LABELS})},
    )
    parts = {"replicas": st.integers(1, 3), "template": template, "paused": st.booleans()}
    spec = st.fixed_dictionaries({}, optional=parts).filter(bool)
    metadata = st.fixed_dictionaries({"name": st.just("web")}, optional={"labels": _LABELS})
    return st.fixed_dictionaries(
        {"apiVersion": st.just("apps/v1"), "kind": st.just("Deployment"), "metadata": metadata, "spec": spec}
    )
