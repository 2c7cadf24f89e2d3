"""A Kubernetes API server in this process: objects in a store, spoken to over HTTP or directly."""

from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.kinds import Kind
from reconciler.sandbox.cluster.server import Cluster
from reconciler.sandbox.cluster.store import Store

__all__ = ["ApiError", "Cluster", "Kind", "Store"]
