"""A served repository that an Application reads, and a forge behind Gitea's wire that remembers its pull requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.adapters.gitea import gitea
from reconciler.adapters.rendering import Renderers
from reconciler.model.delivery import Source
from reconciler.model.operation import EventKind
from reconciler.model.verdict import Answer as Said
from reconciler.model.verdict import Ownership, Route, Verdict
from reconciler.propose.proposals import propose
from reconciler.propose.publish import publish
from tests.adapters.forge_answers import TOKEN, pull_request
from tests.adapters.git_http import git
from tests.adapters.git_shop import Shop
from tests.adapters.wire import Answer, Json, Request, Wire
from tests.manifests.examples import MANIFEST
from tests.worlds import Story, application, oom_remedy, settings, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.action import Remedy
    from reconciler.model.operation import Operation
    from reconciler.model.proposal import Proposal, PullRequest
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Forge, Repository
    from reconciler.settings import Settings

FILE = "apps/webapp.yaml"
PULLS = "/api/v1/repos/o/r/pulls"
GRANTED = Verdict(
    answer=Said.GO,
    route=Route.PULL_REQUEST,
    code="git_owned",
    message="Git owns the field, so the change is a pull request.",
    remedy="",
    action_class=oom_remedy().actions[1].action_class,
    environment="production",
    ownership=Ownership.OWNED,
    policy_hash="0123456789abcdef",
)


@dataclass
class Pulls:
    """The pull requests of a forge, as Gitea's wire tells them; it refuses a second one for the same head."""

    wire: Wire
    found: list[Json] = field(default_factory=list)
    head_of: Callable[[str], str | None] = lambda _: None  # where Git has a branch; None: as it was made

    def __post_init__(self) -> None:
        self.wire.script |= {
            "GET /api/v1/settings/api": Answer({"max_response_items": 50}),
            f"GET {PULLS}": self._list,
            f"POST {PULLS}": self._create,
        }

    def add(self, branch: str, *, body: str = "", fork: bool = False, **changes: Any) -> Json:  # noqa: ANN401
        """Put a pull request there, as somebody made it."""
        made = pull_request(len(self.found) + 1, body=body, **changes)
        made["head"] |= {"ref": branch, "label": branch} | ({"repo_id": 8} if fork else {})
        made["base"] |= {"ref": "trunk", "label": "trunk"}
        self.found.insert(0, made)
        one, issue = f"{PULLS}/{made['number']}", f"/api/v1/repos/o/r/issues/{made['number']}"
        self.wire.script |= {
            f"GET {one}": lambda _: Answer(made | {"merged_by": {"login": "ana"}}),
            f"PATCH {one}": lambda request: self._patch(made, request),
            f"GET {one}/reviews": Answer([]),
            f"GET {issue}/comments": Answer([]),
            f"POST {issue}/comments": Answer({}),
            f"GET {issue}/timeline": lambda _: Answer(
                [{"type": "close", "user": {"login": "ana"}}] if made["state"] == "closed" else []
            ),
        }
        return made

    def close(self, number: int = 1) -> None:
        """Close one, as ana does."""
        self._one(number)["state"] = "closed"

    def merge(self, commit: str, number: int = 1) -> None:
        """Merge one, as ana does."""
        self._one(number).update(state="closed", merged_at="2026-03-01T09:31:00Z", merge_commit_sha=commit)

    @property
    def opened(self) -> int:
        """Return how often somebody asked for a new one."""
        return len(self.wire.asked("POST", PULLS))

    def _one(self, number: int) -> Json:
        return next(made for made in self.found if made["number"] == number)

    def _patch(self, made: Json, request: Request) -> Answer:
        made.update(request.body)
        return Answer(made)

    def _list(self, request: Request) -> Answer:
        state, page = request.query["state"], int(request.query["page"])
        for made in self.found:
            made["head"]["sha"] = self.head_of(made["head"]["label"]) or made["head"]["sha"]
        return Answer([p for p in self.found if state in ("all", p["state"])] if page == 1 else [])

    def _create(self, request: Request) -> Answer:
        branch = request.body["head"]
        if any(p["state"] == "open" and p["head"]["ref"] == branch and p["head"]["repo_id"] == 7 for p in self.found):
            return Answer({"message": "pull request already exists for these targets"}, 409)
        return Answer(self.add(branch, body=request.body["body"], title=request.body["title"]), 201)


@dataclass
class Desk:
    """Everything that a proposal needs, with one machine's mirror and as many more as wanted."""

    shop: Shop
    pulls: Pulls
    base_branch: str = "trunk"

    def settings(self, **sections: dict[str, Any]) -> Settings:
        """Return settings for this repository and this forge."""
        forge: dict[str, Any] = {"kind": "gitea", "url": self.pulls.wire.url, "repository": "o/r", "labels": ()}
        repository: dict[str, Any] = {"url": self.shop.url, "base": self.base_branch}
        return settings(**{"forge": forge, "repository": repository} | sections)

    @property
    def forge(self) -> Forge:
        """The Gitea adapter on the scripted wire."""
        return gitea(self.settings().forge, TOKEN)

    def repository(self, mirror: str = "mirror.git") -> Repository:
        """The Git adapter, with a mirror of its own for each machine."""
        return self.shop.repository(mirror, base=self.base_branch)

    def snapshot(self, **changes: Any) -> Snapshot:  # noqa: ANN401 - any field of the Application
        """Return a world in which Application webapp reads this repository."""
        source = Source(repository=self.shop.url, path="apps", target_revision="trunk")
        return snapshot(applications=(application(**{"sources": (source,)} | changes),))

    def propose(
        self,
        remedy: Remedy | None = None,
        *,
        operation: Operation | None = None,
        world: Snapshot | None = None,
        mirror: str = "mirror.git",
        **sections: dict[str, Any],
    ) -> Proposal:
        """Make the proposal for the remedy's declarative half."""
        operation = operation or Story(remedy or oom_remedy()).operation
        return propose(
            replace(operation, verdicts=dict.fromkeys(operation.remedy.declaratives, GRANTED)),
            world or self.snapshot(),
            self.repository(mirror),
            Renderers(self.settings(**sections).rendering),
            self.settings(**sections),
        )

    def publish(self, proposal: Proposal, *, mirror: str = "mirror.git") -> PullRequest:
        """Bring a proposal to the forge."""
        return publish(proposal, self.repository(mirror), self.forge)

    def head(self, branch: str) -> str | None:
        """Return where the served repository has a branch."""
        shown = git(self.shop.bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return shown or None

    def show(self, commit: str | None, path: str = FILE) -> str:
        """Return a file as a commit has it."""
        return git(self.shop.bare, "show", f"{commit}:{path}") + "\n"

    def log(self, branch: str, form: str = "%an <%ae>") -> list[str]:
        """Return what base does not have of a branch, newest first."""
        return git(self.shop.bare, "log", f"--format={form}", f"trunk..{branch}").splitlines()


def open_desk(shop: Shop) -> Iterator[Desk]:
    """Put webapp's manifest into the repository, and serve a forge beside it."""
    shop.ana.commit("trunk", {FILE: MANIFEST})
    with Wire() as wire:
        yield Desk(shop, Pulls(wire))


def raised_to(value: str) -> Remedy:
    """Return the remedy that sets another memory limit."""
    remedy = oom_remedy()
    restart, change = remedy.actions
    (limit,) = change.changes
    return replace(remedy, actions=(restart, replace(change, changes=(replace(limit, after=value),))))


def with_more_evidence() -> Operation:
    """Return the same remedy as another operation of another time, after more kills."""
    remedy = oom_remedy()
    proof = replace(remedy.finding.evidence[0], values={"restarts": 17}, text="OOMKilled again")
    finding = replace(remedy.finding, evidence=(*remedy.finding.evidence, proof))
    story = Story(replace(remedy, finding=finding)).add(EventKind.EFFECT_INTENDED, key="op-1:1:propose", verb="propose")
    return replace(story.operation, id="op-20260301-235959-999")
