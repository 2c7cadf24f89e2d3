"""Argo CD in the sandbox."""
