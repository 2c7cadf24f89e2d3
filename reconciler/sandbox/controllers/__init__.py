"""The sandbox's controllers, scheduler and kubelets: what makes objects of its cluster live."""

from reconciler.sandbox.controllers.loop import Controllers
from reconciler.sandbox.controllers.nodes import node_manifest

__all__ = ["Controllers", "node_manifest"]
