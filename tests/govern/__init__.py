"""Tests of governance: ownership, guards, facts and verdicts."""
