"""The append-only memory: events in a hash chain, and the stores that keep them."""
