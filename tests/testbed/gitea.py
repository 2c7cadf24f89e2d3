"""Start Gitea with four users: an administrator, the reconciler's bot, a reviewer, and somebody who may only read.

Repositories belong to the organisation `platform`. Its teams reach all of them: `reconciler-bot` and `ana` may write,
`mallory` may read.
"""

from __future__ import annotations

import secrets
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.beds.users import ADMIN, BOT, ORGANISATION, READER, REVIEWER
from tests.testbed import build
from tests.testbed.forge import Forge
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from pathlib import Path

TEAMS = {"writers": ("write", (BOT, REVIEWER)), "readers": ("read", (READER,))}
UNITS = ["repo.code", "repo.issues", "repo.pulls"]

# Gitea refuses to run as root unless told that we know; in a container there often is nobody else.
AS_ROOT = {"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true"}

CONFIG = """\
APP_NAME = testbed
RUN_MODE = prod
WORK_PATH = {folder}

[server]
PROTOCOL = http
HTTP_ADDR = {host}
HTTP_PORT = {port}
DOMAIN = {host}
ROOT_URL = {url}/
STATIC_ROOT_PATH = {static}
OFFLINE_MODE = true
DISABLE_SSH = true

[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
SQLITE_JOURNAL_MODE = WAL

[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main

[repository.pull-request]
TEST_CONFLICTING_PATCHES_WITH_GIT_APPLY = false

[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}
INTERNAL_TOKEN = {token}
PASSWORD_HASH_ALGO = pbkdf2_v2

[service]
DISABLE_REGISTRATION = true
ENABLE_NOTIFY_MAIL = false

[webhook]
ALLOWED_HOST_LIST = loopback

[indexer]
ISSUE_INDEXER_TYPE = db

[cron]
ENABLED = false

[cron.update_checker]
ENABLED = false

[mailer]
ENABLED = false

[actions]
ENABLED = false

[packages]
ENABLED = false

[log]
MODE = console
LEVEL = warn
"""


@dataclass(frozen=True, slots=True)
class Gitea:
    """A running forge and its users' API tokens."""

    url: str
    tokens: dict[str, str]  # by user
    passwords: dict[str, str]  # by user, to log in with a browser

    def forge(self, user: str = ADMIN) -> Forge:
        """Return a connection as one of the users."""
        return Forge(self.url, self.tokens[user])


def start(processes: Processes, binaries: build.Binaries, folder: Path) -> Gitea:
    """Start Gitea on an empty database, with users, tokens and the organisation."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    config = folder / "app.ini"
    config.touch(mode=0o600)
    program = binaries.program("gitea")
    text = CONFIG.format(
        folder=folder,
        host=LOOPBACK,
        port=port,
        url=url,
        static=binaries.folders["gitea"] / "static",
        secret=secrets.token_hex(32),
        token=_run([program, "generate", "secret", "INTERNAL_TOKEN"]),
    )
    config.write_text(text)
    passwords = {user: secrets.token_urlsafe(12) for user in (ADMIN, BOT, REVIEWER, READER)}
    _run([program, "migrate", "--config", config])
    account = ["--username", ADMIN, "--password", passwords[ADMIN], "--email", f"{ADMIN}@testbed.invalid"]
    _run([program, "admin", "user", "create", "--config", config, "--admin", "--must-change-password=false", *account])
    web = processes.start("gitea", [program, "web", "--config", config], environment=AS_ROOT)
    processes.until(web, answers(f"{url}/api/healthz"))
    return _populate(url, passwords)


def _populate(url: str, passwords: dict[str, str]) -> Gitea:
    admin = Forge(url, password=(ADMIN, passwords[ADMIN]))
    for user in (BOT, REVIEWER, READER):
        admin.call(
            "POST",
            "/admin/users",
            username=user,
            full_name=user.replace("-", " ").title(),
            email=f"{user}@testbed.invalid",
            password=passwords[user],
            must_change_password=False,
        )
    tokens = {user: Forge(url, password=(user, passwords[user])).create_token(user) for user in passwords}
    admin.call("POST", "/orgs", username=ORGANISATION, visibility="public")
    for name, (permission, members) in TEAMS.items():
        team = admin.call(
            "POST",
            f"/orgs/{ORGANISATION}/teams",
            name=name,
            permission=permission,
            units=UNITS,
            includes_all_repositories=True,
        )
        for member in members:
            admin.call("PUT", f"/teams/{team['id']}/members/{member}")
    return Gitea(url, tokens, passwords)


def _run(command: list[str | Path]) -> str:
    environment = build.environment() | AS_ROOT
    done = subprocess.run(
        [str(word) for word in command], env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"gitea {command[1]} failed: {done.stderr[-2000:]}{done.stdout[-1000:]}")
    return done.stdout.strip()
