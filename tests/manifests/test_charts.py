"""A chart's archive is looked into in memory, within limits: it comes from somewhere else."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.rendering.charts import ChartDefaults, defaults
from reconciler.model.delivery import HelmOptions
from reconciler.model.rendering import HELM, RenderJob

if TYPE_CHECKING:
    from collections.abc import Mapping


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return an archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue())


def vendored(**files: bytes) -> RenderJob:
    """Return the rendering of a chart of the repository with archives below `charts`."""
    mine = {"web/Chart.yaml": b"name: web\n", "web/values.yaml": b"own: 1\n"}
    below = {f"web/charts/{name}-1.2.3-4.5.6.tgz": content for name, content in files.items()}
    return RenderJob(tool=HELM, folder="web", files=mine | below, release="web", namespace="prod")


def told(job: RenderJob, archive: bytes = b"") -> tuple[ChartDefaults, ...]:
    """Return what is told of a rendering whose upstream chart is this archive."""
    return defaults(job, lambda _: archive, max_bytes=1_000_000)


def test_values_of_every_chart_are_told_with_their_keys() -> None:
    """An upstream chart, one vendored in it as a folder, and one as an archive."""
    inner = packed({"redis/values.yaml": b"c: 3\n"})
    files = {"web/values.yaml": b"a: 1\n", "web/charts/db/values.yaml": b"b: 2\n", "web/charts/redis-1.0.0.tgz": inner}
    job = RenderJob(tool=HELM, folder="", files={}, release="web", namespace="prod", chart="web-0.1.0-rc.1")

    found = told(job, packed(files))

    assert found == (((), b"a: 1\n"), (("db",), b"b: 2\n"), (("redis",), b"c: 3\n"))


def test_own_values_of_a_chart_of_the_repository_are_left_out() -> None:
    """They are edited where they stand."""
    job = vendored(redis=packed({"redis/values.yaml": b"c: 3\n"}))

    assert told(job) == ((("redis",), b"c: 3\n"),)


def test_a_chart_whose_files_are_not_edited_is_told_whole() -> None:
    """Flux installs no chart again whose file says something else, so its values are defaults as any chart's."""
    job = replace(vendored(), helm=HelmOptions(files_fixed=True))

    assert told(job) == (((), b"own: 1\n"),)
    named = replace(job, files={**job.files, "web/prod.yaml": b"own: 2\n"}, value_files=("web/prod.yaml",))
    assert told(named) == (((), b"own: 2\n"), ((), b"own: 1\n"))


@pytest.mark.parametrize(
    "archive",
    [
        gzip.compress(bytes(2_000_000)),
        b"no archive",
        gzip.compress(b"no archive either"),
        packed({"x/values.yaml": b"a"})[:40],
    ],
    ids=["bomb", "text", "packed text", "cut off"],
)
def test_archive_that_is_none_or_too_large_is_refused(archive: bytes) -> None:
    """Invariant 10."""
    with pytest.raises(Refusal):
        told(vendored(redis=archive))


def test_charts_inside_one_another_come_to_an_end() -> None:
    """A chart may name itself, in a folder that is its own parent's."""
    archive = packed({"a/values.yaml": b"x: 1\n"})
    for _ in range(8):
        archive = packed({"a/values.yaml": b"x: 1\n", "a/charts/a-1.0.0.tgz": archive})

    assert len(told(vendored(a=archive))) == 4
