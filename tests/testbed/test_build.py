"""What is built is known by what went into it, and what cannot be built is told in one line."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.testbed import build, kwok
from tests.testbed.build import CATALOGUE, COMPONENTS, Component, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from pytest import MonkeyPatch  # noqa: PT013 - a type, not a fixture


def test_every_input_of_a_build_is_in_its_key(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Another checksum, another program, another flag or another Go is another folder in the cache."""
    monkeypatch.setattr(build, "COMPONENTS", tmp_path)
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "go.mod").write_text("module testbed/etcd\n")
    component = Component(name="etcd", programs={"etcd": "."})
    keys = {build.key(component, "go1.26.8"), build.key(component, "go1.26.9")}
    keys.add(build.key(Component(name="etcd", programs={"etcd": "."}, tags="x"), "go1.26.8"))
    (tmp_path / "etcd" / "go.sum").write_text("etcd h1:abc\n")
    keys.add(build.key(component, "go1.26.8"))
    (tmp_path / "etcd" / "main.go").write_text("package main\n")
    keys.add(build.key(component, "go1.26.8"))

    assert len(keys) == 5


def test_a_machine_without_go_is_told_in_one_line(monkeypatch: MonkeyPatch) -> None:
    """The reason stands in the test report, and a report line is one line."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Unavailable) as reason:
        build.go_version()

    assert "needs Go 1.26 or newer" in str(reason.value)
    assert "\n" not in str(reason.value)


def test_two_components_are_built_at_a_time_after_the_first(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """The first one compiles what all share; then one compiles while the other one downloads or is linked."""
    together = threading.Barrier(2, timeout=30)
    alone: list[str] = []

    def built(component: Component, _: str) -> Path:
        if not alone:
            alone.append(component.name)
        elif component in CATALOGUE[1:3]:
            together.wait()  # breaks where only one is built at a time
        return tmp_path / component.name

    monkeypatch.setattr(build, "build", built)
    monkeypatch.setattr(build, "go_version", lambda: "go1.26.8")

    assert build.build_all().folders == {component.name: tmp_path / component.name for component in CATALOGUE}
    assert alone == [CATALOGUE[0].name]


def test_after_a_build_that_failed_no_other_one_begins(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """Nobody waits a quarter of an hour to be told; what is under way beside it ends."""
    begun: list[str] = []
    told = threading.Event()

    def built(component: Component, _: str) -> Path:
        begun.append(component.name)
        if component is CATALOGUE[1]:
            raise RuntimeError("go build failed in kubernetes")
        if component is not CATALOGUE[0]:
            told.wait(30)
        return tmp_path

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as its base
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            told.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(build, "build", built)
    monkeypatch.setattr(build, "go_version", lambda: "go1.26.8")
    monkeypatch.setattr(build, "ThreadPoolExecutor", Pool)

    with pytest.raises(RuntimeError, match="failed in kubernetes"):
        build.build_all()
    assert begun[0] == CATALOGUE[0].name
    assert len(begun) <= 4  # the one that was free again may have begun one more before that was told


@pytest.mark.parametrize("component", CATALOGUE, ids=lambda component: component.name)
def test_modules_name_no_machine(component: Component) -> None:
    """What replaces a module is a version of a module, never a path of one machine; nor is a toolchain fetched."""
    folder = COMPONENTS / component.name
    text = (folder / "go.mod").read_text()

    assert (folder / "go.sum").exists()
    assert all(re.fullmatch(r"\s*[a-z]\S* v\S+", new) for new in re.findall(r"=>(.*)", text))
    assert "toolchain" not in text


def test_exactly_one_pod_stage_answers_to_each_word() -> None:
    """Among stages that match, kwok picks at random; only the one that does nothing may overlap."""
    stages = [stage for stage in kwok.stages() if stage["spec"]["resourceRef"]["kind"] == "Pod"]
    words = [
        value
        for stage in stages
        for expression in stage["spec"]["selector"]["matchExpressions"]
        for value in expression.get("values", [])
    ]

    assert len(words) == len(set(words))
    assert [stage["metadata"]["name"] for stage in stages if not stage["spec"]["weight"]] == ["pod-settled"]
    known = set(re.findall(r'(?:then|else) "([a-z-]+)"', (kwok.STAGES / "pod.jq").read_text()))
    assert known - {"settled", "stuck"} == set(words)
