"""The sandbox's API server: as itself, as recorded from the real libraries, and beside a real server."""
