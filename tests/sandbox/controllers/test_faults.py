"""The sandbox's faults mean what the testbed's mean: the same annotations, judged alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.monitoring import cadvisor
from tests.sandbox.controllers.world import Json, fault
from tests.testbed import senses
from tests.testbed.kube import prefixed

README = Path(__file__).parents[2] / "testbed" / "README.md"
ANNOTATION = re.compile(r"^\| `([a-z-]+)(?:\[\.NAME\])?: ", re.MULTILINE)
MIB = 1024**2


def pod(*, limit: str | None = "512Mi", request: str | None = None, **notes: str) -> Json:
    """Return a pod of two containers; its first has the limit and the request."""
    resources: dict[str, dict[str, str]] = {}
    resources |= {"limits": {"memory": limit, "cpu": "1"}} if limit else {}
    resources |= {"requests": {"memory": request}} if request else {}
    return {
        "metadata": {"namespace": "production", "annotations": {fault(key): value for key, value in notes.items()}},
        "spec": {"containers": [{"name": "web", "image": "web:1", "resources": resources}, {"name": "side"}]},
    }


def test_every_fault_of_the_testbed_is_one_of_the_sandbox() -> None:
    """The tables of both list the same names; only the load is the sandbox's own."""
    here, there = set(ANNOTATION.findall(faults.__doc__ or "")), set(ANNOTATION.findall(README.read_text()))

    assert there
    assert here - there == {"cpu-load"}
    assert there - here == set()
    assert prefixed("needs-memory") == faults.NEEDS_MEMORY


@given(
    need=some.sampled_from(["settings/LEVEL=debug|info", "settings/LEVEL=.*", "settings/OTHER=x", "nothing/LEVEL=x"]),
    level=some.sampled_from(["debug", "info", "inf", "informed", ""]),
)
def test_configuration_is_judged_as_in_the_testbed(need: str, level: str) -> None:
    """Good, bad or missing, for the same need and the same data."""
    data = {("production", "settings"): {"LEVEL": level}}
    place = ("production", need.partition("/")[0])

    assert faults.judge(need, data.get(place)) == senses.judge(need, "production", data)


@pytest.mark.parametrize(
    ("limit", "need", "starved"),
    [
        ("512Mi", "1Gi", True),
        ("1Gi", "1024Mi", False),
        ("1G", "1Gi", True),
        ("190Mi", "200M", True),
        ("191Mi", "200M", False),
        (None, "64Gi", False),
        ("512Mi", "much", False),
    ],
)
def test_memory_is_compared_by_amount(limit: str | None, need: str, starved: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever the suffixes; without a limit, nothing is too much."""
    assert faults.is_starved(pod(limit=limit, needs_memory=need), 0) is starved


def test_a_name_speaks_of_that_container_and_none_of_the_first() -> None:
    """The second container is meant only by its name."""
    both = pod(needs_memory="1Gi", **{"needs-memory.side": "2Gi"})

    assert faults.named(both, faults.NEEDS_MEMORY, 0) == "1Gi"
    assert faults.named(both, faults.NEEDS_MEMORY, 1) == "2Gi"
    assert faults.named(pod(needs_memory="1Gi"), faults.NEEDS_MEMORY, 1) is None


@given(
    need=some.none() | some.sampled_from(["100Mi", "1Gi"]),
    limit=some.none() | some.sampled_from(["64Mi", "512Mi", "4Gi"]),
    request=some.none() | some.sampled_from(["32Mi", "256Mi"]),
)
def test_memory_in_use_is_what_monitoring_measures(need: str | None, limit: str | None, request: str | None) -> None:
    """What it needs, else what it requests, else 64 MiB, never more than the limit."""
    if limit and not request:
        request = limit  # the API server fills it in, which monitoring relies on
    made = pod(limit=limit, request=request, **({"needs_memory": need} if need else {}))

    assert faults.memory_use(made, 0) == cadvisor.memory_use(made, 0)


@given(
    load=some.none() | some.sampled_from(["5m", "300m", "1700m", "3"]),
    ready=some.booleans(),
    index=some.sampled_from([0, 1]),
    sharing=some.integers(0, 7),
)
def test_processor_use_is_what_monitoring_measures(load: str | None, ready: bool, index: int, sharing: int) -> None:  # noqa: FBT001 - a parameter
    """An equal share of the load for each ready pod, up to its limit; else idle."""
    made = pod(**({"cpu_load": load} if load else {}))
    made["status"] = {"conditions": [{"type": "Ready", "status": str(ready)}]}

    ours = faults.cpu_use(made, index, load=faults.cpu_load(made), sharing=sharing)
    theirs = cadvisor.cpu_use(made, index, load=cadvisor.cpu_load(made), sharing=sharing)
    assert ours == pytest.approx(theirs * 1000, abs=1)  # whole thousandths here


@pytest.mark.parametrize("image", ["web:9.9", "registry/web:9.8"])
def test_missing_images_are_listed_with_commas_or_spaces(image: str) -> None:
    """Whole references only."""
    made = pod(missing_images="web:9.9, registry/web:9.8 other:1")

    assert faults.is_missing(made, image)
    assert not faults.is_missing(made, image[:-1])
    assert not faults.is_missing(pod(), image)
