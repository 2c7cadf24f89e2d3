"""GitHub's REST API over the forge's state: routes, their handlers, and the JSON that answers."""
