"""A GitHub on loopback whose every exchange is checked against GitHub's own description of its API.

    our client → Front (records; adds what the server lacks) → Prism (checks) → emulate (the server)

The server was written by others and is lenient, Prism knows the format and not the behaviour: together they tell
whether we speak GitHub's language. What GitHub *does* in trouble is scripted in `tests/adapters/test_github.py`.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.testbed import npm
from tests.testbed.github_front import Front
from tests.testbed.github_queries import Queries
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent / "github"
FILES = (*npm.PINNED, "serve.mjs")
START_DEADLINE = 90.0  # Prism takes 3 s on an idle machine

BOT, REVIEWER = "reconciler-bot", "ana"
DESCRIPTION = Path("node_modules/@octokit/openapi/generated/api.github.com.json")
SCHEMA = Path("node_modules/@octokit/graphql-schema/schema.graphql")
USED = re.compile(
    r"/user|/user/repos|/rate_limit|/orgs/\{org\}/repos|/app|/app/installations/\{installation_id\}(/access_tokens)?"
    r"|/repos/\{owner\}/\{repo\}(/(pulls|issues|branches|commits|statuses|git|contents|collaborators|forks|labels|rulesets|rules"
    r"|installation)(/.*)?)?"
)  # the whole description would take Prism 14 s and 300 MB


@dataclass(frozen=True, slots=True)
class GitHub:
    """The running server."""

    front: Front  # what everybody talks to
    tokens: dict[str, str]  # by user


@contextmanager
def running() -> Iterator[GitHub]:
    """Start everything, installing it first if need be; raises build.Unavailable where that is impossible."""
    home = install()
    with tempfile.TemporaryDirectory(prefix="github-") as name:
        folder = Path(name)
        processes = Processes(folder / "logs", outlive=False)
        try:
            with Front() as front:
                yield _start(processes, home, folder, front)
        finally:
            processes.stop()


@contextmanager
def checked(server: str) -> Iterator[Front]:
    """Put the checker before another server, every exchange of everybody included; nothing is mended on the way."""
    home = install()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="github-")))
        processes = Processes(folder / "logs", outlive=False)
        stack.callback(processes.stop)
        front = stack.enter_context(Front(mending=False))
        _start_checker(processes, home, folder, front, server)
        yield front


def install() -> Path:
    """Return the folder of the installed packages, in the cache, named by what goes into it."""
    return npm.install(HERE, files=FILES, pruned=_without_other_editions)


def _without_other_editions(folder: Path) -> None:
    for description in (folder / DESCRIPTION).parent.glob("*.json"):
        if description.name != DESCRIPTION.name:
            description.unlink()  # 380 MB


def _start(processes: Processes, home: Path, folder: Path, front: Front) -> GitHub:
    tokens = {user: secrets.token_hex(20) for user in (BOT, REVIEWER)}
    seed = {
        "tokens": {token: {"login": user, "scopes": ["repo"]} for user, token in tokens.items()},
        "github": {"users": [{"login": user} for user in tokens]},
    }
    port = free_port()
    server = f"http://{LOOPBACK}:{port}"
    emulate = processes.start("emulate", ["node", home / "serve.mjs", str(port), front.url, json.dumps(seed)])
    processes.until(emulate, answers(f"{server}/rate_limit"), START_DEADLINE)
    front.users = {token: user for user, token in tokens.items()}
    _start_checker(processes, home, folder, front, server)
    return GitHub(front, tokens)


def _start_checker(processes: Processes, home: Path, folder: Path, front: Front, server: str) -> None:
    """Start Prism before a server, and the front before Prism."""
    description = reduced(json.loads((home / DESCRIPTION).read_text()), lambda path: bool(USED.fullmatch(path)))
    (folder / "description.json").write_text(json.dumps(description))
    checking: list[str | Path] = ["node", home / "node_modules/.bin/prism", "proxy", folder / "description.json"]
    port = free_port()
    prism = processes.start("prism", [*checking, server, "--host", LOOPBACK, "--port", str(port)])
    front.server, front.checker = server, f"http://{LOOPBACK}:{port}"
    processes.until(prism, answers(f"{front.checker}/rate_limit"), START_DEADLINE)
    front.queries = Queries(home / SCHEMA)
    front.operations = [(verb.upper(), path) for path, item in description["paths"].items() for verb in item]


def reduced(description: dict[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    """Keep the wanted paths of an API's description, and what they refer to: the whole takes Prism 14 s."""
    paths = {path: item for path, item in description["paths"].items() if wanted(path)}
    needed: set[str] = set()
    todo: list[Any] = [paths]
    while todo:
        for reference in _references(todo.pop()):
            if reference not in needed:
                needed.add(reference)
                _, group, name = reference.removeprefix("#/").split("/")
                todo.append(description["components"][group][name])
    components = {
        group: {name: value for name, value in members.items() if f"#/components/{group}/{name}" in needed}
        for group, members in description["components"].items()
    }
    return {"openapi": description["openapi"], "info": description["info"], "paths": paths, "components": components}


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
