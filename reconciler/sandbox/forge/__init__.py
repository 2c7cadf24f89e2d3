"""The sandbox's forge: GitHub's REST API, Git over HTTP, and the web page of a pull request."""

from reconciler.sandbox.forge.forge import ADMIN, BOT, READER, REVIEWER, Forge, ForgeError

__all__ = ["ADMIN", "BOT", "READER", "REVIEWER", "Forge", "ForgeError"]
