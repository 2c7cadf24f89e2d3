#!/usr/bin/env python3
"""Draw what `reconciler demo` shows in a terminal into docs/demo.svg, as the README shows it.

The demonstration is run as a person would run it; only its colours and width are asked for. Its end, the long story
of `reconciler explain`, is left out of the picture.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.containers import Lines
from rich.text import Text

WIDTH = 110
PICTURE = Path(__file__).parent / "demo.svg"
COMMAND = Path(sys.executable).with_name("reconciler")
END = "$ reconciler explain"
PORT = "18080"  # names in the picture are made from addresses, and should not change each time
_FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # the reader's own will do


def main() -> None:
    """Run the demonstration and draw it."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [str(COMMAND), "demo", "--port", PORT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    for line in _until_end(Text.from_ansi(done.stdout).split("\n", allow_blank=True)):
        console.print(line, soft_wrap=True)
    picture = _FONT_FROM_ELSEWHERE.sub("", console.export_svg(title="make demo"))
    PICTURE.write_text(picture, encoding="utf-8")


def _until_end(lines: Lines) -> Lines:
    end = next((n for n, line in enumerate(lines) if END in line.plain), len(lines))
    return Lines(list(lines)[:end])


if __name__ == "__main__":
    main()
