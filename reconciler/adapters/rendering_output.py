"""Rendered YAML as objects; it is as untrusted as the files that it was made from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from reconciler.errors import Refusal, foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.rendering import Rendered

_LEFT = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")  # to YAML 1.1 alone more than text
_MAX_DEPTH = 100  # parsers crash far above, real objects stay far below
_MAX_ALIASES = 16  # each may double what it stands for


def objects(output: bytes) -> tuple[Rendered, ...]:
    """Return the objects of a rendering, those inside lists too; empty documents are none.

    Raises Refusal when it is not YAML, not objects, or made to crash its reader.
    """
    import yaml

    try:
        text = output.decode()
        _refuse_hostile(text)
        documents = list(yaml.load_all(text, Loader=_loader()))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        problem = foreign_text(getattr(error, "problem", None) or "unreadable characters")
        _refuse(f"what is rendered is not valid YAML: {problem}")
    return tuple(found for document in documents for found in _objects(document))


def _objects(document: Any) -> Iterator[Rendered]:  # noqa: ANN401 - whatever YAML holds
    if document is None:
        return
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        _refuse("what is rendered is not an object with a kind")
    items = document.get("items")
    if document["kind"].endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item)
        return
    metadata = document.get("metadata")
    name, stem = (metadata.get("name"), metadata.get("generateName")) if isinstance(metadata, dict) else (None, None)
    if not isinstance(name, str) and isinstance(stem, str) and stem:
        yield document | {"metadata": {**document["metadata"], "name": stem}}  # a hook, named anew with each sync
        return
    if not isinstance(name, str):
        _refuse(f"a {foreign_text(document['kind'])} is rendered without a name")
    yield document


def _refuse(message: str) -> NoReturn:
    raise Refusal(code="rendering.unreadable", message=message, remedy="mend the source in Git")


def _refuse_hostile(text: str) -> None:
    """Stop at the caps while the text is only a stream of events, before anything deep is built."""
    import yaml
    from yaml import events

    depth = aliases = 0
    for event in yaml.parse(text, Loader=_loader()):
        depth += isinstance(event, events.CollectionStartEvent) - isinstance(event, events.CollectionEndEvent)
        aliases += isinstance(event, events.AliasEvent)
        if depth > _MAX_DEPTH or aliases > _MAX_ALIASES:
            _refuse("what is rendered nests too deep or repeats itself too often")


@cache
def _loader() -> type[Any]:
    """Return a safe loader that leaves dates and a lone `=` as text, as Kubernetes does."""
    import yaml

    base: type[Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    loader = type("Loader", (base,), {})
    loader.yaml_implicit_resolvers = {  # type: ignore[attr-defined] # PyYAML's own class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LEFT]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    return loader
