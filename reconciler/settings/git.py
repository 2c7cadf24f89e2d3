"""Where changes are made and kept: repository, forge, the line of a field, the ledger."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from reconciler.settings.choices import CommitsBy, ForgeKind, LedgerKind, MergeMethod
from reconciler.settings.values import AppId, Duration, Reference, Section


class RepositorySettings(Section):
    """The Git repository that delivery reads."""

    url: str = Field(description="HTTPS address, the same as in the Applications.")
    base: str | None = Field(None, description="Base branch; empty: the remote's default branch.")
    mirror: str = Field(".reconciler/mirror.git", description="Folder of the bare mirror; made when missing.")
    username: str = Field("reconciler", description="User name sent with the token.")
    token_env: str = Field("RECONCILER_GIT_TOKEN", description="Environment variable that holds the token.")
    token_file: str | None = Field(None, description="File that holds the token; wins over token_env.")
    author_name: str = Field("reconciler", description="Name in our commits.")
    author_email: str = Field("reconciler@localhost", description="E-mail in our commits; tells ours from others.")
    commits: CommitsBy = Field(
        CommitsBy.PUSH,
        description="push: we make our commits; api: GitHub makes and signs them, so that they show as Verified"
        " (only with a GitHub App, whose name they then carry instead of author_name).",
    )
    timeout: Duration = Field(timedelta(seconds=30), description="Limit for one fetch or push.")


class ForgeSettings(Section):
    """Where pull requests are opened."""

    kind: ForgeKind = Field(ForgeKind.GITHUB, description="github or gitea.")
    url: str | None = Field(None, description="API address; empty: https://api.github.com.")
    repository: str = Field(description="owner/name.", pattern=r"^[^/\s]+/[^/\s]+$")
    token_env: str = Field("RECONCILER_FORGE_TOKEN", description="Environment variable that holds the token.")
    token_file: str | None = Field(None, description="File that holds the token; wins over token_env.")
    app_id: AppId | None = Field(
        None,
        description="App id or client id of a GitHub App: we act as this App, for Git too, and no token is read.",
    )
    app_key_file: str | None = Field(
        None, description="File that holds the App's private key (PEM); wins over app_key_env."
    )
    app_key_env: str = Field("RECONCILER_APP_KEY", description="Environment variable that holds the App's private key.")
    app_installation: int | None = Field(
        None, ge=1, description="The App's installation; empty: the one on the repository is looked up."
    )
    labels: tuple[str, ...] = Field(("reconciler",), description="Labels that are put on our pull requests.")
    reviewers: tuple[str, ...] = Field((), description="Users who are asked for a review.")
    branch_prefix: str = Field(
        "reconciler",
        description="Our branches are <prefix>/<target>-<identity>.",
        pattern=r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$",
    )
    hold_label: str = Field(
        "hold", description="A pull request with this label is left alone: not updated, not closed, not merged by us."
    )
    commands: bool = Field(
        default=True,
        description="True: `/reconciler …` in a comment on a pull request of ours, or on the dashboard, is obeyed where"
        " its author may write to the repository.",
    )
    dashboard: bool = Field(
        default=False, description="True: an issue shows where everything stands, and is kept up to date."
    )
    boxes: bool = Field(
        default=False,
        description="True: the dashboard has boxes to tick, each of which is a command; only on GitHub, which tells who"
        " ticked one. One more request a pass, which costs nothing while nothing changed.",
    )
    statuses: bool = Field(
        default=False,
        description="True: the commit status `reconciler` on our pull requests and their merge commits.",
    )
    merge_method: MergeMethod = Field(
        MergeMethod.MERGE, description="How we merge where policy lets us: merge, squash or rebase."
    )
    timeout: Duration = Field(timedelta(seconds=15), description="Limit for one request.")


class RenderingSettings(Section):
    """Kustomize and Helm, which find the line behind a rendered object and prove an edit of it."""

    kustomize: str | None = Field(None, description="Path of kustomize (5.x); empty: the one on $PATH.")
    helm: str | None = Field(None, description="Path of helm (3.x); empty: the one on $PATH.")
    charts: str | None = Field(
        None,
        description="Folder of pulled charts, <name>-<version>.tgz, for sources that name a chart repository;"
        " nothing is ever downloaded. Empty: such sources are not rendered.",
    )
    timeout: Duration = Field(timedelta(seconds=30), description="Limit for one rendering.")
    max_files: int = Field(2000, ge=1, description="A source that reads more files is not rendered.")
    max_bytes: int = Field(33_554_432, ge=1, description="Nor one that reads, or renders, more bytes.")
    max_memory: int = Field(
        4_294_967_296,
        ge=2_147_483_648,
        description="Bytes of address space for a tool (Linux alone), of which it takes 1.3 GB at the start.",
    )
    max_renderings: int = Field(60, ge=3, description="Renderings for one proposal, while its line is looked for.")


class LocateSettings(Section):
    """How the line behind a rendered field is found."""

    allow_shared: bool = Field(
        default=False,
        description="True: a file that other Applications read may be edited, and the pull request names them;"
        " false: such an edit is refused, and the overlay is named that should hold the value.",
    )
    mappings: tuple[str, ...] = Field(
        (),
        description="Where a field is to be edited: <namespace>/<kind>/<name>=<file>#<field>, without #<field> any"
        " value in that file. Proven by rendering, like every other place.",
    )


class LedgerSettings(Section):
    """Where events are kept."""

    kind: LedgerKind = Field(
        LedgerKind.SQLITE,
        description="sqlite, a file, or git_ref, a reference of the repository, for runners without a disk.",
    )
    path: str = Field(".reconciler/ledger.db", description="For sqlite: the file; made when missing.")
    ref: Reference = Field(
        "refs/reconciler/ledger",
        description="For git_ref: the reference; a branch, refs/heads/NAME, where the forge takes no others.",
    )
