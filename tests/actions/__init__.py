"""Tests of the entry point for GitHub Actions, in the surroundings that a runner provides."""
