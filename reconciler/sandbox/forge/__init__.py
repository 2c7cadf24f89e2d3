"""The sandbox's forge: GitHub's REST API, Git over HTTP, and the web page of a pull request."""
