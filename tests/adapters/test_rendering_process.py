"""How a tool is started: shut in as well as this system lets us, and no worse off than without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import rendering_process
from reconciler.errors import Refusal, SourceError
from reconciler.model.rendering import KUSTOMIZE
from tests.adapters.test_rendering import KUSTOMIZATION, job, scripted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_root_renders_what_another_user_keeps_private(tmp_path: Path) -> None:
    """A network of its own does not take away what a tool could read before: charts that somebody pulled."""
    chart = tmp_path / "chart.tgz"
    chart.write_text("{kind: ConfigMap, apiVersion: v1, metadata: {name: web}}")
    chart.chmod(0o600)
    os.chown(chart, 12345, 12345)

    (made,) = scripted(tmp_path, f"/bin/cat {chart}").render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert made["kind"] == "ConfigMap"


@pytest.mark.parametrize("network", ["of its own", "of the machine"])
def test_program_that_cannot_be_started_is_no_fault_of_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    """People are sent to the program, not to Git; and it is tried again."""
    if network == "of the machine":
        monkeypatch.setattr(rendering_process, "alone", tuple)
    renderers = scripted(tmp_path, "")
    (tmp_path / "kustomize").write_text("#!/no/such/interpreter\n")

    with pytest.raises(SourceError) as failed:
        renderers.render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert failed.value.code == "rendering.not_started"
    assert str(tmp_path / "kustomize") in failed.value.remedy


def test_want_of_memory_is_told_in_the_same_words_each_time(tmp_path: Path) -> None:
    """Invariant 6: a trace holds addresses, and what is told anew in every pass would be written in every pass."""
    script = 'echo "runtime: out of memory: cannot allocate $$-byte block" >&2; echo "gp=0x$$ [running]:" >&2; exit 2'

    with pytest.raises(Refusal) as failed:
        scripted(tmp_path, script).render(job(KUSTOMIZE, KUSTOMIZATION, "app"))

    assert failed.value.message == "kustomize cannot render it: out of memory"
    assert "rendering.max_memory" in failed.value.remedy
