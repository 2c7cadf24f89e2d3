"""What a refusal says, so that people need not look themselves: where the value stands, and where one may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifests.examples import MANIFEST
from tests.propose.test_rendered import BASE, CHART, other, refusal, source

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed


def test_value_that_is_tried_without_effect_is_refused_with_where_else_it_stands(desk: Desk) -> None:
    """Something of the same value, which does nothing here, does not hide the chart that nobody edits."""
    below = {path.replace("chart/", "chart/charts/web/", 1): text for path, text in CHART.items()}
    files = {"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "chart/values.yaml": "cache: 512Mi\n"}
    vendored = {path: text.replace("256Mi", "512Mi") for path, text in below.items() if "/charts/" in path}

    refused = refusal(desk, files | vendored, source(desk, "Helm", "chart"))

    assert "tried without effect: chart/values.yaml: cache" in refused.message
    assert "chart/charts/web/values.yaml says 512Mi, in a chart that is not edited" in refused.message


@pytest.mark.parametrize(
    ("mine", "theirs", "own"),
    [
        (("Directory", "apps"), ("Directory", "apps"), "a folder that it alone reads"),
        (("Kustomize", "base"), ("Kustomize", "overlays/staging"), "an overlay of its own over base"),
    ],
)
def test_refusal_of_a_shared_file_names_a_place_that_can_be(
    desk: Desk, mine: tuple[str, str], theirs: tuple[str, str], own: str
) -> None:
    """A plain folder has no value files, and a base that is delivered itself is no overlay."""
    refused = refusal(desk, BASE | {"apps/webapp.yaml": MANIFEST}, source(desk, *mine), other(desk, "staging", *theirs))

    assert refused.code == "locate.shared_base"
    assert own in refused.remedy
