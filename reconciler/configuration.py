"""From `reconciler.yaml` and the environment to `Settings`, or to one error that lists every mistake with its place.

Protects: a misspelt key never means a silent default; the environment wins over the file; paths mean the same from
whatever folder the command is run; a token is read where it is used and never shown, and neither is a wrong value.

Rules that hold for every key: a variable `RECONCILER_<SECTION>__<KEY>` wins over the file, lists are separated by
commas there; an empty value means the default; relative paths start at the folder of the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_origin

from pydantic import ValidationError

from reconciler.document import Document, Location, read_document
from reconciler.errors import ConfigurationError, foreign_text
from reconciler.plain import counted
from reconciler.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

FILE_NAME = "reconciler.yaml"
PREFIX = "RECONCILER_"

_PATHS = {
    "cluster": ("kubeconfig",),
    "repository": ("mirror", "token_file"),
    "rendering": ("kustomize", "helm", "charts"),
    "forge": ("token_file", "app_key_file"),
    "policy": ("folder", "operator_folder"),
    "ledger": ("path",),
    "webhooks": ("secret_file",),
}
_SHORTEST_SECRET = 16  # characters; shorter ones can be tried through


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from the file (`reconciler.yaml` here when none is named) and the environment.

    Raises ConfigurationError that lists every mistake.
    """
    file = path or Path(FILE_NAME)
    document = read_document(file)
    data = {name: {} if keys is None else keys for name, keys in document.data.items()}
    variables = _overlay(data, environ)
    _drop_empty(data)
    origins = _Origins(document=document, variables=variables)
    mistakes = list(document.mistakes)
    try:
        settings = Settings.model_validate({name: {} for name in sections()} | data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        mistakes += [_mistake(e["loc"], e["type"], e["msg"], origins) for e in found]
        raise _invalid(mistakes) from None  # the cause would show the values
    if mistakes:
        raise _invalid(mistakes)
    return _anchored(settings, file.absolute().parent)


def sections() -> dict[str, type[BaseModel]]:
    """Return the sections of the file with the models that describe their keys."""
    return {name: cast("type[BaseModel]", field.annotation) for name, field in Settings.model_fields.items()}


def variable(section: str, key: str) -> str:
    """Name the environment variable that wins over a key of the file."""
    return f"{PREFIX}{section}__{key}".upper()


def read_token(token_file: str | None, token_env: str, environ: Mapping[str, str]) -> str:
    """Return the token from its file, or else from the environment variable that the configuration names.

    Raises ConfigurationError when there is none; no message ever holds a part of it.
    """
    if token_file:
        source, text = token_file, _read_secret(Path(token_file))
    else:
        source, text = f"environment variable {token_env}", environ.get(token_env, "")
    token = text.strip()
    if token and token.isprintable() and " " not in token:
        return token
    raise ConfigurationError(
        code="configuration.token",
        message=f"{source} holds {'more than a token' if token else 'no token'}",
        remedy=f"put the token alone into {source}, or name another place by token_file or token_env",
    )


def read_key(key_file: str | None, key_env: str, environ: Mapping[str, str]) -> str:
    r"""Return a private key's text from its file, or else from the variable, where `\n` may stand for a line's end.

    Raises ConfigurationError when there is none; no message ever holds a part of it.
    """
    if key_file:
        source, text = key_file, _read_secret(Path(key_file), "app_key_file")
    else:
        source, text = f"environment variable {key_env}", environ.get(key_env, "").replace("\\n", "\n")
    if text.strip():
        return text
    raise ConfigurationError(
        code="configuration.key",
        message=f"{source} holds no private key",
        remedy="put the App's private key (PEM) into it, or name another place by app_key_file or app_key_env",
    )


def read_secrets(secret_file: str | None, secret_env: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets of webhooks, one a line, from their file or else from the environment variable.

    Raises ConfigurationError when there is none or one is too short; no message ever holds a part of one.
    """
    if secret_file:
        source, text = secret_file, _read_secret(Path(secret_file), "secret_file")
    else:
        source, text = f"environment variable {secret_env}", environ.get(secret_env, "")
    secrets = tuple(line.strip() for line in text.splitlines() if line.strip())
    if secrets and all(len(secret) >= _SHORTEST_SECRET for secret in secrets):
        return secrets
    raise ConfigurationError(
        code="configuration.secret",
        message=f"{source} holds {f'a secret below {_SHORTEST_SECRET} characters' if secrets else 'no secret'}",
        remedy=f"put the webhook's secret into {source} (`openssl rand -hex 32` makes one), or name another place by"
        " webhooks.secret_file or webhooks.secret_env",
    )


def _read_secret(file: Path, key: str = "token_file") -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:  # its text would hold bytes of the file
        why = "it is no text"
    what = key.removesuffix("_file").removeprefix("app_")
    raise ConfigurationError(
        code=f"configuration.{what}",
        message=f"the {what} file {file} cannot be read: {why}",
        remedy=f"check {key} in the configuration, and that this user may read the file",
    )


def _overlay(data: dict[str, Any], environ: Mapping[str, str]) -> dict[Location, str]:
    """Put the variables of the environment over the file's values, and return which value came from which."""
    origins: dict[Location, str] = {}
    for name in sorted(environ):
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not name.startswith(PREFIX) or not separator:
            continue  # RECONCILER_GIT_TOKEN and its like are no settings
        keys = data.setdefault(section, {})
        if isinstance(keys, dict):  # otherwise the file is wrong there, and that is what is said
            keys[key] = _from_text(section, key, environ[name].strip())
            origins[section, key] = name
            if section not in sections():
                origins[section,] = name
    return origins


def _from_text(section: str, key: str, text: str) -> str | list[str]:
    model = sections().get(section)
    field = model.model_fields.get(key) if model else None
    if field and get_origin(field.annotation) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _drop_empty(data: dict[str, Any]) -> None:
    """Let an empty value mean the default; a required key that is empty is then reported as missing."""
    for keys in data.values():
        if isinstance(keys, dict):
            for key in [key for key, value in keys.items() if value is None or value == ""]:
                del keys[key]


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Let relative paths start at the folder of the file."""
    changes = {}
    for name, keys in _PATHS.items():
        section: BaseModel = getattr(settings, name)
        written = {key: getattr(section, key) for key in keys}
        paths = {key: str(folder / Path(value).expanduser()) for key, value in written.items() if value}
        changes[name] = section.model_copy(update=paths)
    return settings.model_copy(update=changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origins:
    """Where each value was written."""

    document: Document
    variables: Mapping[Location, str]

    def of(self, location: Location) -> str:
        """Name the variable, or the place in the file, of a value or of the nearest thing around it."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.variables:
                return self.variables[location[:length]]
            if location[:length] in self.document.places:
                return self.document.place(location[:length])
        return self.document.place(())


def _mistake(location: Location, kind: str, text: str, origins: _Origins) -> str:
    """Say where, which key, and what is wrong with it; never the value, which may be a secret."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
    return f"{origins.of(location)}: {foreign_text(path)} {_what_is_wrong(location, kind, text)}"


def _what_is_wrong(location: Location, kind: str, text: str) -> str:
    match kind:
        case "missing":
            section, key = map(str, location)
            return f"is required: {sections()[section].model_fields[key].description}"
        case "extra_forbidden":
            return f"is unknown; {_hint(*map(str, location))}"
        case "model_type":
            return "is a section: write its keys below it, indented"
        case "string_type":
            return "must be text; put it in quotes"
        case "tuple_type":
            return "must be a list, such as [a, b]"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number"
        case "too_short":
            return "must hold at least one"
        case _:
            text = text.removeprefix("Value error, ").replace("Input should be", "must be")
            return text if text.startswith("must") else f"is {text[0].lower()}{text[1:]}"


def _hint(*location: str) -> str:
    """Point to the known key that was most likely meant."""
    *parents, key = location
    known = sections()[parents[0]].model_fields if parents else sections()
    if close := difflib.get_close_matches(key, known, n=1):
        return f"did you mean {close[0]}?"
    if elsewhere := [f"{name}.{key}" for name, model in sections().items() if key in model.model_fields]:
        return f"did you mean {' or '.join(elsewhere)}?"
    return f"known here: {', '.join(known)}"


def _invalid(mistakes: Iterable[str]) -> ConfigurationError:
    lines = list(mistakes)
    return ConfigurationError(
        code="configuration.invalid",
        message=lines[0]
        if len(lines) == 1
        else "\n  ".join([f"{counted(len(lines), 'mistake')} in the configuration:", *lines]),
        remedy="mend what is named; docs/reference/configuration.md describes every key",
    )
