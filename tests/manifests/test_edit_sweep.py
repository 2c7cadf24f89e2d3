"""Edits of every field of every public manifest that is at hand: done, refused, and never wrong."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_fields
from reconciler.model.action import FieldChange
from reconciler.model.objects import FieldPath, Item, ObjectRef, format_path
from tests.manifests.sweep import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER = {int: "7", float: "7.5", bool: "true", str: "other:7"}
EXPECTED_REFUSALS = frozenset({"edit.identity_field", "edit.no_change", "edit.block_scalar"})
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True)
class Attempt:
    """One field of one object of a file, as another parser sees them."""

    text: str
    documents: list[Any]
    document: int
    target: ObjectRef
    path: FieldPath
    before: object

    @property
    def change(self) -> FieldChange:
        """Another value of the same type."""
        before = str(self.before).lower() if isinstance(self.before, bool) else str(self.before)
        return FieldChange(path=self.path, before=before, after=AFTER[type(self.before)])


@pytest.mark.long
@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public manifests are not beside the repository")
def test_no_edit_of_a_public_manifest_is_wrong() -> None:
    """Invariant 5: on real files an edit is right or refused for a known reason; there is no third case."""
    outcomes: Counter[str] = Counter()
    wrong = []
    for attempt in attempts():
        outcome = outcome_of(attempt)
        outcomes[outcome] += 1
        if outcome != "done" and outcome not in EXPECTED_REFUSALS:
            wrong.append(f"{attempt.target} {format_path(attempt.path)}: {outcome}")
    print(dict(outcomes.most_common()), f"wrong: {len(wrong)}")

    assert wrong == []
    assert outcomes["done"] > 1000


def attempts() -> Iterator[Attempt]:
    """Yield every scalar that can be named, of every object in every file that is YAML."""
    for file in sorted([*PUBLIC.rglob("*.yaml"), *PUBLIC.rglob("*.yml")]):
        text = file.read_bytes().decode()
        try:
            documents = load(text)
        except yaml.YAMLError:
            continue  # templates: not manifests yet
        for number, document in enumerate(documents):
            if isinstance(document, dict) and document.get("metadata", {}).get("name") and "apiVersion" in document:
                yield from (
                    Attempt(text, documents, number, reference(document), path, value)
                    for path, value in scalars(document, ())
                )


def load(text: str) -> list[Any]:
    """Construct every document; the files are trusted here."""
    return list(yaml.load_all(text, Loader=LOADER))


def reference(document: dict[str, Any]) -> ObjectRef:
    """Return the object that a loaded document describes."""
    group = document["apiVersion"].rpartition("/")[0]
    metadata = document["metadata"]
    namespace = metadata.get("namespace", "default")
    return ObjectRef(cluster="c", group=group, kind=document["kind"], namespace=namespace, name=metadata["name"])


def scalars(node: Any, path: FieldPath) -> Iterator[tuple[FieldPath, object]]:  # noqa: ANN401 - loaded YAML
    """Yield the scalars below a node, list items by their name where they have one."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from scalars(value, (*path, str(key)))
    elif isinstance(node, list):
        for item in node:
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                yield from scalars(item, (*path, Item("name", item["name"])))
    elif type(node) in AFTER and path[-1] != "name":
        yield path, node


def outcome_of(attempt: Attempt) -> str:
    """Return `done`, the code of the refusal, or what is wrong with the edit."""
    change = attempt.change
    try:
        edited = edit_fields(
            attempt.text.encode(), attempt.target, "default", [change], max_bytes=1_048_576, max_changed_lines=1
        ).decode()
    except Refusal as refused:
        return refused.code
    lines = list(zip(attempt.text.split("\n"), edited.split("\n"), strict=True))
    if sum(old != new for old, new in lines) != 1:
        return "wrong: lines"
    expected = copy.deepcopy(attempt.documents)
    node = expected[attempt.document]
    for step in attempt.path[:-1]:
        node = next(i for i in node if i.get(step.key) == step.value) if isinstance(step, Item) else node[step]
    node[attempt.path[-1]] = change.after if isinstance(attempt.before, str) else yaml.safe_load(str(change.after))
    return "done" if load(edited) == expected else "wrong: content"
