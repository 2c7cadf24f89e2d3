"""The embedded engine on machines that lack what its library lists but does not use."""

from __future__ import annotations

import importlib
import platform
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import rego_library
from reconciler.adapters.rego_embedded import embedded_rego
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

MISSING = f"{rego_library.NAME}: cannot open shared object file: No such file or directory"

WITHOUT_LIBATOMIC = """
from pathlib import Path
from reconciler.adapters import rego_library
from reconciler.adapters.rego_embedded import embedded_rego
from reconciler.resources import shipped
rego_library.stand_in(rego_library.NAME)
assert embedded_rego([shipped("policies")]).examine()[0].works
mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
print([name for name in mapped if "libatomic" in name and not name.startswith("/memfd:")])
"""


class Loader:
    """Stands in for the loader: fails as often as it is told to, and counts what it is asked."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked: list[str] = []

    def import_module(self, name: str) -> ModuleType | None:
        """Fail in the order given, then find it."""
        self.asked.append(name)
        if self.failures:
            raise self.failures.pop(0)
        return None


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which empty libraries the process is given instead of giving them."""
    given: list[str] = []
    monkeypatch.setattr(rego_library, "stand_in", given.append)
    return given


def use(monkeypatch: pytest.MonkeyPatch, loader: Loader) -> Loader:
    """Let this loader answer."""
    monkeypatch.setattr(importlib, "import_module", loader.import_module)
    return loader


def test_the_engine_decides_with_an_empty_libatomic() -> None:
    """The loader is content with the stand-in and does not look for the real file."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_LIBATOMIC], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_a_missing_libatomic_is_stood_in_for(monkeypatch: pytest.MonkeyPatch, stood_in: list[str]) -> None:
    """Then the engine is loaded once more."""
    loader = use(monkeypatch, Loader(OSError(MISSING)))

    embedded_rego(())

    assert (loader.asked, stood_in) == (["regopy", "regopy"], [rego_library.NAME])


@pytest.mark.parametrize(
    ("failures", "given"),
    [
        ((OSError("libstdc++.so.6: cannot open shared object file"),), []),
        ((ImportError("No module named 'regopy'"),), []),
        ((OSError(MISSING), OSError("undefined symbol: __atomic_load_16")), [rego_library.NAME]),
    ],
)
def test_any_other_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, stood_in: list[str], failures: tuple[Exception, ...], given: list[str]
) -> None:
    """What cannot be helped is an error in one line that names the cause and a way out."""
    use(monkeypatch, Loader(*failures))

    with pytest.raises(ConfigurationError, match="policy engine regopy does not load") as refused:
        embedded_rego(())

    assert (refused.value.code, stood_in) == ("policy.no_engine", given)
    assert str(failures[-1]) in refused.value.message
    assert "policy.opa_url" in refused.value.remedy


def test_an_unknown_machine_gets_no_stand_in(monkeypatch: pytest.MonkeyPatch, stood_in: list[str]) -> None:
    """Its library files look different."""
    use(monkeypatch, Loader(OSError(MISSING)))
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(ConfigurationError, match=rego_library.NAME):
        embedded_rego(())

    assert stood_in == []


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_the_empty_library_is_for_its_machine_and_leaves_the_stack_alone(machine: str, number: int) -> None:
    """The loader refuses another machine's file; and without word on the stack it would make that executable."""
    library = rego_library.empty_library("libsome.so.1", machine)
    kinds = {struct.unpack_from("=II", library, 64 + 56 * n) for n in range(3)}

    assert struct.unpack_from("=H", library, 18) == (number,)
    assert (0x6474E551, 6) in kinds
    assert not any(flags & 1 for _, flags in kinds)
