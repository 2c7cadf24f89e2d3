"""Webhooks of the forge: they wake the loop early, and that is all they do.

Protects: nothing in a payload is ever believed. A message that is signed, fresh and about our repository rings a bell;
what is so, the pass asks the forge (invariant 2: nothing depends on having seen an edge).

The way of a message: `listening` reads it within limits, `receiving` answers it with what `verifying` (signatures),
`replays` (seen before?) and `concerns` (about us?) say, `waking` lets the loop rest until somebody rings.
"""
