"""The real kustomize and helm on files that are handed to them: as Argo CD runs them, and shut in."""

from __future__ import annotations

import json
import os
import socket
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.rendering import Renderers
from reconciler.adapters.rendering_output import objects
from reconciler.adapters.rendering_process import alone
from reconciler.errors import Refusal, SourceError
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions
from reconciler.model.rendering import HELM, KUSTOMIZE, RenderJob
from reconciler.settings import RenderingSettings
from tests.adapters.tools import programs, renderers

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: '1'}\n"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n"
    "  template: {spec: {containers: [{name: web, image: 'web:1.0'}]}}\n"
)
KUSTOMIZATION = {"app/kustomization.yaml": b"resources: [web.yaml]\n", "app/web.yaml": DEPLOYMENT.encode()}
CHART = {
    "chart/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "chart/values.yaml": b"a: chart\nlist: [1]\n",
    "chart/templates/map.yaml": b"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
data:
  a: {{ .Values.a | quote }}
  list: {{ .Values.list | toJson | quote }}
""",
    "envs/one.yaml": b"a: one\n",
    "envs/two.yaml": b"a: two\n",
}
PAUSED = '[{"op": "add", "path": "/spec/paused", "value": true}]'
real = pytest.mark.real


def job(tool: str, files: dict[str, bytes], folder: str, **changes: Any) -> RenderJob:  # noqa: ANN401
    """Return a rendering for Application webapp into namespace prod."""
    given = {"release": "webapp", "namespace": "prod", **changes}
    return RenderJob(tool=tool, folder=folder, files=files, **given)


def scripted(tmp_path: Path, script: str, **settings: Any) -> Renderers:  # noqa: ANN401
    """Return an adapter whose kustomize is a shell script."""
    program = tmp_path / "kustomize"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Renderers(RenderingSettings.model_validate({"kustomize": str(program), **settings}))


@real
def test_kustomization_is_built() -> None:
    """Every object, in the tool's order."""
    (made,) = renderers().render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert (made["kind"], made["spec"]["replicas"]) == ("Deployment", 1)


@real
def test_options_of_the_application_go_into_the_kustomization_first() -> None:
    """As Argo CD does it: prefix, suffix, images, replicas, namespace, patches."""
    options = KustomizeOptions(
        name_prefix="a-",
        name_suffix="-z",
        namespace="shop",
        images=("web:2.0",),
        replicas=(("web", "3"),),
        patches=(json.dumps({"target": {"kind": "Deployment"}, "patch": PAUSED}),),
    )

    (made,) = renderers().render(job(KUSTOMIZE, KUSTOMIZATION, "app", kustomize=options))

    assert made["metadata"] == {"name": "a-web-z", "namespace": "shop"}
    assert made["spec"]["replicas"] == 3
    assert made["spec"]["paused"] is True
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2.0"


@real
@pytest.mark.parametrize(
    ("options", "files", "expected"),
    [
        (HelmOptions(), (), "chart"),
        (HelmOptions(), ("envs/one.yaml", "envs/two.yaml"), "two"),
        (HelmOptions(values='{"a": "own"}'), ("envs/two.yaml",), "own"),
        (HelmOptions(values="a: own", parameters=(HelmParameter(name="a", value="x,y"),)), ("envs/two.yaml",), "x,y"),
    ],
)
def test_helm_values_have_argo_cds_precedence(options: HelmOptions, files: tuple[str, ...], expected: str) -> None:
    """Parameters, then the Application's values, then the last file, then the chart."""
    (made,) = renderers().render(job(HELM, CHART, "chart", helm=options, value_files=files))

    assert made["data"]["a"] == expected
    assert made["metadata"] == {"name": "webapp", "namespace": "prod"}


@pytest.mark.parametrize(
    "named",
    [
        {"value_files": ("chart/v,/etc/secret.yaml",)},
        {"value_files": ('chart/"v"',)},
        {"file_parameters": (("a", "chart/v,,b=/etc/secret.yaml"),)},
        {"file_parameters": (("a", "chart/v\\\\,b=/etc/secret.yaml"),)},
        {"file_parameters": (("b=/etc/secret.yaml,a", "chart/v"),)},
        {"release": '{{ getHostByName "evil.example" }}'},
    ],
)
def test_name_that_helm_reads_as_several_never_reaches_it(named: dict[str, Any], tmp_path: Path) -> None:
    """Whoever writes an Application or names a file in Git would choose files of this machine."""
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\necho ran >&2; exit 1\n")
    program.chmod(0o755)

    with pytest.raises(Refusal) as refused:
        Renderers(RenderingSettings(helm=str(program))).render(job(HELM, CHART, "chart", **named))

    assert refused.value.code == "rendering.unsafe_path"


@real
def test_list_parameter_stays_a_list() -> None:
    """Commas inside braces are not escaped."""
    options = HelmOptions(parameters=(HelmParameter(name="list", value="{a,b}"),))

    (made,) = renderers().render(job(HELM, CHART, "chart", helm=options))

    assert made["data"]["list"] == '["a","b"]'


@real
def test_pulled_chart_is_rendered_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    """An upstream chart comes from a folder that somebody filled; nothing is downloaded."""
    for name in ("Chart.yaml", "values.yaml", "templates/map.yaml"):
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CHART[f"chart/{name}"])
    with tarfile.open(tmp_path / "web-0.1.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "web", "web")
    here = renderers(charts=str(tmp_path))

    (made,) = here.render(job(HELM, {}, "", chart="web-0.1.0"))
    with pytest.raises(Refusal) as refused:
        here.render(job(HELM, {}, "", chart="web-0.2.0"))

    assert made["data"]["a"] == "chart"
    assert refused.value.code == "rendering.chart_missing"


@real
@pytest.mark.parametrize(
    "entry", ["https://example.invalid/x.yaml", "github.com/a/b//c?ref=v1", "git@example.invalid:a/b.git"]
)
def test_remote_base_reaches_nothing(entry: str) -> None:
    """Were it not refused before, the tool has no git to start and no network to use."""
    files = {"app/kustomization.yaml": f"resources: ['{entry}']\n".encode()}

    with pytest.raises(Refusal) as refused:
        renderers().render(job(KUSTOMIZE, files, "app"))

    assert refused.value.code == "rendering.failed"


@real
def test_failure_names_the_reason_and_no_folder_of_ours() -> None:
    """Invariant 6: the temporary folder differs each time, the text does not."""
    files = {"app/kustomization.yaml": b"resources: [gone.yaml]\n"}
    said = []
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            renderers().render(job(KUSTOMIZE, files, "app"))
        said.append(str(refused.value))

    assert said[0] == said[1]
    assert "gone.yaml" in said[0]
    assert "/tmp" not in said[0]  # noqa: S108 - it must not be there


@real
def test_files_beside_the_job_do_not_exist(tmp_path: Path) -> None:
    """Neither by an absolute path nor by a way up."""
    (tmp_path / "outside.yaml").write_text(MAP)
    for entry in (str(tmp_path / "outside.yaml"), "../../../../../../../../../etc/hostname"):
        with pytest.raises(Refusal):
            renderers().render(job(KUSTOMIZE, {"app/kustomization.yaml": f"resources: ['{entry}']\n".encode()}, "app"))


@real
def test_examination_tells_the_programs() -> None:
    """What `reconciler doctor` shows."""
    assert [(d.works, d.detail) for d in renderers().examine()] == [(True, p) for p in programs().values()]


def test_missing_program_is_one_clear_refusal(tmp_path: Path) -> None:
    """It says what to install; doctor says it too, and that it may be missing."""
    here = Renderers(RenderingSettings(kustomize=str(tmp_path / "none")))

    with pytest.raises(Refusal) as refused:
        here.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))
    diagnosis = here.examine()[0]

    assert refused.value.code == "rendering.tool_missing"
    assert "rendering.kustomize" in refused.value.remedy
    assert (diagnosis.works, diagnosis.required) == (False, False)


def test_environment_holds_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 11: what runs on foreign files inherits nothing."""
    monkeypatch.setenv("RECONCILER_GIT_TOKEN", "secret")
    script = "echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: env}'; echo 'data:'\n"
    script += "/usr/bin/env | /bin/sed 's/=.*//; s/^/  /; s/$/: \"\"/'"

    (made,) = scripted(tmp_path, script).render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    shells_own = {"PWD", "OLDPWD", "SHLVL", "_"}
    ours = {"HOME", "TMPDIR", "PATH", "KUBECONFIG", "HTTP_PROXY", "HTTPS_PROXY", "LC_ALL"}
    assert set(made["data"]) - shells_own == ours


def test_tool_has_no_network_not_even_this_machines_own(tmp_path: Path) -> None:
    """A proxy that nobody answers does not keep a tool from servers on loopback, which may trust whoever asks."""
    if not alone():
        pytest.skip("this system lets nobody make a network of their own")
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"
        tool = scripted(tmp_path, script)
        program = tmp_path / "kustomize"
        program.write_text(program.read_text().replace("#!/bin/sh", "#!/bin/bash"))
        with pytest.raises(Refusal, match="unreachable"):
            tool.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))


def test_program_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """Invariant 10: a source error, which passes, and no process is left."""
    here = scripted(tmp_path, f"/bin/sleep 60 & echo $! > {tmp_path}/pid; wait", timeout="300ms")

    with pytest.raises(SourceError) as late:
        here.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert late.value.code == "rendering.timeout"
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(int((tmp_path / "pid").read_text()))


def _wait_until_gone(pid: int) -> None:
    """Ask until the process is gone, or has only its entry left for init to take."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        os.kill(pid, 0)
        if ") Z " in Path(f"/proc/{pid}/stat").read_text():
            raise ProcessLookupError


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds another process's memory")
def test_program_that_takes_too_much_memory_fails_alone(tmp_path: Path) -> None:
    """A template of one line can ask for all that there is."""
    greedy = scripted(tmp_path, f"exec {sys.executable} -c 'bytes(3 << 30)'", max_memory=2 << 30)

    with pytest.raises(Refusal, match="MemoryError"):
        greedy.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))


def test_program_that_says_too_much_is_ended(tmp_path: Path) -> None:
    """Invariant 10: output is not read without end."""
    here = scripted(tmp_path, "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", max_bytes=10_000)

    with pytest.raises(Refusal) as refused:
        here.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert refused.value.code == "rendering.too_large"


def test_equal_job_is_rendered_once(tmp_path: Path) -> None:
    """A rendering is a function of its job."""
    here = scripted(tmp_path, f"echo x >> {tmp_path}/count")
    same = job(KUSTOMIZE, KUSTOMIZATION, "app")

    here.render(same)
    here.render(same.edited({}))
    here.render(same.edited({"app/web.yaml": b"x: 1"}))

    assert (tmp_path / "count").read_text() == "x\nx\n"


@pytest.mark.parametrize("path", ["../x", "/x", "a//x", "a/../../x", "a/\0"])
def test_path_that_leads_elsewhere_is_never_written(tmp_path: Path, path: str) -> None:
    """The temporary folder is all there is."""
    with pytest.raises(Refusal) as refused:
        scripted(tmp_path, "true").render(job(KUSTOMIZE, {path: b""}, "app"))

    assert refused.value.code == "rendering.unsafe_path"


@pytest.mark.parametrize(
    "output",
    [
        b"[" * 30_000,
        b"a: &a [x]\n" + b"".join(b"b%d: *a\n" % n for n in range(20)),
        b"just text",
        b"kind: ConfigMap\n",
        b"\xff\xfe",
        b"a: [",
    ],
)
def test_hostile_output_is_refused(output: bytes) -> None:
    """Invariant 10: depth and aliases are capped before anything is built."""
    with pytest.raises(Refusal) as refused:
        objects(output)

    assert refused.value.code == "rendering.unreadable"


def test_lists_are_taken_apart_and_dates_stay_text() -> None:
    """As Kubernetes reads them."""
    one = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"on": "2020-01-01"}}
    output = b"kind: List\nitems:\n- {kind: ConfigMap, metadata: {name: a}, data: {'on': 2020-01-01}}\n---\n"

    assert objects(output) == (one,)
