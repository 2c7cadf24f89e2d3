"""Claims about the sandbox's controllers, in virtual time."""
