"""Tests of the sandbox's monitoring."""
