"""Where the files that ship with the program are: templates and policies.

In an installed wheel they lie in `reconciler/shipped/`, in a clone at the repository's root.
"""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Return a shipped folder such as `templates` or `policies`."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped" / name
    return installed if installed.is_dir() else package.parent / name
