"""Change single values in a file that need not be a manifest: values files, kustomizations, patches, lists of them.

A spot is a scalar of one parsed text, or a scalar of the YAML that a literal block (`patch: |`) holds, or of the JSON
that stands in single quotes (`patch: '[…]'`). Protects invariant 5 as `edit` does: the token is spliced in at the
parser's marks, then the result is parsed again and all of it compared with what it must be, on both levels where there
are two.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.editing.parts import Part, content, decode, refuse, scan, split_bom
from reconciler.manifests.editing.scalars import ScalarType, in_words, intended_type, plain_type, writable, write_scalar
from reconciler.manifests.editing.splices import refuse_other_content, refuse_unproven, scalar
from reconciler.model.objects import FieldPath, format_path

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spot(NamedTuple):
    """One value in a file, by its place in the parse of exactly this content, and what it becomes."""

    part: int  # number in the file
    inner: int | None  # number in the text of the literal block that the part is; None: the part is the value
    field: FieldPath  # for its type, and for messages
    before: str
    after: str


class _Splice(NamedTuple):
    """Characters of the file that are replaced, and the part's new content."""

    start: int
    end: int
    token: str
    part: int
    style: str | None
    value: str


def edit_spots(data: bytes, spots: Sequence[Spot], *, max_bytes: int) -> bytes:
    """Return the file with these values replaced.

    Raises Refusal, with a code `edit.…`, when one of them cannot be replaced without doubt.
    """
    bom, text = split_bom(decode(data, max_bytes))
    parts = scan(text)
    blocks = sorted({spot.part for spot in spots if spot.inner is not None})
    splices = [_splice(parts[spot.part], spot, text) for spot in spots if spot.inner is None]
    for block in blocks:
        splices += _splices_inside(parts[block], [s for s in spots if s.part == block], text)
    edited = text
    for splice in sorted(splices, key=lambda s: s.start, reverse=True):
        edited = edited[: splice.start] + splice.token + edited[splice.end :]
    _recheck(text, parts, edited, splices)
    return (bom + edited).encode()


def refuse_broken_json(path: str, content: bytes) -> None:
    """Refuse a JSON file that an edit would leave as YAML only: a value without quotes in the place of a number."""
    try:
        if path.endswith(".json"):
            json.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        refuse("json", f"{path} would be JSON no more", "edit it by hand")


def _splice(part: Part, spot: Spot, text: str) -> _Splice:
    token, style = _written(part, spot)
    if "\n" in text[part.start : part.end]:
        refuse("multi_line", f"{format_path(spot.field)} spans several lines", "edit it by hand")
    return _Splice(part.start, part.end, token, part.number, style, spot.after)


def _written(part: Part, spot: Spot) -> tuple[str, str | None]:
    """Return the new token and its style; refuse a value that is not one on its own, or of another type."""
    name = format_path(spot.field)
    if not writable(spot.after):
        refuse("unprintable_value", f"the new value of {name} is not one visible line", "propose another")
    if part.role != "scalar" or part.value != spot.before:
        refuse("stale", f"{name} is not {spot.before} in Git", "run `reconciler plan` again")
    if part.anchor is not None or part.tag is not None:
        refuse("anchor", f"{name} carries an anchor or a tag", "edit it by hand")
    if part.style in ("|", ">"):
        refuse("block_scalar", f"{name} is a block of text", "edit it by hand")
    current = plain_type(part.value) if part.style is None else ScalarType.STRING
    kind = intended_type(spot.field, current, spot.after)
    if kind is None or current is ScalarType.NULL:
        refuse("type_change", f"{name} holds {in_words(current)}, which the new one is not", "edit it by hand")
    return write_scalar(spot.after, kind, part.style)


def _splices_inside(block: Part, spots: Sequence[Spot], text: str) -> list[_Splice]:
    """Return the splices in one literal block, or text in single quotes; each names the block's whole new content."""
    inner = block.value or ""
    as_written = block.style == "'" and text[block.start + 1 : block.end - 1] == inner
    if block.role != "scalar" or not (block.style == "|" or as_written) or block.anchor or block.tag:
        refuse("block_scalar", "the value stands in text that is no plain literal block", "edit it by hand")
    parts = scan(inner)
    places = [_splice(parts[spot.inner], spot, inner) for spot in spots if spot.inner is not None]
    edited = inner
    for place in sorted(places, key=lambda s: s.start, reverse=True):
        edited = edited[: place.start] + place.token + edited[place.end :]
    _recheck(inner, parts, edited, places)
    if not as_written:
        return [_outside(block, place, inner, edited, text) for place in places]
    if "'" in edited:
        refuse("quotes", "the new value would end the quotes around it", "edit it by hand")
    shift = block.start + 1
    return [_Splice(shift + p.start, shift + p.end, p.token, block.number, "'", edited) for p in places]


def _outside(block: Part, place: _Splice, inner: str, edited: str, text: str) -> _Splice:
    """Translate a splice from the block's text to the file's: the same line below the header, behind the indent."""
    line = inner.count("\n", 0, place.start)
    column = place.start - (inner.rfind("\n", 0, place.start) + 1)
    wanted = inner.split("\n")[line]
    raw = text[block.start : block.end].split("\n")
    there = raw[line + 1] if line + 1 < len(raw) else ""
    indent = len(there) - len(wanted)
    if indent < 0 or there != " " * indent + wanted:
        refuse_unproven("the block's lines are not found again")
    start = block.start + sum(len(row) + 1 for row in raw[: line + 1]) + indent + column
    return _Splice(start, start + place.end - place.start, place.token, block.number, "|", edited)


def _recheck(before: str, parts: Sequence[Part], edited: str, splices: Sequence[_Splice]) -> None:
    """Parse the result and compare all of it, and its lines, with what they must be."""
    if len({splice.start for splice in splices}) < len(splices):
        refuse("duplicate_change", "two changes name the same value", "propose one of them")
    if before.count("\n") != edited.count("\n"):
        refuse_unproven("lines would come or go")
    old, new = before.split("\n"), edited.split("\n")
    changed = {number for number, lines in enumerate(zip(old, new, strict=True)) if lines[0] != lines[1]}
    if changed != {before.count("\n", 0, splice.start) for splice in splices}:
        refuse_unproven("other lines would differ")
    expected = content(parts)
    for splice in splices:
        expected[splice.part] = scalar(splice.value, splice.style)
    refuse_other_content(edited, expected)
