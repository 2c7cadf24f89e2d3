"""The default values of charts that are not edited: upstream ones, and those vendored below a chart of the repository.

Protects: an archive is untrusted. It is unpacked in memory, up to a limit, and only files named `values.yaml` and
`Chart.yaml` are looked at.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import Refusal
from reconciler.manifests.editing.values import first_document, mappings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model.rendering import RenderJob

ChartDefaults: TypeAlias = tuple[tuple[str, ...], bytes]  # a chart's `values.yaml`, below the keys that come first

_MAX_MEMBERS = 10_000
_MAX_DEPTH = 4  # charts inside one another; an archive may hold itself
_MAX_ALIASES = 10


def defaults(job: RenderJob, archive: Callable[[RenderJob], bytes], *, max_bytes: int) -> tuple[ChartDefaults, ...]:
    """Return each chart's values with the keys under which they stand, the outermost first.

    A chart of the repository comes with its own, and with the value files that are named, only where no file of it is
    edited. `archive` returns that of a chart that is not in Git. Raises Refusal, as it does, and when an archive is
    unreadable, or all together hold more than one may.
    """
    reading = _Reading(max_bytes)
    if job.chart:
        files = reading.unpacked(archive(job))
        return tuple(reading.charts(files, _top(files), ()))
    fixed = job.helm.files_fixed
    named: list[ChartDefaults] = [((), job.files[path]) for path in job.value_files if fixed]
    return (*named, *(found for found in reading.charts(job.files, job.folder, ()) if found[0] or fixed))


class _Reading:
    """One look into charts, with a limit on all that is unpacked and on how deep they lie in one another."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes

    def charts(self, files: Mapping[str, bytes], folder: str, keys: tuple[str, ...]) -> Iterator[ChartDefaults]:
        """Yield the values of a chart and of the charts below it, archives included."""
        values = files.get(_path(folder, "values.yaml"))
        if values is not None:
            yield keys, values
        if len(keys) == _MAX_DEPTH:
            return
        aliases = _aliases(files.get(_path(folder, "Chart.yaml"), b""), self._max_bytes)
        below = _path(folder, "charts/")
        for name in sorted({path.removeprefix(below).partition("/")[0] for path in files if path.startswith(below)}):
            inside, where = files, below + name
            if where in files:  # no folder
                if not name.endswith(".tgz"):
                    continue
                inside = self.unpacked(files[where])
                where = _top(inside)
            chart = where.rpartition("/")[2]
            for alias in aliases.get(chart, [chart])[:_MAX_ALIASES]:
                yield from self.charts(inside, where, (*keys, alias))

    def unpacked(self, archive: bytes) -> dict[str, bytes]:
        """Return the files of an archive that say something of values, and further archives."""
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream:
                content = stream.read(self._left + 1)
            self._left -= len(content)
            if self._left < 0:
                raise Refusal(
                    code="rendering.too_large",
                    message=f"the charts' archives hold more than {self._max_bytes} bytes",
                    remedy="raise rendering.max_bytes",
                )
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                return dict(_telling(tar))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            message = "a chart's archive cannot be read"
            raise Refusal(code="rendering.unreadable", message=message, remedy="pull it again") from error


def _telling(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in islice(tar, _MAX_MEMBERS):
        if member.isfile() and member.name.endswith(("values.yaml", "Chart.yaml", ".tgz")):
            file = tar.extractfile(member)
            yield member.name, file.read() if file else b""


def _top(files: Mapping[str, bytes]) -> str:
    """Return the folder that an archive's chart is packed in: its name."""
    return next((path.partition("/")[0] for path in sorted(files) if path.count("/") == 1), "")


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _aliases(chart: bytes, max_bytes: int) -> dict[str, list[str]]:
    """Return under which keys a chart's dependencies take their values."""
    found: dict[str, list[str]] = {}
    for dependency in mappings(first_document(chart, max_bytes).get("dependencies")):
        name = str(dependency.get("name") or "")
        found.setdefault(name, []).append(str(dependency.get("alias") or name))
    return found
