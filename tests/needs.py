"""Programs that tests need and a newcomer's machine may lack: skipped there with a reason, failed where CI is true."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_REASON = "Skipped: there is no {name} on this machine"
_HEAD, _TAIL = _REASON.split("{name}")


def need_program(name: str) -> None:
    """Skip the test that asks where this program is not installed; with CI=true fail it."""
    if shutil.which(name) is not None:
        return
    cannot_run("every test", _REASON.format(name=name).removeprefix("Skipped: "))


def cannot_run(tests: str, reason: object) -> NoReturn:
    """Skip the test that asks, and say why it cannot run here; with CI=true, which must run these tests, fail it."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"CI must run {tests}: {reason}", pytrace=False)
    pytest.skip(str(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of all tests without a program that they come from here: pytest sums them up in one line then."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        _, _, reason = report.longrepr
        if reason.startswith(_HEAD) and reason.endswith(_TAIL):
            report.longrepr = (__file__, need_program.__code__.co_firstlineno, reason)
    return report
