"""The default values of charts that are not edited: upstream ones, and those vendored below a chart of the repository.

Protects: an archive is untrusted. It is unpacked in memory, up to a limit, and only files named `values.yaml` and
`Chart.yaml` are looked at.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.values import first_document, mappings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.rendering import ChartDefaults, RenderJob

_ARCHIVE = re.compile(r"(.+)-v?[0-9]+\.[0-9]+\.[0-9]+.*\.tgz")
_MAX_MEMBERS = 10_000
_CHART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def archive_of(job: RenderJob, charts: str | None) -> Path:
    """Return the archive of a chart that is not in Git, which somebody pulled.

    Raises Refusal when it is not there: nothing is downloaded.
    """
    archive = Path(charts) / f"{job.chart}.tgz" if charts and _CHART.fullmatch(job.chart) else None
    if archive is None or not archive.is_file():
        raise Refusal(
            code="rendering.chart_missing",
            message=f"the chart {job.chart} is not in Git, and nothing is downloaded",
            remedy="`helm pull` it into the folder rendering.charts",
        )
    return archive.resolve()


def defaults(job: RenderJob, charts: str | None, *, max_bytes: int) -> tuple[ChartDefaults, ...]:
    """Return each chart's values with the keys under which they stand, the outermost first."""
    if job.chart:
        name = job.chart.rpartition("-")[0]
        return tuple(_in_chart(_unpacked(archive_of(job, charts).read_bytes(), max_bytes), name, (), max_bytes))
    return tuple(found for found in _in_chart(job.files, job.folder, (), max_bytes) if found[0])


def _in_chart(
    files: Mapping[str, bytes], folder: str, keys: tuple[str, ...], max_bytes: int
) -> Iterator[ChartDefaults]:
    """Yield the values of a chart and of the charts below it, archives included."""
    values = files.get(_path(folder, "values.yaml"))
    if values is not None:
        yield keys, values
    aliases = _aliases(files.get(_path(folder, "Chart.yaml"), b""), max_bytes)
    below = _path(folder, "charts/")
    for name in sorted({path.removeprefix(below).partition("/")[0] for path in files if path.startswith(below)}):
        archive = _ARCHIVE.fullmatch(name)
        inside = _unpacked(files[below + name], max_bytes) if archive and below + name in files else files
        chart = archive[1] if archive else name
        where = chart if inside is not files else below + name
        for alias in aliases.get(chart, [chart]):
            yield from _in_chart(inside, where, (*keys, alias), max_bytes)


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _aliases(chart: bytes, max_bytes: int) -> dict[str, list[str]]:
    """Return under which keys a chart's dependencies take their values."""
    found: dict[str, list[str]] = {}
    for dependency in mappings(first_document(chart, max_bytes).get("dependencies")):
        name = str(dependency.get("name") or "")
        found.setdefault(name, []).append(str(dependency.get("alias") or name))
    return found


def _unpacked(archive: bytes, max_bytes: int) -> dict[str, bytes]:
    """Return the files of an archive that say something of values, and further archives.

    Raises Refusal when it is none, or too large.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise Refusal(
                code="rendering.too_large",
                message=f"a chart's archive holds more than {max_bytes} bytes",
                remedy="raise rendering.max_bytes",
            )
        found = {}
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for number, member in enumerate(tar):
                if (
                    number < _MAX_MEMBERS
                    and member.isfile()
                    and member.name.endswith(("values.yaml", "Chart.yaml", ".tgz"))
                ):
                    file = tar.extractfile(member)
                    found[member.name] = file.read() if file else b""
    except (OSError, EOFError, tarfile.TarError) as error:
        message = "a chart's archive cannot be read"
        raise Refusal(code="rendering.unreadable", message=message, remedy="pull it again") from error
    return found
