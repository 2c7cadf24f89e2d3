"""One contract for all forges: a real Gitea, the sandbox's GitHub and one by others behind GitHub's own description."""
