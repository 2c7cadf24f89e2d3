"""The two worlds that tests run in, seen alike: the sandbox, and the testbed with the real components."""
