"""Build the testbed's Go programs, once, into a cache outside the repository.

Each component has a Go module of its own under `components/`: pinned versions and checksums, no container engine,
no download of binaries. The cache key is everything that goes into a build, so a stale binary cannot be used,
and a binary appears under its final name only when it is complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPONENTS = Path(__file__).parent / "components"
MINIMUM_GO = (1, 26)
KUBERNETES_VERSION = "v1.36.3"

# Clients read the server's version; an unstamped build calls itself v0.0.0-master.
KUBERNETES_STAMP = (
    f"-X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}"
    " -X k8s.io/component-base/version.gitMajor=1"
    " -X k8s.io/component-base/version.gitMinor=36"
)

# Charts may ask for a Kubernetes version; an unstamped Helm renders for 1.20.
HELM_STAMP = "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36"


class Unavailable(RuntimeError):
    """The testbed cannot exist on this machine; the message says why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One Go module and the programs built from it."""

    name: str
    programs: dict[str, str]  # file name: package
    stamp: str = ""
    tags: str = ""
    cgo: bool = False  # the SQLite driver is written in C
    files: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)  # folder: (module, paths in it)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the built programs are."""

    folders: dict[str, Path]  # by component

    def program(self, name: str) -> Path:
        """Return the path of a built program."""
        for folder in self.folders.values():
            if (folder / name).is_file():
                return folder / name
        raise KeyError(name)


CATALOGUE = (
    Component(name="etcd", programs={"etcd": "."}),
    Component(
        name="kubernetes",
        programs={
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        },
        stamp=KUBERNETES_STAMP,
    ),
    Component(name="kwok", programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Component(
        name="argocd",
        programs={"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
        files={"crds": ("github.com/argoproj/argo-cd/v3", ("manifests/crds",))},
    ),
    Component(
        name="gitea",
        programs={"gitea": "code.gitea.io/gitea"},
        tags="sqlite sqlite_unlock_notify",
        cgo=True,
        files={"static": ("code.gitea.io/gitea", ("options", "templates", "public"))},
    ),
    # One module for both, so that what they share is built once. `pkg/artifact` is replaced by an earlier patch
    # release, the newest that module proxies have; helm-controller's module they do not have at all.
    Component(
        name="flux",
        programs={
            "source-controller": "github.com/fluxcd/source-controller",
            "kustomize-controller": "github.com/fluxcd/kustomize-controller",
        },
        files={
            "source-crds": ("github.com/fluxcd/source-controller", ("config/crd/bases",)),
            "kustomize-crds": ("github.com/fluxcd/kustomize-controller", ("config/crd/bases",)),
        },
    ),
    Component(name="opa", programs={"opa": "github.com/open-policy-agent/opa"}),
    Component(name="helm", programs={"helm": "helm.sh/helm/v3/cmd/helm"}, stamp=HELM_STAMP),
    Component(name="kustomize", programs={"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"}),
)


def cache_folder() -> Path:
    """Return the cache, which is never inside the repository."""
    chosen = os.environ.get("RECONCILER_TESTBED_CACHE")
    return Path(chosen).resolve() if chosen else Path.home() / ".cache" / "reconciler-testbed"


def build_all() -> Binaries:
    """Build what the cache lacks, and return where everything is.

    Two at a time: while one downloads its modules, or is linked by a single thread, the other one is compiled.
    """
    version = go_version()
    first, *others = CATALOGUE
    folders = {first.name: build(first, version)}  # alone, as it compiles what all share, Go's own library
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="build") as pool:
        under_way = {component.name: pool.submit(build, component, version) for component in others}
        try:
            folders |= {name: built.result() for name, built in under_way.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # nobody waits for the rest of what will not be whole
            raise
    return Binaries(folders)


def tool(name: str) -> Path:
    """Return one program of a component of the same name, building it first if need be."""
    component = next(c for c in CATALOGUE if c.name == name)
    return build(component, go_version()) / name


def go_version() -> str:
    """Return the full version of Go, or say why it does not do."""
    if platform.system() != "Linux":
        raise Unavailable(f"the testbed needs Linux, this is {platform.system()}")
    if shutil.which("go") is None:
        raise Unavailable("the testbed needs Go 1.26 or newer, and there is no `go` on the PATH")
    version = subprocess.run(["go", "version"], env=environment(), check=True, capture_output=True, text=True).stdout
    numbers = re.search(r"go(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < MINIMUM_GO:
        raise Unavailable(f"the testbed needs Go 1.26 or newer, this is {version.strip()}")
    if shutil.which("gcc") is None:
        raise Unavailable("the testbed needs gcc (Gitea's SQLite driver is written in C)")
    return version.strip()


def environment(*, cgo: bool = False) -> dict[str, str]:
    """Return Go's environment: the user's proxies and caches, but no flags or toolchains of theirs."""
    ours = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "1" if cgo else "0"}
    return os.environ | ours


def key(component: Component, version: str) -> str:
    """Return the name of the component's folder in the cache: a hash of all that goes into it."""
    recipe = (version, component.programs, component.stamp, component.tags, component.cgo, component.files)
    digest = hashlib.sha256(repr(recipe).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        file = COMPONENTS / component.name / name
        digest.update(name.encode() + (file.read_bytes() if file.exists() else b""))
    return f"{component.name}-{digest.hexdigest()[:16]}"


def build(component: Component, version: str) -> Path:
    """Return the component's folder in the cache, building it first if need be."""
    final = cache_folder() / key(component, version)
    if final.is_dir():
        return final
    cache_folder().mkdir(parents=True, exist_ok=True)
    with locked(cache_folder() / f"{component.name}.lock"):  # two test runs wait for one build
        if not final.is_dir():
            temporary = Path(tempfile.mkdtemp(prefix=f".{component.name}-", dir=cache_folder()))
            try:
                for program, package in component.programs.items():
                    compile_program(component, program, package, temporary)
                for folder, (module, paths) in component.files.items():
                    copy_from_module(component, module, paths, temporary / folder)
                temporary.rename(final)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return final


def compile_program(component: Component, program: str, package: str, folder: Path) -> None:
    """Run one `go build`, telling every half minute that it is still under way."""
    command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", f"-s -w {component.stamp}".strip()]
    command += ["-tags", component.tags] if component.tags else []
    command += ["-o", str(folder / program), package]
    with progress(f"{component.name}: go build {program}"):
        done = subprocess.run(
            command,
            cwd=COMPONENTS / component.name,
            env=environment(cgo=component.cgo),
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {component.name}:\n{done.stderr[-4000:]}")


def copy_from_module(component: Component, module: str, paths: tuple[str, ...], folder: Path) -> None:
    """Copy data that a program needs at run time, so that the module cache may be emptied later."""
    source = module_folder(component, module)
    for path in paths:
        shutil.copytree(source / path, folder / Path(path).name, copy_function=shutil.copyfile)


def module_folder(component: Component, module: str) -> Path:
    """Return where a module's source is, downloading it if need be."""
    run = partial(
        subprocess.run, cwd=COMPONENTS / component.name, env=environment(), check=True, capture_output=True, text=True
    )
    run(["go", "mod", "download", module])
    return Path(run(["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]).stdout.strip())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock, which ends with the process whatever happens."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Print what is under way, still under way, and done, with the time that it took."""
    start = time.monotonic()
    done = threading.Event()

    def tell(word: str) -> None:
        print(f"testbed: {what}{word} [{time.monotonic() - start:.0f} s]", file=sys.stderr, flush=True)

    def repeat() -> None:
        while not done.wait(30):
            tell(" ...")

    threading.Thread(target=repeat, daemon=True).start()
    tell("")
    try:
        yield
    finally:
        done.set()
    tell(" done")
