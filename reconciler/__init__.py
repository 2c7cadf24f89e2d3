"""A GitOps reconciler for Kubernetes that opens pull requests."""

__version__ = "0.1.0"
