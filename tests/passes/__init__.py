"""Tests of whole passes: every adapter is real, the servers behind them are scripted."""
