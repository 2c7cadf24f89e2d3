"""An overlay takes one entry more in its own style, and says nothing else than before."""

from __future__ import annotations

import pytest
import yaml

from reconciler.errors import Refusal
from reconciler.manifests.rendering.overlay import with_patch

ENTRY = {"path": "new.yaml", "target": {"kind": "Deployment", "name": "web"}}


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("resources:\n- a\n", "patches:\n- path: new.yaml\n  target:\n    kind: Deployment\n    name: web\n"),
        ("resources:\n  - a", "\npatches:\n  - path: new.yaml\n    target:\n      kind: Deployment\n      name: web\n"),
        (
            "\ufeff# only a comment\nnamespace: x\n",
            "patches:\n- path: new.yaml\n  target:\n    kind: Deployment\n    name: web\n",
        ),
    ],
)
def test_first_patch_comes_last_in_the_file(before: str, added: str) -> None:
    """With the indent of the file's other lists, and the line end that was missing."""
    assert with_patch(before.encode(), ENTRY, max_bytes=1000).decode() == before + added


@pytest.mark.parametrize(
    "before",
    [
        "patches:\n- path: old.yaml\nresources: [a]\n",
        "patches:\n  - path: old.yaml  # why\n    target: {kind: X}\n\n# words\nresources:\n- a\n",
        "patches:\n  - patch: |-\n      - op: add\n        path: /x\n        value: 1\n\n  # end\nnamePrefix: x\n",
        "patches:\n  -   path: old.yaml\n      target:\n        kind: X",
        "resources: [a]\npatches:\n  - patch: |\n      kind: X\n",
    ],
)
def test_further_patch_follows_the_last_one(before: str) -> None:
    """Every old line stays, in order; comments and blank lines below stay below."""
    after = with_patch(before.encode(), ENTRY, max_bytes=1000).decode()

    expected = yaml.safe_load(before)
    expected["patches"].append(ENTRY)
    assert yaml.safe_load(after) == expected
    old, new = before.splitlines(), after.splitlines()
    assert [line for line in new if line in old] == old
    assert len(new) == len(old) + 4


@pytest.mark.parametrize(
    "before",
    [
        "patches: [{path: a}]\n",
        "patches: []\n",
        "patches:\n",
        "patches: *x\n",
        "patches:\n- {path: a,\n   target: {}}\n",
        "{resources: [a]}\n",
        "- a\n",
        "a: 1\n---\nb: 2\n",
        "resources:\r\n- a\n",
        "a: {{ x }}\n",
    ],
)
def test_file_that_takes_no_line_without_doubt_is_refused(before: str) -> None:
    """Invariant 5: then the shared base is refused with an explanation instead."""
    with pytest.raises(Refusal) as refused:
        with_patch(before.encode(), ENTRY, max_bytes=1000)

    assert refused.value.code.startswith(("edit.", "rendering."))
