"""Tests of what wakes the loop early."""
