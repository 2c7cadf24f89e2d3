"""The symbolic links of a commit: through which other paths its files are read.

Protects sharing: no link is followed for an edit, but whoever reads a file through one counts as its reader.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifests.files.checkout import joined
from reconciler.manifests.files.contents import Contents, Reading, contents_of, unjudged

if TYPE_CHECKING:
    from reconciler.manifests.files.folder import Folder

_LINK = 0o120000
_MAX_STEPS = 40  # links that lead to links, as in Linux


def _judged(data: bytes, max_bytes: int) -> Contents:
    """Return where a link leads, as it is written."""
    try:
        return contents_of(len(data), [[data[:max_bytes].decode()]])
    except UnicodeDecodeError:
        return unjudged(len(data), "edit.not_utf8")


LINKS = Reading("links 1", lambda _, mode: mode == _LINK, _judged)


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links of a commit lead, by their path."""

    targets: Mapping[str, str]

    def resolved(self, path: str) -> str:
        """Return the path without links; one that goes round in circles is returned as it is then."""
        for _ in range(_MAX_STEPS if self.targets else 0):
            steps = path.split("/")
            heads = ("/".join(steps[:depth]) for depth in range(1, len(steps) + 1))
            link = next((head for head in heads if head in self.targets), None)
            if link is None:
                break
            path = joined(self.targets[link], path[len(link) :].lstrip("/"))
        return path


def links_of(folder: Folder) -> Links:
    """Return the links of a commit; those that lead out of the repository lead nowhere."""
    found: dict[str, str] = {}
    for path, (_, contents) in folder.manifests.items():
        for (target,) in contents.words():
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if not inside.startswith(("/", "../")) and inside != "..":
                found[path] = joined("", inside)
    return Links(found)
