"""Tests of the sandbox, the embedded doubles."""
