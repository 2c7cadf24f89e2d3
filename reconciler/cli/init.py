"""The first configuration file, written from the settings themselves.

Protects: no key, default or description in it can differ from what the program knows.
"""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

_WIDTH = 100
_HEADING = """\
# The configuration of reconciler. A key that is commented out has the value shown, which is its default.
# Environment variables win over this file: RECONCILER_METRICS__URL over `url` below `metrics`.
# Relative paths start at this folder. Tokens are never written here; see token_env and token_file.
"""


def starter_file(
    *,
    repository_url: str | None = None,
    forge_kind: str | None = None,
    forge_url: str | None = None,
    forge_repository: str | None = None,
    prometheus_url: str | None = None,
    alertmanager_url: str | None = None,
    delivery_kinds: Sequence[str] = (),
) -> str:
    """Return a commented reconciler.yaml; required values that are not given are left empty, to be filled in."""
    from reconciler.configuration import sections

    given = {
        ("repository", "url"): repository_url,
        ("forge", "kind"): forge_kind,
        ("forge", "url"): forge_url,
        ("forge", "repository"): forge_repository,
        ("metrics", "url"): prometheus_url,
        ("alerts", "url"): alertmanager_url,
        ("delivery", "kinds"): tuple(dict.fromkeys(delivery_kinds)),
    }
    blocks = [_HEADING]
    for name, model in sections().items():
        values = {key: value for (section, key), value in given.items() if section == name and value}
        blocks.append("\n".join(_section(name, model, values)) + "\n")
    return "\n".join(blocks)


def _section(name: str, model: type[BaseModel], given: Mapping[str, str | tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of one section: what is required or given stands, the rest is commented out."""
    yield from _comment(model.__doc__ or "", "")
    yield f"{name}:"
    for key, field in model.model_fields.items():
        required = field.is_required()
        yield from _comment(f"{'Required. ' if required else ''}{field.description}", "  ")
        value = given.get(key, None if required else field.default)
        mark = "" if required or key in given else "# "
        yield f"  {mark}{key}: {as_yaml(value)}".rstrip()


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def as_yaml(value: Any) -> str:  # noqa: ANN401 - any default of any setting
    """Write a setting's value on one line, as it would stand in the file; nothing for None."""
    import yaml

    from reconciler.settings import format_duration

    if value is None:
        return ""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        value = [str(item) if isinstance(item, str) else item for item in value]
    elif isinstance(value, str):
        value = str(value)  # an enumeration's member is its text
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")
