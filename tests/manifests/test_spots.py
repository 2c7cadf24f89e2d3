"""Values in files that are no manifests: exactly the named lines change, inside literal blocks too."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.editing.spots import edit_spots
from reconciler.manifests.rendering.candidates import candidates
from tests.manifests.rendering import WEB, raised

INLINE = """\
# the overlay
patches:
  - target: {kind: Deployment}
    patch: |-

      - op: replace
        path: /spec/template/spec/containers/0/resources/limits/memory
        value: 512Mi  # for the sale

      - op: test
        path: /x
        value: "512Mi"
images:
  - name: web
    newTag: "1.0"
"""


def edited(text: str, number: int = 0) -> str:
    """Change the candidate of that number."""
    data = text.encode()
    found = candidates(raised(), WEB, {"f.yaml": data}, ["f.yaml"], max_bytes=10_000)
    return edit_spots(data, [found[number].spot], max_bytes=10_000).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 512Mi # x\n", "a: 1Gi # x\n"),
        ("a: '512Mi'", "a: '1Gi'"),
        ('a:\r\n  - "512Mi"\r\n', 'a:\r\n  - "1Gi"\r\n'),
        ("\ufeffa: {b: 512Mi, c: 1}\n", "\ufeffa: {b: 1Gi, c: 1}\n"),
        ("- [a, 512Mi]\n", "- [a, 1Gi]\n"),
        ("x: &d\n  a: 512Mi\ny: *d\n", "x: &d\n  a: 1Gi\ny: *d\n"),
    ],
)
def test_value_is_replaced_in_its_authors_style(before: str, after: str) -> None:
    """Quotes, comments, line ends and marks stay; the last is proven by rendering like every other."""
    assert edited(before) == after


@pytest.mark.parametrize(("number", "line"), [(0, "value: 512Mi  #"), (1, 'value: "512Mi"')])
def test_value_inside_a_literal_block_is_replaced_there(number: int, line: str) -> None:
    """An inline patch is YAML in YAML: one line changes, on both levels."""
    assert edited(INLINE, number) == INLINE.replace(line, line.replace("512Mi", "1Gi"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x 512Mi\nb: *x\n", "edit.anchor"),
        ("a: !!str 512Mi\n", "edit.anchor"),
        ("p: &x |\n  a: 512Mi\n", "edit.block_scalar"),
    ],
)
def test_value_with_marks_of_its_own_is_refused(text: str, code: str) -> None:
    """Invariant 5: a plain splice would delete them."""
    with pytest.raises(Refusal) as refused:
        edited(text)

    assert refused.value.code == code


def test_folded_text_holds_no_candidates() -> None:
    """Its lines are not what they seem."""
    found = candidates(raised(), WEB, {"f.yaml": b"p: >\n  a: 512Mi\n"}, ["f.yaml"], max_bytes=1000)

    assert found == ()


def test_content_that_moved_is_stale() -> None:
    """A spot holds for exactly the content that it was found in."""
    (found,) = candidates(raised(), WEB, {"f.yaml": b"a: 512Mi\n"}, ["f.yaml"], max_bytes=1000)

    with pytest.raises(Refusal) as refused:
        edit_spots(b"a: 768Mi\n", [found.spot], max_bytes=1000)

    assert refused.value.code == "edit.stale"


def test_several_values_of_one_file_are_replaced_at_once() -> None:
    """Plain ones and two of one block."""
    text = f"limit: 512Mi\n{INLINE}"
    data = text.encode()
    found = candidates(raised(), WEB, {"f.yaml": data}, ["f.yaml"], max_bytes=10_000)

    made = edit_spots(data, [c.spot for c in found], max_bytes=10_000).decode()

    assert made == text.replace("512Mi", "1Gi")
    assert len(found) == 3


QUOTED = """patches:
- patch: '[{"path": "/resources/limits/memory", "value": "512Mi"}, {"path": "/é", "value": "512Mi"}]' # "512Mi"
"""


def test_json_in_single_quotes_is_edited_inside() -> None:
    """One value, or several of the same text."""
    data = QUOTED.encode()
    found = candidates(raised(), WEB, {"f.yaml": data}, ["f.yaml"], max_bytes=10_000)

    assert edited(QUOTED) == QUOTED.replace("512Mi", "1Gi", 1)
    assert edit_spots(data, [c.spot for c in found], max_bytes=10_000).decode() == QUOTED.replace("512Mi", "1Gi", 2)


@pytest.mark.parametrize(
    "text",
    [
        QUOTED.replace("/é", "it''s"),
        QUOTED.replace("}, {", "},\n    {"),
        QUOTED.replace("patch: '", "patch: !x '"),
        QUOTED.replace("patch: '", "patch: &x '"),
    ],
)
def test_json_in_quotes_that_is_not_as_written_is_refused(text: str) -> None:
    """Escaped quotes, several lines, an anchor or a tag: where the value stands is not what the parser says of it."""
    with pytest.raises(Refusal) as refused:
        edited(text)

    assert refused.value.code == "edit.block_scalar"
