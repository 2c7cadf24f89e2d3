"""From files to objects, as Argo CD's repository server reads a plain directory.

YAML of several documents and JSON of one; a file that is no manifest is passed over; one that looks like a manifest
and cannot be parsed is an error with the parser's words.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery import globs
from reconciler.sandbox.delivery.git import SourceError, not_in_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

    from reconciler.sandbox.delivery.git import File, Folder

Json = dict[str, Any]

_MANIFEST = re.compile(r".*\.(yaml|yml|json|jsonnet)", re.DOTALL)
_SEPARATOR = re.compile(r"---\s*(#.*)?")
_SKIP = b"+argocd:skip-file-rendering"
_LOOKS_LIKE_ONE = ("apiVersion:", "kind:", "metadata:")


def objects_of(folder: Folder, directory: Json) -> list[Json]:
    """Return the objects of a folder, lists expanded, in the order of the files.

    `directory` is the source's own: recurse, include, exclude. Raises SourceError.
    """
    if any((directory.get("jsonnet") or {}).values()):
        raise not_in_sandbox("evaluate Jsonnet")
    found: list[Json] = []
    for file in folder.files(recurse=directory.get("recurse") is True):
        if _is_wanted(file, directory):
            found.extend(_expanded(_objects(file)))
    return found


def _is_wanted(file: File, directory: Json) -> bool:
    include, exclude = directory.get("include"), directory.get("exclude")
    if not _MANIFEST.fullmatch(file.name) or (exclude and globs.matches(exclude, file.path)):
        return False
    return not (include and not globs.matches(include, file.path)) and _SKIP not in file.content


def _objects(file: File) -> list[Json]:
    if file.name.endswith(".jsonnet"):
        raise not_in_sandbox("evaluate Jsonnet")
    text = file.content.decode("utf-8", "replace").removeprefix("\N{BYTE ORDER MARK}")
    return _of_json(file.name, text) if file.name.endswith(".json") else _of_yaml(file.name, text)


def _of_json(name: str, text: str) -> list[Json]:
    try:
        value, end = json.JSONDecoder().raw_decode(text.lstrip())
        found = _checked(value)
    except ValueError as error:
        raise _unreadable(name, str(error)) from None
    if text.lstrip()[end:].strip():
        raise SourceError(
            f'Found multiple objects in "{name}". Only single objects are allowed in JSON files.', "FailedPrecondition"
        )
    return [found]


def _of_yaml(name: str, text: str) -> list[Json]:
    found: list[Json] = []
    try:
        for document in _documents(text):
            value = _loaded(document)
            if value is not None:
                found.append(_checked(value))
    except ValueError as error:
        if found or all(word in text for word in _LOOKS_LIKE_ONE):
            raise _unreadable(name, f"failed to unmarshal manifest: {error}") from None
    return found


def _unreadable(name: str, why: str) -> SourceError:
    return SourceError(f'Failed to unmarshal "{name}": {why}', "FailedPrecondition")


def _documents(text: str) -> Iterator[str]:
    """Split as Kubernetes does, so that line numbers of errors count from the document's beginning."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if _SEPARATOR.fullmatch(line.rstrip()):
            if lines:
                yield "".join(lines)
            lines = []
        else:
            lines.append(line)
    if lines:
        yield "".join(lines)


def _loaded(document: str) -> Any:  # noqa: ANN401 - YAML of any shape
    """Return a document's value. Raises ValueError with the words of Go's parser."""
    import yaml

    try:
        return yaml.load(document, _loader())  # noqa: S506 - a SafeLoader with fewer types
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"error converting YAML to JSON: yaml: {_place(error)}{error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: yaml: {error}") from None


def _place(error: yaml.MarkedYAMLError) -> str:
    """Return the line as Go's port of the parser counts it."""
    import yaml

    later = isinstance(error, yaml.scanner.ScannerError)  # only these are counted from one
    for mark in (error.problem_mark, error.context_mark):
        if mark is not None and mark.line:
            return f"line {mark.line + later}: "
    return ""


@cache
def _loader() -> type[yaml.SafeLoader]:
    """Return a loader that leaves dates and clock times as text, as Go's does."""
    import yaml

    fast: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: type[yaml.SafeLoader] = type("Loader", (fast,), {})
    kept = {
        first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":timestamp", ":int", ":float"))]
        for first, pairs in fast.yaml_implicit_resolvers.items()
    }
    loader.yaml_implicit_resolvers = kept
    loader.add_implicit_resolver(
        "tag:yaml.org,2002:int",
        re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z"),
        list("-+0123456789"),
    )
    loader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"([-+]?((\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN))\Z"),
        list("-+0123456789."),
    )
    return loader


def _checked(value: object) -> Json:
    """Return an object. Raises ValueError, as Kubernetes' decoder does, when it is none."""
    if not isinstance(value, dict) or not value.get("kind"):
        shown = json.dumps(value, separators=(",", ":"), default=str, sort_keys=True)
        raise ValueError(f"error unmarshaling JSON: while decoding JSON: Object 'Kind' is missing in '{shown}'")
    found: Json = json.loads(json.dumps(value, default=str))  # keys become text, as in JSON
    return found


def _expanded(objects: list[Json]) -> Iterator[Json]:
    for each in objects:
        items = each.get("items")
        if isinstance(items, list) and f"{each['kind']}".endswith("List"):
            yield from items
        elif not ("items" in each and items is None and not {"spec", "status"} & each.keys()):
            yield each
