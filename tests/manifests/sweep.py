"""Many random edits of many files, each judged by another parser: done as it must be, or refused by name.

    python -m tests.manifests.sweep --edits 100000 --seed 1

The files are made up (`wild`) and found: public manifests (`RECONCILER_MANIFESTS`, or beside the repository), the
YAML of this repository and that of installed packages. Exit code 1 when an edit was wrong or changed other lines.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import os
import random
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import edit_document
from reconciler.manifests.editing.parts import MappingNode
from reconciler.model.action import FieldChange
from tests.manifests.attempts import Attempt, attempt, composed_documents, loaded_documents, walk
from tests.manifests.wild import Wild

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifests.editing.parts import Node

ROOT = Path(__file__).parents[2]
PUBLIC = Path(os.environ.get("RECONCILER_MANIFESTS", ROOT.parent / "shared" / "data" / "manifests"))
MAX_BYTES = 40_000  # of a found file: larger ones only cost time
EDITS_PER_FILE = 12
_LIMITS = {"max_bytes": 1_048_576, "max_changed_lines": 1_000}
_MANY = 400  # differing lines, beyond which the least difference is not looked for
_SHOWN = 5  # wrong edits that are printed whole


@dataclass
class Tally:
    """What came of the edits so far."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    inverse: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)  # of refusals, by code
    files: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0  # of processor time in the product alone
    floor: float = 0.0  # of two bare parses of the same texts, for those edits that were timed so

    @property
    def edits(self) -> int:
        """How many edits were tried."""
        return sum(self.done.values()) + sum(self.refused.values()) + len(self.wrong) + len(self.noise)


@dataclass(frozen=True)
class File:
    """A file as another parser sees it."""

    name: str
    text: str
    loaded: Sequence[Any]
    nodes: Sequence[yaml.Node]


def sweep(edits: int, seed: int, *, made_up: float = 0.6, timed: bool = False) -> Tally:
    """Try this many edits; `made_up` is the share of files that are made up, `timed` measures the floor, too."""
    rng = random.Random(seed)
    found = list(found_files()) if made_up < 1 else []
    tally = Tally()
    number = 0
    while tally.edits < edits:
        number += 1
        if found and rng.random() > made_up:
            file: File | None = rng.choice(found)
            source = "found"
        else:
            name, source = f"made up {seed}:{number}", "made up"
            file = opened(name, Wild(random.Random(name)).file())
        if file is None:
            tally.files["not loaded"] += 1
            continue
        tally.files[source] += 1
        for _ in range(EDITS_PER_FILE):
            before = tally.edits
            _try(rng, file, tally)
            if timed and tally.edits > before:
                tally.floor += _two_parses(file.text)
    return tally


def _two_parses(text: str) -> float:
    """Return what any checked edit needs at least: one parse to find the field, one to prove the result."""
    bare = text.removeprefix("\ufeff")
    started = time.process_time()
    composed_documents(bare)
    composed_documents(bare)
    return time.process_time() - started


def found_files() -> Iterator[File]:
    """Yield the files at hand that PyYAML loads."""
    places = [PUBLIC, ROOT, Path(sysconfig.get_paths()["purelib"])]
    for place in places:
        for path in sorted([*place.rglob("*.yaml"), *place.rglob("*.yml")]) if place.is_dir() else ():
            if path.stat().st_size <= MAX_BYTES and ".venv" not in path.relative_to(place).parts:
                file = opened(str(path), path.read_bytes())
                if file is not None:
                    yield file


def opened(name: str, data: bytes) -> File | None:
    """Load a file; None when PyYAML does not, or when it is none of ours."""
    try:
        text = data.decode()
        bare = text.removeprefix("\ufeff")
        return File(name, text, loaded_documents(bare), composed_documents(bare))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None


def _try(rng: random.Random, file: File, tally: Tally) -> None:
    documents = [i for i, document in enumerate(file.loaded) if isinstance(document, dict)]
    if not documents:
        return
    number = rng.choice(documents)
    one = attempt(rng, file.nodes[number], file.loaded[number])
    if one is None:
        return
    started = time.process_time()
    try:
        after = _edit(file.text, number, one.changes)
    except Refusal as refusal:
        tally.refused[one.kind, refusal.code] += 1
        examples = tally.examples.setdefault(refusal.code, [])
        if len(examples) < _SHOWN:
            examples.append(_report(file, one, refusal.message, ""))
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no refusal by name
        tally.wrong.append(_report(file, one, f"{type(error).__name__}: {error}", ""))
        return
    finally:
        tally.seconds += time.process_time() - started
    _judge(file, number, one, after, tally)


def _edit(text: str, number: int, changes: Sequence[FieldChange]) -> str:
    def pick(roots: Sequence[Node]) -> MappingNode:
        root = roots[number]
        assert isinstance(root, MappingNode)
        return root

    return edit_document(text.encode(), pick, changes, **_LIMITS).decode()


def _judge(file: File, number: int, one: Attempt, after: str, tally: Tally) -> None:
    why = _wrong(file, number, one, after)
    if why:
        tally.wrong.append(_report(file, one, why, after))
    elif noisy(file.text, after, one.lines):
        tally.noise.append(_report(file, one, "lines", after))
    else:
        tally.done[one.kind] += 1
        if one.kind in ("insert", "add item"):
            _undo(file, number, one, after, tally)


def _wrong(file: File, number: int, one: Attempt, after: str) -> str:
    """Return what is wrong with the content of an edited file, if anything."""
    try:
        actual = loaded_documents(after.removeprefix("\ufeff"))
    except (yaml.YAMLError, ValueError) as error:
        return f"does not load: {error}"
    expected = list(file.loaded)
    expected[number] = copy.deepcopy(expected[number])
    if one.inner is not None:
        path, read, text = one.inner
        value = walk(actual[number], path)
        if repr(read(value)) != repr(text):
            return f"the text says {read(value)!r}, not {text!r}"
        walk(expected[number], path[:-1])[path[-1]] = value
    one.expect(expected[number])
    return "" if repr(actual) == repr(expected) else f"says {actual[number]!r}, not {expected[number]!r}"


def noisy(before: str, after: str, allowed: tuple[int, int]) -> bool:
    """Tell whether more lines differ than may."""
    if not before.endswith("\n"):  # a last line without a break gets one when others follow
        line_break = "\r\n" if before.rpartition("\n")[0].endswith("\r") else "\n"
        before, after = before + line_break, after + line_break
    old, new = before.split("\n"), after.split("\n")
    removed, added = _differing(old, new)
    if (removed > allowed[0] or added > allowed[1]) and removed + added < _MANY:
        removed, added = _least(old, new)
    return removed > allowed[0] or added > allowed[1]


def _differing(old: list[str], new: list[str]) -> tuple[int, int]:
    """Return how many lines stand between the common start and the common end."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    return len(old) - head - tail, len(new) - head - tail


def _least(old: list[str], new: list[str]) -> tuple[int, int]:
    blocks = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(old) - same, len(new) - same


def _undo(file: File, number: int, one: Attempt, after: str, tally: Tally) -> None:
    """Take an insertion back: that must give the file before, byte by byte."""
    changes = [FieldChange(path=c.path, before=c.after, after=c.before) for c in one.changes]
    try:
        undone = _edit(after, number, changes)
    except Refusal as refusal:
        tally.inverse[refusal.code] += 1
        return
    tally.inverse["exact" if undone == file.text else "not exact"] += 1
    if undone != file.text:
        tally.wrong.append(_report(file, one, "the inverse is not the file before", undone))


def _report(file: File, one: Attempt, why: str, after: str) -> str:
    changes = "; ".join(map(str, one.changes))
    if not after:
        return f"{one.kind} in {file.name}: {changes}\n  {why[:600]}\n" + file.text[:2000]
    diff = difflib.unified_diff(file.text.split("\n"), after.split("\n"), "before", "after", n=4, lineterm="")
    return f"{one.kind} in {file.name}: {changes}\n  {why[:600]}\n" + "\n".join(diff)


def printed(tally: Tally) -> str:
    """Return the tally as a table."""
    lines = [f"{tally.edits} edits in {tally.files['made up']} made-up and {tally.files['found']} found files"]
    lines += [f"  done     {kind:10} {count:7}" for kind, count in tally.done.most_common()]
    lines += [f"  refused  {kind:10} {count:7}  {code}" for (kind, code), count in sorted(tally.refused.items())]
    lines += [f"  inverse  {what:24} {count:7}" for what, count in tally.inverse.most_common()]
    if tally.edits:
        lines.append(f"  {tally.seconds / tally.edits * 1000:.2f} ms an edit")
    return "\n".join([*lines, f"{len(tally.wrong)} wrong, {len(tally.noise)} with noise"])


def main() -> int:
    """Sweep and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.manifests.sweep", description=__doc__.partition("\n")[0])
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", metavar="CODE", default="", help="print some edits that were refused so")
    options = parser.parse_args()
    if not PUBLIC.is_dir():
        print(f"without public manifests: {PUBLIC} is no folder (set RECONCILER_MANIFESTS)")
    tally = sweep(options.edits, options.seed)
    for report in [*tally.wrong, *tally.noise][:_SHOWN]:
        print(report, end="\n\n")
    for report in tally.examples.get(options.show, []):
        print(report, end="\n\n")
    print(printed(tally))
    return 1 if tally.wrong or tally.noise else 0


if __name__ == "__main__":
    sys.exit(main())
