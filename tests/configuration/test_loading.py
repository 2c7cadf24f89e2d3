"""The configuration file, and the environment over it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.configuration import _PATHS, load, sections
from reconciler.errors import ConfigurationError
from reconciler.settings import ForgeKind, Settings
from tests.configuration.files import MINIMAL


def test_the_required_keys_are_enough(file: Path) -> None:
    """Everything else has a default."""
    loaded = load(file, {})

    assert loaded.metrics.url == "http://prometheus:9090"
    assert loaded.guards.cooldown == timedelta(minutes=5)


def test_the_file_of_this_folder_is_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, `reconciler.yaml` here is read, and paths stay right after a change of folder."""
    monkeypatch.chdir(file.parent)
    loaded = load(None, {})

    assert loaded.ledger.path == str(file.parent / ".reconciler" / "ledger.db")


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    """The first step is named."""
    with pytest.raises(ConfigurationError, match="there is no configuration file") as caught:
        load(tmp_path / "reconciler.yaml", {})

    assert "`reconciler init`" in caught.value.remedy


def test_the_environment_wins_over_the_file(file: Path) -> None:
    """A deployment changes one value without another file; lists are separated by commas, words may be empty."""
    file.write_text(MINIMAL + "cluster: {name: blue, context: staging, namespaces: [a]}\n")
    environ = {
        "RECONCILER_METRICS__URL": "http://other:9090",
        "RECONCILER_METRICS__TIMEOUT": "3s",
        "RECONCILER_CLUSTER__NAMESPACES": "shop, web,",
        "RECONCILER_CLUSTER__CONTEXT": "",
        "RECONCILER_GUARDS__PAUSED": "true",
        "RECONCILER_GUARDS__ACTIONS_PER_HOUR": "7",
        "RECONCILER_FORGE__KIND": "gitea",
    }
    loaded = load(file, environ)

    assert (loaded.metrics.url, loaded.metrics.timeout) == ("http://other:9090", timedelta(seconds=3))
    assert (loaded.cluster.name, loaded.cluster.context) == ("blue", None)
    assert loaded.cluster.namespaces == ("shop", "web")
    assert (loaded.guards.paused, loaded.guards.actions_per_hour) == (True, 7)
    assert loaded.forge.kind is ForgeKind.GITEA


def test_tokens_in_the_environment_are_no_settings(file: Path) -> None:
    """Variables without a section, and those of others, are left alone."""
    environ = {"RECONCILER_GIT_TOKEN": "x", "RECONCILER_SERVICE_HOST": "y", "OTHER__KEY": "z"}

    assert load(file, environ) == load(file, {})


def test_empty_values_and_sections_mean_the_default(file: Path) -> None:
    """A starter file with everything commented out below a section is fine."""
    file.write_text(MINIMAL + "guards:\ncluster:\n  timeout:\n  context: ''\n  namespaces:\n")

    assert load(file, {}).cluster == Settings.model_validate(yaml.safe_load(MINIMAL)).cluster


def test_relative_paths_start_at_the_folder_of_the_file(file: Path) -> None:
    """The command may be run from anywhere; absolute paths and the home folder stay what they are."""
    text = (
        "ledger: {path: state/l.db}\npolicy: {folder: rego, operator_folder: /etc/rego}\ncluster: {kubeconfig: ~/k}\n"
    )
    file.write_text(MINIMAL + text)
    loaded = load(file, {"RECONCILER_FORGE__TOKEN_FILE": "token"})

    assert loaded.ledger.path == str(file.parent / "state" / "l.db")
    assert loaded.repository.mirror == str(file.parent / ".reconciler" / "mirror.git")
    assert (loaded.policy.folder, loaded.policy.operator_folder) == (str(file.parent / "rego"), "/etc/rego")
    assert loaded.forge.token_file == str(file.parent / "token")
    assert loaded.cluster.kubeconfig == str(Path("~/k").expanduser())
    assert loaded.repository.token_file is None


def test_every_path_among_the_settings_is_known_as_one() -> None:
    """A new setting that names a file must not depend on the folder of the command."""
    found = {
        (name, key)
        for name, model in sections().items()
        for key, field in model.model_fields.items()
        if any(word in str(field.description).split() for word in ("file;", "File", "Folder", "Path"))
    }

    assert found == {(name, key) for name, keys in _PATHS.items() for key in keys}


def test_loading_the_configuration_needs_no_vendor() -> None:
    """The import stays small: pydantic and PyYAML are all it takes."""
    program = "import sys, reconciler.configuration\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {"kubernetes", "github", "pygit2", "pydantic_settings", "yaml", "jinja2"}.isdisjoint(loaded)
