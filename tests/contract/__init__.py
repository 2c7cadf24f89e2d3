"""One suite against the double and the real component."""
