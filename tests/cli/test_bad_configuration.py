"""Wrong configuration files and variables: the exact line, its remedy and exit code 2, and no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.bad import error, told

if TYPE_CHECKING:
    from tests.cli.desk import Desk

_MEND = "mend what is named; docs/reference/configuration.md describes every key"
_FLOW = "while parsing a flow mapping, did not find expected ',' or '}'"
_LINE = "mend that line; `reconciler init` writes a file to compare with"
_DURATION = "is not a duration: write a number and a unit, such as 500ms, 30s, 5m, 1h or 7d"


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        (
            "metrics: {url: http://x\nalerts",
            f"./reconciler.yaml:3:1: {_FLOW} [configuration.syntax]",
            _LINE,
        ),
        (
            "- a list\n",
            "./reconciler.yaml:1:1: the top must be sections, such as `metrics:` [configuration.syntax]",
            _LINE,
        ),
        (
            (
                "alerts: {url: http://u}\nmetrics: {url: http://u, timeuot: 5s}\n"
                "repository: {url: u}\nforge: {repository: a/b}\n"
            ),
            "./reconciler.yaml:2:26: metrics.timeuot is unknown; did you mean timeout? [configuration.invalid]",
            _MEND,
        ),
        (
            (
                "alerts: {url: http://u}\nmetrics: {url: http://u, timeout: soon}\n"
                "repository: {url: u}\nforge: {repository: a/b}\n"
            ),
            f"./reconciler.yaml:2:26: metrics.timeout {_DURATION} [configuration.invalid]",
            _MEND,
        ),
        (
            "alerts: {url: http://u}\nmetrics: {url: [1]}\nrepository: {url: u}\nforge: {repository: a/b}\n",
            "./reconciler.yaml:2:11: metrics.url must be text; put it in quotes [configuration.invalid]",
            _MEND,
        ),
        (
            b"\xff\xfe",
            "./reconciler.yaml cannot be read: it is not UTF-8 text [configuration.unreadable]",
            "check the name and that this user may read the file",
        ),
        (
            None,
            "there is no configuration file ./reconciler.yaml [configuration.missing]",
            "write one with `reconciler init`, or name yours with --config",
        ),
    ],
)
def test_a_wrong_configuration_file(desk: Desk, text: str | bytes | None, message: str, remedy: str) -> None:
    """The place, the key and what is wrong with it, in the way editors follow; exit code 2."""
    file = desk.folder / "reconciler.yaml"
    file.unlink()
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    result = desk.run("status")

    assert (result.exit_code, result.stdout) == (2, "")
    assert told(result, desk) == error(message, remedy)


def test_several_mistakes_of_a_configuration_are_told_at_once(desk: Desk) -> None:
    """A line for each, below the one that counts them."""
    (desk.folder / "reconciler.yaml").write_text("metrics: {url: http://u}\nalerts: {url: http://u}\n")

    result = desk.run("status")

    assert told(result, desk) == (
        "error: 2 mistakes in the configuration: [configuration.invalid]\n"
        "  ./reconciler.yaml:1:1: repository.url is required: HTTPS address, the same as in the Applications.\n"
        "  ./reconciler.yaml:1:1: forge.repository is required: owner/name.\n"
        f"remedy: {_MEND}\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RECONCILER_GUARDS__COOLDOWN", "soon", f"guards.cooldown {_DURATION}"),
        ("RECONCILER_GUARDS__PAUSD", "true", "guards.pausd is unknown; did you mean paused?"),
        ("RECONCILER_FORGE__KIND", "svn", "forge.kind must be 'github' or 'gitea'"),
    ],
)
def test_a_wrong_variable_is_named(desk: Desk, variable: str, value: str, message: str) -> None:
    """A variable wins over the file, so it is what has to be mended."""
    result = desk.run("status", **{variable: value})

    assert result.exit_code == 2
    assert told(result, desk) == error(f"{variable}: {message} [configuration.invalid]", _MEND)
