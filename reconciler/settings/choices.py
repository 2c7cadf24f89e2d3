"""The words that a key of the configuration may hold."""

from __future__ import annotations

from enum import StrEnum


class DeliveryKind(StrEnum):
    """What brings Git's state into the cluster."""

    ARGOCD = "argocd"
    FLUX = "flux"


class ForgeKind(StrEnum):
    """Which forge holds the repository."""

    GITHUB = "github"
    GITEA = "gitea"


class CommitsBy(StrEnum):
    """How our commits come to the forge."""

    PUSH = "push"
    API = "api"


class LedgerKind(StrEnum):
    """What keeps the events."""

    SQLITE = "sqlite"
    GIT_REF = "git_ref"


class AfterFailure(StrEnum):
    """What the shipped policy does when a delivered change did not help."""

    REVERT = "revert"
    NEXT_REMEDY = "next_remedy"
    ESCALATE = "escalate"


class MergePolicy(StrEnum):
    """When the shipped policy merges a pull request of ours itself."""

    NEVER = "never"
    ON_APPROVAL = "on_approval"
    AUTONOMOUS = "autonomous"


class MergeMethod(StrEnum):
    """How a forge takes a head into base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"
