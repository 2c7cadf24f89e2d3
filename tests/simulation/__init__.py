"""Crashes and faults: what the product survives."""
