"""A Kubernetes API server in this process: objects in a store, spoken to over HTTP or directly."""
