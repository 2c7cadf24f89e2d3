"""Rego files as text: which belong together, their hash, and what the embedded engine must never be shown.

Protects invariant 8: operators' files can only tighten, and a call that the engine lacks, or that would look outside
the input, is refused before it is compiled. The text is looked at, and not the engine's own plan, because asking the
library for that plan corrupts memory once certain other libraries are loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from reconciler.adapters.policy_answer import PolicyFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# They answer differently from one moment or machine to the next, or hand out the environment with its secrets.
FORBIDDEN = frozenset(
    {"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "time.now_ns", "uuid.rfc4122"},
)

_PACKAGE = re.compile(r"(?:\s|#[^\n]*\n)*package[ \t]+([\w.]+)")  # the first statement
_OPAQUE = re.compile(r'(?P<comment>#[^\n]*)|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)')
_STEP = re.compile(r"\s*\[\s*\x01(\w+)\x01\s*\]")  # `opa["runtime"]`, with the mark that `_code` sets for quotes
_MARKED = re.compile(r"\x01\w*\x01")
_CALL = re.compile(r"([A-Za-z_]\w*(?:\s*\.\s*\w+)*)\s*\(")
_FUNCTION = re.compile(r"^([\w.]+)\(", re.MULTILINE)
_IMPORT = re.compile(r"^import\s+([\w.]+)(?:\s+as\s+(\w+))?", re.MULTILINE)
_KEYWORDS = frozenset({"if", "in", "not", "some", "every", "else", "contains", "as", "default", "import", "package"})


def sources_of(folder: Path) -> dict[str, str]:
    """Read a folder's rules by file name; their tests and deeper folders (a ConfigMap's own copies) are left out.

    Raises PolicyFault when there is none.
    """
    files = sorted(f for f in folder.glob("*.rego") if not f.name.endswith("_test.rego"))
    if not files:
        raise PolicyFault(f"there is no .rego file in {folder}")
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def combined_sources(folders: Sequence[Path]) -> dict[str, str]:
    """Read all folders; the operator's (all but the first) may replace and add package operator, and nothing else.

    Raises PolicyFault when a file of theirs is of another package or would take the place of a core file.
    """
    core, *operators = folders
    combined = sources_of(core)
    for folder in operators:
        for name, text in sources_of(folder).items():
            if _package(text) != "operator":
                raise PolicyFault(f"{name} in {folder} is not of package operator; operators' rules can only tighten")
            if name in combined and _package(combined[name]) != "operator":
                raise PolicyFault(f"{name} in {folder} has the name of a core file")
            combined[name] = text
    return combined


def hash_of(sources: Mapping[str, str]) -> str:
    """Return the SHA-256 of names and contents, which pins the rules that an answer came from."""
    return hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()


def check(sources: Mapping[str, str], is_builtin: Callable[[str], bool]) -> None:
    """Refuse what the embedded engine must not be shown; `is_builtin` tells what it has.

    Raises PolicyFault, which names the file.
    """
    codes = {name: _code(text) for name, text in sources.items()}
    functions = {function for code in codes.values() for function in _FUNCTION.findall(code)}
    for name, code in codes.items():
        if re.search(r"\bwith\b", code):
            # The library aborts the whole process over `with` on a rule that refers to another one.
            raise PolicyFault(f"{name}: the embedded engine cannot evaluate `with`")
        for call in sorted(_calls(code)):
            if call in FORBIDDEN:
                raise PolicyFault(f"{name} calls {call}, which is forbidden: facts come from the input alone")
            if call not in functions and not is_builtin(call):
                raise PolicyFault(f"{name} calls {call}, which the embedded engine lacks")


def _package(source: str) -> str | None:
    found = _PACKAGE.match(source)
    return found[1] if found else None


def _code(source: str) -> str:
    """Return the source without comments and texts, references such as `opa["runtime"]` written with dots."""

    def marked(match: re.Match[str]) -> str:
        word = (match["text"] or "")[1:-1]
        return f"\x01{word}\x01" if word.isidentifier() else ""

    return _MARKED.sub("", _STEP.sub(r".\1", _OPAQUE.sub(marked, source)))


def _calls(code: str) -> set[str]:
    """Return the names that are called, except functions that come in by an import or are named in full."""
    imported = {alias or path.rpartition(".")[2] for path, alias in _IMPORT.findall(code)} | {"data"}
    names = {re.sub(r"\s", "", found) for found in _CALL.findall(code)}
    return {n for n in names - _KEYWORDS if n in FORBIDDEN or n.partition(".")[0] not in imported}
