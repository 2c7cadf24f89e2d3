"""Tests of proposals and of their way to the forge: real Git, a scripted forge."""
