"""Helm as Argo CD runs it: `helm template` with the Application's value files, values and parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Refusal, foreign_text

if TYPE_CHECKING:
    from reconciler.adapters.rendering_process import Tool
    from reconciler.model.delivery import HelmParameter
    from reconciler.model.rendering import RenderJob

_CHART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_COMMA = re.compile(r"([^\\]),")
_ENDS_PATH = re.compile(r'[,"\\\r\n]')  # what Helm reads as the end of a file's path, or as more than itself
_ENDS_NAME = re.compile(r"[,={}]")
_TEMPLATE = re.compile(r"\{\{")  # in a release's name, with functions that no chart has, such as questions to DNS
_ESCAPED = r"\1\\,"


def template(tool: Tool, files: Path, home: Path, job: RenderJob, charts: str | None) -> bytes:
    """Return the rendered YAML."""
    arguments = ["template", str(_chart(files, job, charts)), "--name-template", _harmless(job.release, _TEMPLATE)]
    arguments += ["--namespace", job.namespace] if job.namespace else []
    for parameter in job.helm.parameters:
        flag = "--set-string" if parameter.force_string else "--set"
        arguments += [flag, _assignment(parameter)]
    for name, path in job.file_parameters:
        arguments += ["--set-file", f"{_harmless(name, _ENDS_NAME)}={files / _harmless(path, _ENDS_PATH)}"]
    for path in job.value_files:
        arguments += ["--values", str(files / _harmless(path, _ENDS_PATH))]
    if job.helm.values:
        own = home / "values.yaml"
        own.write_text(job.helm.values)
        arguments += ["--values", str(own)]
    arguments += [] if job.helm.skip_crds else ["--include-crds"]
    arguments += ["--skip-tests"] if job.helm.skip_tests else []
    arguments += ["--skip-schema-validation"] if job.helm.skip_schema else []
    arguments += [f"--kube-version={job.helm.kube_version}"] if job.helm.kube_version else []
    arguments += [f"--api-versions={version}" for version in job.helm.api_versions]
    return tool.run(arguments, files)


def _harmless(text: str, ends: re.Pattern[str]) -> str:
    """Return a name or a file's path, if Helm takes it for no more: after a comma, it would read any file."""
    if ends.search(text):
        raise Refusal(
            code="rendering.unsafe_path",
            message=f"{foreign_text(repr(text))} means more to Helm than it says, perhaps a file of this machine",
            remedy="give that file, parameter or release a plain name",
        )
    return text


def _chart(files: Path, job: RenderJob, charts: str | None) -> Path:
    """Return the chart: a folder of the repository, or an archive that somebody pulled."""
    if job.chart:
        return archive_of(job, charts)
    return files / job.folder if job.folder else files


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


def _assignment(parameter: HelmParameter) -> str:
    """Escape commas as Argo CD does, except in a list `{a,b}`."""
    value = parameter.value
    if not (value.startswith("{") and value.endswith("}")):
        value = _COMMA.sub(_ESCAPED, value)
    return f"{parameter.name}={value}"
