"""An Argo CD that reads bare Git repositories and writes the status that the real one writes.

`argocd` decides when to compare and when to sync, `comparing` compares, `operations` syncs; what Git says comes from
`sources`. Behaviour and messages follow the application controller and repository server of Argo CD 3.2.
"""

from reconciler.sandbox.delivery.argocd import ArgoCd

__all__ = ["ArgoCd"]
