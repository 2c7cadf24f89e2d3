"""The people of both worlds, by their names on the forge. Repositories belong to one organisation."""

ORGANISATION = "platform"
ADMIN, BOT, REVIEWER, READER = "forge-admin", "reconciler-bot", "ana", "mallory"
