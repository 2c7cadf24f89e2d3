"""Write the step's outputs and its summary into the files that the runner reads afterwards.

Protects: no value can end its own block and begin another output; the summary is never larger than GitHub takes.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST = 1_000_000  # bytes of a summary; GitHub refuses 1 MiB and more
_CUT = "\n_The rest did not fit; the log of this step has it all._\n"


def write_outputs(path: str, values: Mapping[str, str]) -> None:
    """Append outputs, each between delimiters that nobody can guess.

    Raises ConfigurationError when the file cannot be written.
    """
    blocks = []
    for name, value in values.items():
        end = f"end-{secrets.token_hex(16)}"
        blocks.append(f"{name}<<{end}\n{value}\n{end}\n")
    _append(path, "".join(blocks), "GITHUB_OUTPUT")


def write_summary(path: str, sections: Iterable[str]) -> None:
    """Append as many whole sections as fit.

    Raises ConfigurationError when the file cannot be written.
    """
    room = LARGEST - len(_CUT.encode())
    kept = []
    for section in sections:
        room -= len(section.encode()) + 1
        if room < 0:
            kept.append(_CUT)
            break
        kept.append(section)
    _append(path, "\n".join(kept) + "\n", "GITHUB_STEP_SUMMARY")


def _append(path: str, text: str, variable: str) -> None:
    if not path:
        return  # nobody asks for it
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            code="actions.unwritable",
            message=f"the file that {variable} names cannot be written: {error.strerror}",
            remedy="run this as a step of a workflow; by hand, use `reconciler run --once`",
        ) from error
