"""Kustomize and Helm for tests: the testbed's own builds, which are made once a machine."""

from __future__ import annotations

from functools import cache

from reconciler.adapters.rendering import Renderers
from reconciler.settings import RenderingSettings
from tests.needs import cannot_run
from tests.testbed import build


@cache
def programs() -> dict[str, str]:
    """Return the path of each; the test is skipped where they cannot be built, and fails where it must run."""
    try:
        return {name: str(build.tool(name)) for name in ("kustomize", "helm")}
    except build.Unavailable as reason:
        cannot_run("the real tests", reason)


def renderers(**settings: object) -> Renderers:
    """Return the adapter on the real tools."""
    return Renderers(RenderingSettings.model_validate(programs() | settings))
