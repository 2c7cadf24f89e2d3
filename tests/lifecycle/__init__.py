"""The life of an open pull request, cell by cell of its table."""
