"""The demonstration, played to its end."""
