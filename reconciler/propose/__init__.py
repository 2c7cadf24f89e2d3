"""From a declarative action to a pull request: locate, edit, commit, publish."""
