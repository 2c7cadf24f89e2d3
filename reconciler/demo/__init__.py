"""The demonstration: the whole loop in one process, with the sandbox as the world and the product as it is."""
