"""Tests of manifests as text in Git."""
