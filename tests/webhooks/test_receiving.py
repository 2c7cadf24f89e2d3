"""Each message gets its one right answer, and only what is signed, fresh and about us rings the bell."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from reconciler.settings import ForgeKind
from reconciler.webhooks.verifying import DIALECTS, is_signed, signature
from tests.webhooks.messages import LIMIT, NEXT, PUSH, SECRET, Door, message

REVIEW = PUSH | {"action": "submitted", "review": {"state": "approved"}}
ON_PULL_REQUEST = PUSH | {"issue": {"number": 1, "pull_request": {"url": "…"}}}
BOX = "Boxes:\r\n- [{}] start nothing new <!-- reconciler:box stop -->\r\n"
ON_ISSUE = PUSH | {"issue": {"number": 1}}


def test_a_signed_message_about_us_rings() -> None:
    """The bell is told the event's name, nothing else of the message."""
    door = Door()

    answer = door.ask(*message(REVIEW, event="pull_request_review"))

    assert (answer.status, answer.text) == (202, "a pass will look")
    assert door.rings == ["pull_request_review"]


@pytest.mark.parametrize(
    ("event", "payload", "rings"),
    [
        ("push", PUSH, True),
        ("pull_request", PUSH, True),
        ("check_run", PUSH, True),
        ("status", PUSH, True),
        ("issue_comment", ON_PULL_REQUEST, True),
        ("issue_comment", ON_ISSUE, False),
        ("issue_comment", PUSH | {"issue": "odd"}, False),
        ("issue_comment", ON_ISSUE | {"comment": {"body": "Enough.\n/reconciler stop"}}, True),
        ("issue_comment", ON_ISSUE | {"comment": {"body": "what is /reconciler stop?"}}, False),
        ("issue_comment", ON_ISSUE | {"comment": ["/reconciler stop"]}, False),
        ("issues", ON_PULL_REQUEST, False),
        ("issues", PUSH | {"action": "edited", "issue": {"body": BOX.format("x")}}, True),
        ("issues", PUSH | {"action": "edited", "issue": {"body": BOX.format(" ")}}, False),
        ("issues", PUSH | {"action": "opened", "issue": {"body": BOX.format("x")}}, False),
        ("star", PUSH, False),
        ("ping", PUSH, False),
        ("push", {"repository": {"full_name": "Shop/Deploy"}}, True),
        ("push", {"repository": {"full_name": "shop/deploy2"}}, False),
        ("push", {"repository": "shop/deploy"}, False),
        ("push", {"repository": {"full_name": ["shop/deploy"]}}, False),
        ("push", {}, False),
    ],
)
def test_only_what_concerns_us_rings(event: str, payload: object, rings: bool) -> None:  # noqa: FBT001
    """Everything else that is signed is taken all the same: the forge did nothing wrong."""
    door = Door()

    assert door.status(payload, event=event) == 202
    assert bool(door.rings) == rings


@pytest.mark.parametrize(
    "changed",
    [
        {"x_hub_signature_256": None},
        {"x_hub_signature_256": ""},
        {"x_hub_signature_256": "sha256="},
        {"x_hub_signature_256": f"sha256={'0' * 64}"},
        {"x_hub_signature_256": f"sha256={'é' * 64}"},
        {"x_hub_signature_256": signature(b"{}", SECRET)},
        {"x_hub_signature_256": None, "x_hub_signature": f"sha1={'0' * 40}"},
        {"x_hub_signature_256": None, "x_gitea_signature": signature(json.dumps(PUSH).encode(), SECRET)},
        {"secret": NEXT},
    ],
)
def test_what_is_not_signed_with_our_secret_is_refused(changed: dict[str, str | None]) -> None:
    """401, whatever is wrong with the signature; nobody rings."""
    door = Door()

    assert door.ask(*message(**changed)).status == 401  # type: ignore[arg-type]
    assert door.rings == []


def test_a_changed_body_is_refused() -> None:
    """The signature is over the bytes as they came."""
    headers, body = message()

    assert Door().ask(headers, body.replace(b"deploy", b"deploy ")).status == 401


def test_both_secrets_count_while_one_replaces_the_other() -> None:
    """The forge's administrator changes it when they like."""
    door = Door(secrets=(SECRET, NEXT))

    assert [door.status(delivery="d-1", secret=SECRET), door.status(REVIEW, delivery="d-2", secret=NEXT)] == [202, 202]
    assert door.status(ON_ISSUE, delivery="d-3", secret="some other secret") == 401  # noqa: S106


def test_gitea_signs_in_its_own_header() -> None:
    """And GitHub's headers, which it sends too, are not looked at."""
    door = Door(kind=ForgeKind.GITEA)
    body = json.dumps(PUSH).encode()
    gitea = {
        "x_gitea_event": "pull_request_approved",
        "x_gitea_delivery": "e-1",
        "x_gitea_signature": signature(body, SECRET),
        "x_hub_signature_256": None,
    }

    assert door.status(**gitea) == 202
    assert door.rings == ["pull_request_approved"]
    assert door.status(delivery="e-2") == 401


@pytest.mark.parametrize(
    ("method", "path", "changed", "status"),
    [
        ("POST", "/", {}, 404),
        ("GET", "/webhooks/", {}, 404),
        ("GET", "/webhooks", {}, 405),
        ("PUT", "/webhooks", {}, 405),
        ("POST", "/webhooks", {"content_length": None}, 411),
        ("POST", "/webhooks", {"transfer_encoding": "chunked"}, 411),
        ("POST", "/webhooks", {"content_length": "-1"}, 400),
        ("POST", "/webhooks", {"content_length": "²"}, 400),
        ("POST", "/webhooks", {"content_length": str(LIMIT + 1)}, 413),
        ("POST", "/webhooks", {"content_length": "9" * 5000}, 413),
        ("POST", "/webhooks", {"content_type": "text/plain"}, 415),
        ("POST", "/webhooks", {"content_type": None}, 415),
        ("POST", "/webhooks", {"x_github_event": None}, 400),
        ("POST", "/webhooks", {"x_github_event": "push\x1b[2J"}, 400),
        ("POST", "/webhooks", {"x_github_delivery": None}, 400),
        ("POST", "/webhooks", {"x_github_delivery": "d" * 129}, 400),
        ("POST", "/webhooks", {"body": b""}, 400),
        ("POST", "/webhooks", {"body": b"[]"}, 400),
        ("POST", "/webhooks", {"body": b'{"a":\xff}'}, 400),
        ("POST", "/webhooks", {"body": b"[" * 9000}, 400),
        ("POST", "/webhooks", {"body": b"1" * 9000}, 400),
        ("POST", "/webhooks", {"content_type": "application/x-www-form-urlencoded"}, 400),
    ],
)
def test_what_is_no_message_has_its_own_refusal(method: str, path: str, changed: dict[str, str], status: int) -> None:
    """The status says what is wrong, and nobody rings."""
    door = Door()

    assert door.ask(*message(**changed), method=method, path=path).status == status  # type: ignore[arg-type]
    assert door.rings == []


def test_a_form_is_taken_too() -> None:
    """GitHub's own default: the JSON stands in the field `payload`, the signature is over the form."""
    door = Door()
    body = urlencode({"payload": json.dumps(PUSH)}).encode()

    assert door.status(body=body, content_type="application/x-www-form-urlencoded") == 202
    assert door.rings == ["push"]


@pytest.mark.parametrize("again", [{"delivery": "d-1", "payload": REVIEW}, {"delivery": "d-2", "payload": PUSH}])
def test_what_came_before_is_refused_within_the_window(again: dict[str, object]) -> None:
    """By its id or by its content: the id is not signed, whoever replays a message may choose one."""
    door = Door()
    door.status(delivery="d-1")

    assert door.status(**again) == 409
    assert door.rings == ["push"]
    door.time = 61.0
    assert door.status(**again) == 202


def test_a_refused_message_may_come_again() -> None:
    """GitHub repeats a failed delivery under the same id, once the secret is mended."""
    door = Door()
    door.status(secret=NEXT)

    assert door.status() == 202


def test_what_is_remembered_is_bounded() -> None:
    """Whoever knows the secret may fill a list, not the memory."""
    door = Door()
    door.receiver.seen._most = 10

    assert {door.status(PUSH | {"n": n}, delivery=f"d-{n}") for n in range(50)} == {202}
    assert len(door.receiver.seen._when) == 10
    assert door.status(PUSH | {"n": 49}, delivery="d-new") == 409


def test_each_kind_of_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong secret is seen by the operator, and nobody can fill the log."""
    door = Door()
    for number in range(5):
        door.status(secret=NEXT, delivery=f"d-{number}")
        door.ask({}, b"", path="/.env")

    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [401, 404]


def test_secrets_are_not_shown() -> None:
    """Neither by the receiver nor by a head that carries a client's own."""
    assert SECRET not in repr(Door().receiver)


def test_every_secret_is_compared() -> None:
    """The first match does not end it, so that time does not tell which one it was."""
    body, dialect = b"{}", DIALECTS[ForgeKind.GITEA]

    assert is_signed(signature(body, SECRET), body, (SECRET, NEXT), dialect)
    assert is_signed(signature(body, NEXT), body, (SECRET, NEXT), dialect)
    assert not is_signed(signature(body, SECRET), body, (), dialect)
