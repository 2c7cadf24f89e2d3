"""Wrong addresses, credentials and folders: what is unknown, why, and the remedy; or an error before asking."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.adapters.wire import Answer
from tests.cli.bad import error, told

if TYPE_CHECKING:
    from click.testing import Result

    from tests.cli.served import Served

_EMPTY = (
    "set repository.mirror to a folder that is empty or missing, where this user may write; one of ours may be deleted,"
    " it is made again"
)
_TOKEN = "the token for gitea is missing, wrong or expired: make a new one and put it where the settings say"  # noqa: S105
_NODE = "while parsing a flow node expected the node content, but found '<stream end>'"


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/a.git", "git@github.com:you/manifests.git", "manifests"])
def test_an_address_of_the_wrong_kind(served: Served, command: str, url: str) -> None:
    """Known before anything is asked; exit code 2."""
    served.configure(repository={"url": url})

    result = served.run(command)

    assert (result.exit_code, result.stdout) == (2, "")
    assert told(result, served.desk) == error(
        "repository.url is not an https:// address [git.url_unsupported]",
        "write the repository's https:// address; SSH is not supported",
    )


def unknown(result: Result, source: str) -> list[str]:
    """Return what a pass or a plan says of a source that did not answer, with the remedy below it."""
    lines = result.stdout.splitlines()
    places = [n for n, line in enumerate(lines) if line.startswith(f"unknown  {source}: ")]
    end = places[-1] + (2 if lines[places[-1] + 1].startswith("         ") else 1)
    return [line.removesuffix("; nothing was done on what it would have told") for line in lines[places[0] : end]]


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("path", "why", "remedy"),
    [
        (
            "/page",
            "what answers at {url}/page is no Git server; it may be a web page",
            "set repository.url to the address that `git clone` takes; it often ends in .git",
        ),
        (
            "/none.git",
            "there is no Git repository at {url}/none.git",
            "check repository.url; a token that may not read it gets the same answer ($RECONCILER_GIT_TOKEN)",
        ),
    ],
)
def test_an_address_where_no_repository_is(served: Served, command: str, path: str, why: str, remedy: str) -> None:
    """Git is unknown then, and the pass goes on without it (invariant 3); exit code 0."""
    served.wire.script["GET /page/info/refs"] = Answer("<html>a page</html>")
    served.configure(repository={"url": f"{served.wire.url}{path}"})

    result = served.run(command)

    assert (result.exit_code, result.stderr) == (0, "")
    assert unknown(result, "git") == [
        f"unknown  git: {why.format(url=served.wire.url)}",
        f"         remedy: {remedy}",
    ]


@pytest.mark.parametrize(
    ("mirror", "why"),
    [
        ("work", "the folder ./work cannot be used: Repository not found at ./work"),
        ("/dev/null/mirror", "the folder /dev/null/mirror cannot be used: File exists"),
    ],
)
def test_a_mirror_that_is_none(served: Served, mirror: str, why: str) -> None:
    """A folder with somebody's work in it is left alone."""
    served.configure(repository={"mirror": mirror})
    before = sorted((served.desk.folder / "work").rglob("*"))

    result = served.run("plan")

    shown = [line.replace(str(served.desk.folder), ".") for line in unknown(result, "git")]
    assert shown == [
        f"unknown  git: {why}",
        f"         remedy: {_EMPTY}",
    ]
    assert sorted((served.desk.folder / "work").rglob("*")) == before


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "there is no such file"),
        ("clusters: 3\ncurrent-context: x\n", "it has not the shape of a kubeconfig"),
        ("- a\n", "it has not the shape of a kubeconfig"),
        ("", "Invalid kube-config. ./kubeconfig file is empty"),
        (
            "{{{",
            f'{_NODE} in "./kubeconfig", line 1, column 4',
        ),
    ],
)
def test_a_kubeconfig_that_is_none(served: Served, command: str, text: str | None, why: str) -> None:
    """There is no way to the cluster, so nothing is asked; exit code 2."""
    file = served.desk.folder / "kubeconfig"
    file.unlink() if text is None else file.write_text(text)

    result = served.run(command)

    assert (result.exit_code, result.stdout) == (2, "")
    assert told(result, served.desk) == error(
        f"no way to the cluster in ./kubeconfig: {why} [kubernetes.kubeconfig]",
        "set cluster.kubeconfig or $KUBECONFIG to a readable kubeconfig, or run inside a pod",
    )


_PODS = (
    'pods is forbidden: User "system:serviceaccount:ops:reconciler" cannot list resource "pods" in API group ""'
    " at the cluster scope"
)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("status", "said", "code", "remedy"),
    [
        (401, "Unauthorized", "kubernetes.unauthenticated", "renew the credentials in the kubeconfig"),
        (403, _PODS, "kubernetes.forbidden", "run `reconciler doctor`: it prints the RBAC rule to grant"),
    ],
)
def test_a_kubeconfig_without_permissions(
    served: Served, command: str, status: int, said: str, code: str, remedy: str
) -> None:
    """What was not readable is unknown, why, and how to mend it; nothing is done on it."""
    answer = Answer({"kind": "Status", "status": "Failure", "message": said, "code": status}, status)
    served.wire.script["GET /api/v1/pods"] = answer

    result = served.run(command)

    assert (result.exit_code, result.stderr) == (0, "")
    assert unknown(result, "kubernetes") == [
        f"unknown  kubernetes: list pods: {said} ({status}) [{code}]",
        f"         remedy: {remedy}",
    ]
    assert served.world.restarts == []


def test_doctor_prints_the_rule_that_is_missing(served: Served) -> None:
    """Ready to be pasted into the role; exit code 3."""
    served.wire.script["GET /version"] = Answer({"gitVersion": "v1.34.0"})
    served.wire.script["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = lambda request: Answer(
        {"status": {"allowed": request.body["spec"]["resourceAttributes"]["resource"] != "pods"}}, 201
    )

    result = served.run("doctor", "--output", "json")

    missing = {row["subject"]: row["remedy"] for row in json.loads(result.stdout) if row["detail"] == "not allowed"}
    rule = '{apiGroups: [""], resources: ["pods"], verbs: ["list"]}'
    assert result.exit_code == 3
    assert missing == {"list pods": f"add to the rules of the role that reconciler is bound to: - {rule}"}


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_wrong_token_for_the_forge(served: Served, command: str) -> None:
    """The forge is unknown, with what to do about its token."""
    served.wire.script["GET /api/v1/repos/o/r/pulls"] = Answer({"message": "token is required"}, 401)

    result = served.run(command)

    assert result.exit_code == 0
    assert unknown(result, "gitea") == [
        "unknown  gitea: gitea answered 401 to GET /repos/o/r/pulls: token is required",
        f"         remedy: {_TOKEN}",
    ]


def test_a_wrong_token_for_git(served: Served) -> None:
    """The same for the repository, naming the variable that holds it, and never the token."""
    result = served.run("plan", RECONCILER_GIT_TOKEN="wrong-and-secret")  # noqa: S106 - of no server

    assert unknown(result, "git") == [
        "unknown  git: the Git server does not let us in: it refused our token",
        "         remedy: put a token that may read and write this repository into $RECONCILER_GIT_TOKEN",
    ]
    assert "wrong-and-secret" not in result.output


@pytest.mark.parametrize(("token", "holds"), [("", "no token"), ("two words", "more than a token")])
def test_no_token_at_all(served: Served, token: str, holds: str) -> None:
    """Known before anything is asked; exit code 2."""
    result = served.run("plan", RECONCILER_FORGE_TOKEN=token)

    assert result.exit_code == 2
    assert told(result, served.desk) == error(
        f"environment variable RECONCILER_FORGE_TOKEN holds {holds} [configuration.token]",
        "put the token alone into environment variable RECONCILER_FORGE_TOKEN, or name another place by token_file"
        " or token_env",
    )


def test_servers_that_are_not_there_say_so_in_few_words(served: Served) -> None:
    """No pools, ports and queries of the libraries that asked."""
    served.configure(metrics={"url": "http://127.0.0.1:9"}, alerts={"url": "http://127.0.0.1:9"})
    shutil.rmtree(served.desk.folder / "mirror.git", ignore_errors=True)

    result = served.run("plan")

    assert unknown(result, "prometheus")[0] == (
        "unknown  prometheus: no answer: Connection refused [prometheus.unreachable]"
    )
    assert unknown(result, "alertmanager")[0] == (
        "unknown  alertmanager: alertmanager did not answer GET /api/v2/alerts: Connection refused"
        " [alertmanager.unreachable]"
    )
