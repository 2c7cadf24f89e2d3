"""A configuration file, and what is said when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.configuration import load
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = """\
metrics:
  url: http://prometheus:9090
alerts:
  url: http://alertmanager:9093
repository:
  url: https://git.example/ana/shop.git
forge:
  repository: ana/shop
"""


def mistakes(file: Path, text: str, **environ: str) -> str:
    """Add text to the minimal file, load it, and return what is said, with the folder's name taken out."""
    file.write_text(MINIMAL + text)
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return caught.value.message.replace(f"{file.parent}/", "")
