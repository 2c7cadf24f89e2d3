"""Readers of the texts that fields hold, other than the product's own."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Options(configparser.RawConfigParser):
    """Options by their names as they are written."""

    def optionxform(self, optionstr: str) -> str:
        """Keep the name."""
        return optionstr


def inner_keys(text: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401
    """Yield the paths of scalars in a loaded text."""
    if isinstance(text, dict):
        for key, value in text.items():
            if isinstance(key, str) and key and "}" not in key:
                yield from inner_keys(value, (*path, key))
    elif isinstance(text, (str, int, float)) and path:
        yield path


def reader_of(name: str) -> Callable[[str], Any] | None:
    """Return how a text of this name is read."""
    readers: dict[str, Callable[[str], Any]] = {
        "yaml": lambda text: yaml.load(text, Loader=LOADER),  # noqa: S506 - a safe loader
        "yml": lambda text: yaml.load(text, Loader=LOADER),  # noqa: S506 - a safe loader
        "json": json.loads,
        "properties": read_properties,
        "ini": read_ini,
        "env": read_env,
    }
    return readers.get(name.rpartition(".")[2])


def read_ini(text: str) -> dict[str, Any]:
    """Read sections of options."""
    parser = _Options()
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def read_properties(text: str) -> dict[str, str]:
    """Read properties without escapes."""
    lines = (line.strip() for line in text.split("\n"))
    pairs = (re.split(r"\s*[=:]\s*", line, maxsplit=1) for line in lines if line and line[0] not in "#!")
    return {pair[0]: pair[1] for pair in pairs if len(pair) > 1}


def read_env(text: str) -> dict[str, str]:
    """Read lines that a shell could read."""
    lines = [line.removeprefix("export ") for line in text.split("\n") if line and not line.startswith("#")]
    words = (shlex.split(line) for line in lines)
    return dict(word[0].split("=", 1) for word in words if len(word) == 1 and "=" in word[0])
