"""Benchmarks: our figures against the floor of the same work done bare."""
