"""An embedded cluster, forge, delivery and monitoring that speak the real wire protocols.

The product's own adapters run unchanged against it: for the demo, for fast tests and for simulated faults. What it
does not implement it refuses with 501 and the feature's name, never by a wrong answer.
"""
