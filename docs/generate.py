#!/usr/bin/env python3
"""Write the pages of `docs/reference/` that repeat what the code knows: `python docs/generate.py [--check]`.

With --check nothing is written; the exit code says whether every page is fresh.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Union, get_args, get_origin

from reconciler.cli.init import as_yaml
from reconciler.configuration import sections, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

FOLDER = Path(__file__).parent / "reference"

_CONFIGURATION = f"""\
<!-- Written by docs/generate.py from reconciler/settings/; change it there. -->

# Configuration

`reconciler` reads `reconciler.yaml` in the current folder, or the file named with `--config`.
`reconciler init` writes one that holds every key below, commented.

- An environment variable wins over the file: `{variable("metrics", "url")}` over `url` in the section `metrics`.
  Lists are separated by commas there.
- An unknown key is an error that names its line and the closest known key.
- An empty value means the default.
- A duration is a number and a unit: `500ms`, `30s`, `5m`, `1h`, `7d`.
- A relative path starts at the folder of the file.
- Tokens never stand in the file: `token_env` names the environment variable that holds one, `token_file` a file.
"""

_TYPE_NAMES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def configuration() -> str:
    """Return the page about `reconciler.yaml`."""
    blocks = [_CONFIGURATION]
    for name, model in sections().items():
        heading = f"## {name}\n\n{model.__doc__}\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n"
        blocks.append(heading + "".join(_rows(model)))
    return "\n".join(blocks)


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        default = as_yaml(field.default) if not field.is_required() else ""
        shown = "**required**" if field.is_required() else f"`{default}`" if default else "empty"
        yield f"| `{key}` | {_type(field)} | {shown} | {_prose(field.description)} |\n"


def _type(field: FieldInfo) -> str:
    """Name a type as a reader of YAML knows it, with its bounds."""
    bounds = [
        f"{sign} {getattr(rule, name):.12g}"
        for rule in field.metadata
        for name, sign in _BOUNDS.items()
        if hasattr(rule, name)
    ]
    return ", ".join([_type_name(field.annotation), *bounds])


def _type_name(annotation: object) -> str:
    if get_origin(annotation) in (Union, UnionType):  # a value that may be empty
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    if members := getattr(annotation, "__members__", None):
        return " or ".join(f"`{member.value}`" for member in members.values())
    if get_origin(annotation) is tuple:
        return "list of text"
    return _TYPE_NAMES.get(annotation, "text")  # what is left is text that may be empty


def _prose(text: str | None) -> str:
    """Keep angle brackets and bars from being read as markup."""
    return (text or "").replace("<", "&lt;").replace("|", "\\|")


PAGES = {"configuration.md": configuration}


def main(*arguments: str) -> int:
    """Write every page, or with --check name those that are stale."""
    stale = 0
    for name, page in PAGES.items():
        file, text = FOLDER / name, page()
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            sys.stderr.write(f"{file.name} is stale: run `python docs/generate.py`\n")
        else:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
