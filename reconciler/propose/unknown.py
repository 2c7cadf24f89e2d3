"""Variables whose values are not known here: what does not depend on them is proven, what does is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.errors import Refusal, foreign_text
from reconciler.model.rendering import UNKNOWN

if TYPE_CHECKING:
    from reconciler.model.delivery import Application


def refuse_unknown(value: object, what: str, filled_by: Application) -> None:
    """Refuse a value of a rendering that holds a variable which the ConfigMaps or Secrets of a Kustomization fill."""
    if UNKNOWN not in json.dumps(value, ensure_ascii=False, default=str):
        return
    names = ", ".join(dict.fromkeys(name for source in filled_by.sources for name in source.kustomize.variables_from))
    raise Refusal(
        code="locate.variable_unknown",
        message=f"{what} is filled from {foreign_text(names)}, which {filled_by.ref} names and nobody reads here",
        remedy="change it there by hand, or give the variable in `spec.postBuild.substitute`, which wins",
    )
