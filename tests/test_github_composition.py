"""Which identity the settings mean on GitHub, and the combinations that are refused with what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.composition import Composition
from reconciler.configuration import load
from reconciler.errors import ConfigurationError
from tests.sandbox.forge.keys import keys

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = {"RECONCILER_FORGE_TOKEN": "one", "RECONCILER_GIT_TOKEN": "two"}
APP = {"app_id": 12, "app_key_file": "key.pem"}


def made(folder: Path, environ: dict[str, str], **sections: dict[str, Any]) -> Composition:
    """Return the adapters of a configuration; the App's key lies beside it."""
    (folder / "key.pem").write_text(keys().private)
    config = {
        "metrics": {"url": "http://prometheus"},
        "alerts": {"url": "http://alertmanager"},
        "repository": {"url": "https://github.com/o/r.git", **sections.get("repository", {})},
        "forge": {"repository": "o/r", **sections.get("forge", {})},
        "ledger": sections.get("ledger", {}),
    }
    file = folder / "reconciler.yaml"
    file.write_text(yaml.safe_dump(config))
    return Composition(load(file, environ), environ)


def test_app_needs_no_token_anywhere(tmp_path: Path) -> None:
    """Forge, Git and the ledger on a reference are all built from its key alone; its id may be a number."""
    composition = made(tmp_path, {}, forge=APP, repository={"commits": "api"}, ledger={"kind": "git_ref"})

    assert composition.settings.forge.app_id == "12"
    assert None not in (composition.forge, composition.repository, composition.ledger)


def test_key_may_come_from_the_environment(tmp_path: Path) -> None:
    """On one line, too, as some secret stores hand it out."""
    environ = {"RECONCILER_APP_KEY": keys().private.replace("\n", "\\n"), "RECONCILER_FORGE__APP_ID": "Iv23li0"}

    assert made(tmp_path, environ).forge is not None


@pytest.mark.parametrize(
    ("sections", "code"),
    [
        ({"forge": {"app_id": 12}}, "configuration.key"),
        ({"forge": {**APP, "app_key_file": "missing.pem"}}, "configuration.key"),
        ({"forge": {**APP, "app_key_file": "reconciler.yaml"}}, "github.app_key"),
        ({"forge": {**APP, "kind": "gitea", "url": "https://gitea.example"}}, "forge.app_elsewhere"),
        ({"forge": APP, "repository": {"url": "https://elsewhere.example/o/r.git"}}, "github.other_place"),
        ({"repository": {"commits": "api"}}, "git.commits_by_api"),
        (
            {"repository": {"commits": "api"}, "forge": {"kind": "gitea", "url": "https://g.example"}},
            "git.commits_by_api",
        ),
    ],
)
def test_what_cannot_work_is_a_wrong_configuration(
    tmp_path: Path, sections: dict[str, dict[str, Any]], code: str
) -> None:
    """Before anything is asked, with the remedy, and without a word of a secret."""
    composition = made(tmp_path, TOKENS, **sections)

    with pytest.raises(ConfigurationError) as caught:
        assert None not in (composition.repository, composition.forge)

    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
    assert "PRIVATE KEY" not in str(caught.value)


def test_without_an_app_there_are_tokens(tmp_path: Path) -> None:
    """As before: one for the forge, one for Git."""
    composition = made(tmp_path, TOKENS)

    assert None not in (composition.forge, composition.repository)
    with pytest.raises(ConfigurationError):
        assert made(tmp_path, {}).forge is None
