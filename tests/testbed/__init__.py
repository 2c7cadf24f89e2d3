"""The testbed: every counterparty of the reconciler as the real program, on loopback.

`python -m tests.testbed up` starts it for people, `tests/testbed/fixtures.py` for pytest.
"""
