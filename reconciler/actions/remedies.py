"""What mends an error here: in a workflow a value comes from an input, not from a variable or an option."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

_BY_CODE = {
    "configuration.missing": "check the repository out before this step, and let the input `config` name the file;"
    " `reconciler init` writes one",
    "kubernetes.kubeconfig": "give the input `kubeconfig` the whole text of a kubeconfig as it is, not as base64, from"
    " a secret; what Dependabot or a fork starts gets no secrets",
}
_WITHOUT_RIGHTS = (
    "give the step a token that may write contents and pull requests: the input `token`, or the workflow's own with"
    " `permissions: {contents: write, pull-requests: write}`"
)
_VARIABLES = ("RECONCILER_GIT_TOKEN", "RECONCILER_FORGE_TOKEN")


def remedy_of(error: ReconcilerError) -> str:
    """Return the error's remedy in the words of a workflow."""
    if error.code == "configuration.token" or any(name in error.remedy for name in _VARIABLES):
        return _WITHOUT_RIGHTS
    return _BY_CODE.get(error.code, error.remedy)
