"""Operations: what Argo CD was asked to sync, by its own policy or by somebody, from Running to its end.

Source: `processRequestedAppOperation` and `SyncAppState` of the application controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.delivery import status, windows
from reconciler.sandbox.delivery.comparing import Comparer, Key
from reconciler.sandbox.delivery.differing import respecting
from reconciler.sandbox.delivery.projects import InvalidSpec, destination_server, project_of, sources_of
from reconciler.sandbox.delivery.syncing import Sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.delivery.comparing import Comparison

Json = dict[str, Any]

OVER = frozenset({"Succeeded", "Failed", "Error"})
_BLOCKED = "Sync operation blocked by sync window"
_BACKOFF = {"duration": "5s", "maxDuration": "3m", "factor": 2}
_REFUSED = {"dryRun": "run a sync dry", "manifests": "sync local manifests", "syncStrategy": "sync by a strategy"}


@dataclass(slots=True)
class Running:
    """What the controller remembers of an operation that is under way."""

    results: dict[Key, Json] = field(default_factory=dict)  # of its steps so far
    stepped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Begins operations and takes them one step further; `finished` is told what ended."""

    store: Store
    clock: SandboxClock
    comparer: Comparer
    clusters: Mapping[str, str]

    def begin(self, application: Json) -> None:
        """Say that an operation is running; what the last one left stays until this one has something to say."""
        state = {
            **((application.get("status") or {}).get("operationState") or {}),
            "operation": application["operation"],
            "phase": "Running",
            "startedAt": self.clock.stamp(),
        }
        state.pop("finishedAt", None)
        state.pop("retryCount", None)
        self._write(application, state)

    def begin_again(self, application: Json) -> None:
        """Say that an operation that failed is tried once more."""
        state = dict(application["status"]["operationState"])
        newest = ""
        if (state["operation"].get("retry") or {}).get("refresh"):
            newest = " with latest revisions"
            sync = {k: v for k, v in state["operation"]["sync"].items() if k not in {"revision", "revisions"}}
            state["operation"] = {**state["operation"], "sync": sync}
        state["message"] = f"Retrying operation{newest}. Attempt #{state['retryCount']}"
        del state["finishedAt"]
        self._write(application, state)

    def step(self, application: Json, running: Running) -> Json:
        """Take an operation one step further and return its state, which is also written."""
        state = dict(application["status"]["operationState"])
        if not running.stepped:
            running.stepped = True  # what is written of results and messages is of an earlier try, or operation
            state.pop("syncResult", None)
            state.pop("message", None)
        terminating = state["phase"] == "Terminating"
        revisions = self._advance(application, state, running)
        if state["phase"] in {"Failed", "Error"}:
            self._fail(state, terminating=terminating)
        self._write(application, state, revisions)
        return state

    def _advance(self, application: Json, state: Json, running: Running) -> Sequence[str]:
        """Move the state on; return the revisions that go into the history, if any."""
        operation = state["operation"].get("sync")
        if state["phase"] == "Terminating":
            state |= {"phase": "Failed", "message": "Operation terminated"}
            return ()
        if operation is None:
            state |= {"phase": "Error", "message": "Invalid operation request: no operation specified"}
            return ()
        result = state.setdefault("syncResult", _result_of(application["spec"], operation))
        try:
            self._refuse(operation)
            project = project_of(self.store, application)
            server = destination_server(self.store, application["spec"].get("destination") or {}, self.clusters)
            if windows.blocks(project, application, self.clock.now(), manual=not is_automated(state["operation"])):
                state["message"] = _BLOCKED
                return ()
        except (InvalidSpec, ValueError) as error:
            state |= {"phase": "Error", "message": f"{error}"}
            return ()
        return self._sync(application, project, server, state, result, running)

    def _sync(
        self, application: Json, project: Json, server: str, state: Json, result: Json, running: Running
    ) -> Sequence[str]:
        sources = result.get("sources") or [result["source"]]
        asked = result.get("revisions") or [result.get("revision") or ""]
        revisions = asked if len(asked) == len(sources) else [""] * len(sources)
        found = self.comparer.compare(application, project, server, sources, revisions)
        if result.get("sources"):
            result |= {"revision": "", "revisions": found.revisions}
        else:
            result["revision"] = found.revisions[0]
        errors = [f"{kind}: {message}" for kind, message in found.conditions if kind.endswith("Error")]
        if errors:
            state |= {"phase": "Error", "message": ";".join(errors)}
            return ()
        operation = state["operation"]["sync"]
        sync = self._prepared(application, project, server, operation, found, running)
        if unknown := sync.unknown_options():
            state |= {"phase": "Error", "message": f"the sandbox does not implement sync options: {', '.join(unknown)}"}
            return ()
        state["phase"], state["message"] = sync.step()
        result["resources"] = [dict(each) for each in running.results.values()]
        whole = state["phase"] == "Succeeded" and not operation.get("resources")
        return found.revisions if whole else ()

    def _prepared(
        self, application: Json, project: Json, server: str, operation: Json, found: Comparison, running: Running
    ) -> Sync:
        sync = Sync(
            store=self.store,
            spec=application["spec"],
            project=project,
            server=server,
            operation=operation,
            rows=found.rows,
            results=running.results,
        )
        if "RespectIgnoreDifferences=true" in sync.options:
            for row in found.rows:
                if row.desired is not None and row.live is not None:
                    row.desired = respecting(row.desired, row.live, row.ignored)
        return sync

    def _refuse(self, operation: Json) -> None:
        for key, what in _REFUSED.items():
            if operation.get(key) and (key != "syncStrategy" or "force" in repr(operation[key])):
                raise ValueError(f"the sandbox does not {what}")

    def _fail(self, state: Json, *, terminating: bool) -> None:
        """Plan another try where the operation's retry strategy has one left."""
        retry, count = state["operation"].get("retry") or {}, state.get("retryCount", 0)
        limit = retry.get("limit") or 0
        if terminating or not (count < limit or limit < 0):
            if count:
                state["message"] += f" (retried {count} times)."
            return
        now = self.clock.now()
        at = now + retry_wait(retry, count)
        shown = at.strftime("%I:%M%p").removeprefix("0")
        message = f"{state['message']}. Retrying attempt #{count + 1} at {shown}."
        state |= {"phase": "Running", "finishedAt": self.clock.stamp(), "retryCount": count + 1, "message": message}

    def _write(self, application: Json, state: Json, revisions: Sequence[str] = ()) -> None:
        if state["phase"] in OVER:
            state["finishedAt"] = self.clock.stamp()

        def mutate(value: Json) -> None:
            written = value.setdefault("status", {})
            if revisions:
                status.record_history(written, value["spec"], state, revisions, self.clock.stamp())
            written["operationState"] = state
            if state["phase"] in OVER:
                value.pop("operation", None)

        status.change(self.store, application, mutate)


def is_automated(operation: Json) -> bool:
    """Tell whether Argo CD began an operation by itself."""
    return (operation.get("initiatedBy") or {}).get("automated") is True


def retry_wait(retry: Json, count: int) -> timedelta:
    """Return how long Argo CD waits before it tries a failed operation again. Raises ValueError."""
    backoff = {**_BACKOFF, **{k: v for k, v in (retry.get("backoff") or {}).items() if v}}
    first, longest = (_span(f"{backoff[key]}") for key in ("duration", "maxDuration"))
    return min(first * float(backoff["factor"]) ** count, longest)


def retry_at(state: Json) -> datetime:
    """Return when an operation that waits for its next try gets it.

    It has counted that try already, so it waits longer than its message says: a defect of the real one, kept.
    """
    failed = datetime.fromisoformat(state["finishedAt"])
    return failed + retry_wait(state["operation"].get("retry") or {}, state["retryCount"])


def _span(text: str) -> timedelta:
    return timedelta(seconds=float(text)) if text.isdecimal() else windows.duration(text)


def _result_of(spec: Json, operation: Json) -> Json:
    """Return the result that an operation begins with: which sources it syncs, at which revisions."""
    own: Json = {"sources": operation["sources"]} if operation.get("sources") else {"source": operation.get("source")}
    chosen: Json = own if operation.get("sources") or operation.get("source") else spec
    result: Json = {"revision": operation.get("revision") or ""}
    if chosen.get("sources"):
        result |= {"source": {"repoURL": ""}, "sources": [status.as_compared(each) for each in chosen["sources"]]}
        result["revisions"] = operation.get("revisions") or []
    else:
        result["source"] = status.as_compared((sources_of(chosen) or [{}])[0])
    return result
