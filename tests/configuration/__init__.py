"""Tests of the configuration: what is loaded, and what is said about mistakes."""
