"""Tests of the sandbox's forge."""
