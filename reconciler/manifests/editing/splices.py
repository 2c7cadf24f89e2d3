"""Make planned edits of a text, and prove that nothing else became different.

Protects invariant 5: only the lines that the edits name differ, and the result, parsed again, says exactly what it
must: what the text said, but for the named parts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from reconciler.errors import Refusal
from reconciler.manifests.editing.parts import Content, content, refuse, scan
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.manifests.editing.page import Page


class Edit(NamedTuple):
    """Characters of the text that a token takes the place of, and what becomes of the parts there."""

    start: int
    end: int
    token: str
    number: int  # of the first part that goes, or before which others come
    gone: int  # how many parts go
    content: tuple[Content, ...] = ()  # of the parts that come
    lines: int = 0  # that are added, or with a minus dropped; without, the edit stays on its line


def scalar(value: str, style: str | None) -> Content:
    """Return what a scalar part says."""
    return ("scalar", None, None, style, value)


def edited(page: Page, edits: Sequence[Edit], *, max_changed_lines: int) -> str:
    """Return the text with all edits made; refuses when the result cannot be proven right."""
    ordered = sorted(edits, key=lambda e: (e.start, e.number))
    _refuse_overlap(page, ordered)
    after = _applied(page.text, ordered)
    if after == page.text:
        refuse("no_change", "the file says so already", "nothing is to be done")
    _refuse_other_lines(page, after, ordered, max_changed_lines)
    refuse_other_content(after, _expected(page, ordered))
    return after


def refuse_other_content(after: str, expected: Sequence[Content]) -> None:
    """Parse an edited text, and refuse it when all of it together does not say exactly what is expected."""
    try:
        actual = content(scan(after))
    except Refusal as error:
        refuse_unproven(error.message)
    if actual != expected:
        refuse_unproven("something else in the file would change its meaning")


def refuse_unproven(why: str) -> NoReturn:
    """Refuse an edit of which it cannot be shown that it does what was meant, and nothing else."""
    refuse("recheck_failed", f"the edit cannot be proven right: {why}", "edit the file by hand")


def _refuse_overlap(page: Page, ordered: Sequence[Edit]) -> None:
    for edit, following in pairwise(ordered):
        if following.start < edit.end or following.number < edit.number + edit.gone:
            refuse("duplicate_change", "two changes name the same field, or one within the other", "propose one")
        if (
            following.start == following.end == edit.end
            and not edit.token
            and not page.text.endswith("\n", 0, edit.end)
        ):
            refuse("duplicate_change", "one change adds something where another one removes it", "propose one")
    for edit in ordered:
        if not edit.lines and ("\n" in page.text[edit.start : edit.end] or "\r" in page.text[edit.start : edit.end]):
            refuse("multi_line", "the present value spans several lines", "edit it by hand")


def _applied(text: str, ordered: Sequence[Edit]) -> str:
    """Return the text with every token in its place; a text that ends without a line break still does."""
    pieces, at = [], 0
    for edit in ordered:
        pieces += [text[at : edit.start], edit.token]
        at = edit.end
    after = "".join([*pieces, text[at:]])
    if not text.endswith("\n") and after.endswith("\n"):
        return after.removesuffix("\n").removesuffix("\r")
    return after


def _refuse_other_lines(page: Page, after: str, ordered: Sequence[Edit], limit: int) -> None:
    """Compare line by line: what changed must be lines that the edits name, and not too many."""
    final = "" if page.text.endswith("\n") else page.line_break(len(page.text))
    old, new = (page.text + final).split("\n"), (after + final).split("\n")
    changed, same = set[int](), True
    at = shift = added = 0
    for edit in ordered:
        line = page.text.count("\n", 0, edit.start)
        own = line + (edit.lines > 0)  # lines come after the one that they are added to, which stays
        same = same and (at >= own or old[at:own] == new[at + shift : own + shift])
        if edit.lines == 0 and old[line : line + 1] != new[line + shift : line + shift + 1]:
            changed.add(line)
        at = max(at, own + (edit.lines == 0) - min(edit.lines, 0))
        shift += edit.lines
        added += abs(edit.lines)
    if not same or old[at:] != new[at + shift :]:
        refuse_unproven("lines that no change names would differ")
    if len(changed) + added > limit:
        message = f"{counted(len(changed) + added, 'line')} would change, more than {limit}"
        refuse("too_many_lines", message, "propose fewer changes")


def _expected(page: Page, ordered: Sequence[Edit]) -> list[Content]:
    """Return what the result must say: what the text says, with the named parts new."""
    before = content(page.parts)
    expected, at = list[Content](), 0
    for edit in ordered:
        expected += [*before[at : edit.number], *edit.content]
        at = edit.number + edit.gone
    return expected + before[at:]
