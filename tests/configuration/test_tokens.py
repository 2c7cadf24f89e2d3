"""Where a token is read from, and what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.configuration import read_token
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_is_read_from_its_file_first(tmp_path: Path) -> None:
    """The file wins over the variable, and the line's end is no part of the token."""
    (tmp_path / "token").write_text("from-file\n")

    assert read_token(str(tmp_path / "token"), "TOKEN", {"TOKEN": "from-variable"}) == "from-file"
    assert read_token(None, "TOKEN", {"TOKEN": " from-variable "}) == "from-variable"


@pytest.mark.parametrize("content", [b"", b" \n", b"hunter2 hunter2", b"hunter2\nhunter2", b"hunter2\xff"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    """Invariant 11: an error about a token holds nothing of it."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"configuration\.token") as caught:
        read_token(str(tmp_path / "token"), "TOKEN", {})

    assert "hunter2" not in str(caught.value)
    assert "token_file" in caught.value.remedy


def test_a_missing_token_says_where_it_was_looked_for(tmp_path: Path) -> None:
    """The variable or the file is named."""
    with pytest.raises(ConfigurationError, match="environment variable TOKEN holds no token"):
        read_token(None, "TOKEN", {})
    with pytest.raises(ConfigurationError, match="absent cannot be read: No such file"):
        read_token(str(tmp_path / "absent"), "TOKEN", {})
