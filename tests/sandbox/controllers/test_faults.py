"""The sandbox's faults mean what the testbed's mean: the same annotations, judged alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.sandbox.controllers import faults
from tests.sandbox.controllers.world import Json, fault
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


@pytest.mark.parametrize("image", ["web:9.9", "registry/web:9.8"])
def test_missing_images_are_listed_with_commas_or_spaces(image: str) -> None:
    """Whole references only."""
    made = pod(missing_images="web:9.9, registry/web:9.8 other:1")

    assert faults.is_missing(made, image)
    assert not faults.is_missing(made, image[:-1])
    assert not faults.is_missing(pod(), image)
