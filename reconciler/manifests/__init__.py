"""Manifests as text in Git: find the one that describes an object, and change a value in it. No I/O."""
