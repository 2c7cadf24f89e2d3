"""The file that `reconciler init` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.cli.init import starter_file
from reconciler.configuration import load, sections
from reconciler.errors import ConfigurationError
from reconciler.settings import DeliveryKind, ForgeKind

if TYPE_CHECKING:
    from pathlib import Path


def test_a_filled_starter_file_loads(tmp_path: Path) -> None:
    """What `init` writes is a configuration with every default in place."""
    file = tmp_path / "reconciler.yaml"
    text = starter_file(
        repository_url="https://git.example/ana/shop.git",
        forge_kind="gitea",
        forge_url="https://git.example/api/v1",
        forge_repository="ana/shop: #1",
        prometheus_url="http://prometheus:9090",
        alertmanager_url="http://alertmanager:9093",
        delivery_kinds=("flux", "argocd", "flux"),
    )
    file.write_text(text.replace("'ana/shop: #1'", "ana/shop"))
    loaded = load(file, {})

    assert "'ana/shop: #1'" in text
    assert (loaded.forge.kind, loaded.forge.repository) == (ForgeKind.GITEA, "ana/shop")
    assert loaded.forge.url == "https://git.example/api/v1"
    assert loaded.delivery.kinds == (DeliveryKind.FLUX, DeliveryKind.ARGOCD)


def test_an_empty_starter_file_lacks_only_what_is_required(tmp_path: Path) -> None:
    """The lines to fill in are exactly those that loading names."""
    file = tmp_path / "reconciler.yaml"
    file.write_text(starter_file())
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert [line.split()[1] for line in caught.value.message.splitlines()[1:]] == [
        "metrics.url",
        "alerts.url",
        "repository.url",
        "forge.repository",
    ]


def test_the_defaults_in_the_starter_file_are_true(tmp_path: Path) -> None:
    """Every commented key may be uncommented as it stands, and changes nothing."""
    text = starter_file(
        forge_repository="a/b", repository_url="r", prometheus_url="http://p", alertmanager_url="http://q"
    )
    bare, full = tmp_path / "bare.yaml", tmp_path / "full.yaml"
    bare.write_text(text)
    for model in sections().values():
        for key in model.model_fields:
            text = text.replace(f"  # {key}:", f"  {key}:")
    full.write_text(text)
    written = yaml.safe_load(text)

    assert {name: set(keys) for name, keys in written.items()} == {
        name: set(model.model_fields) for name, model in sections().items()
    }
    assert load(full, {}) == load(bare, {})
