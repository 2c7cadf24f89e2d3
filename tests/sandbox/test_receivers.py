"""Slack and SMTP receive as the real ones do, and keep what came."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
from datetime import timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.receivers import Mailbox, Slack
from reconciler.sandbox.receivers.mail import LARGEST
from reconciler.sandbox.wire import NotInSandbox, Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = [
    {
        "type": "actions",
        "block_id": "decision",
        "elements": [
            {"type": "button", "action_id": "approve", "value": "op-1", "text": {"type": "plain_text", "text": "Yes"}},
            {"type": "button", "action_id": "reject", "value": "op-1", "text": {"type": "plain_text", "text": "No"}},
        ],
    }
]


@pytest.fixture
def slack() -> Slack:
    """A workspace with one channel."""
    return Slack(SandboxClock())


def send(slack: Slack, path: str, body: object, *, token: str | None = "xoxb-sandbox") -> Response:  # noqa: S107 - its own
    """Post JSON."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    return slack.handle(Request("POST", path, {}, headers, json.dumps(body).encode()))


def api(slack: Slack, method: str, body: object, *, token: str | None = "xoxb-sandbox") -> Any:  # noqa: ANN401, S107 - JSON
    """Call a method of the Web API and return its answer."""
    answer = send(slack, f"/api/{method}", body, token=token)
    assert answer.status == 200
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


def test_a_posted_message_is_kept_under_its_time_stamp(slack: Slack) -> None:
    """By the channel's name or its id; the answer names the id."""
    first = api(slack, "chat.postMessage", {"channel": "#alerts", "text": "web is OOMKilled", "blocks": BLOCKS})
    second = api(slack, "chat.postMessage", {"channel": "C0ALERTS", "text": "again"})

    assert first["ok"] is True
    assert first["channel"] == "C0ALERTS"
    assert first["message"]["text"] == "web is OOMKilled"
    assert [(m.ts, m.text) for m in slack.messages] == [(first["ts"], "web is OOMKilled"), (second["ts"], "again")]


def test_an_update_replaces_the_text_and_keeps_the_earlier_one(slack: Slack) -> None:
    """The message stays where it was."""
    ts = api(slack, "chat.postMessage", {"channel": "alerts", "text": "waits"})["ts"]

    assert api(slack, "chat.update", {"channel": "C0ALERTS", "ts": ts, "text": "approved by ana"})["ok"] is True
    (message,) = slack.messages
    assert (message.text, [edit["text"] for edit in message.edits]) == ("approved by ana", ["waits"])


@pytest.mark.parametrize(
    ("method", "body", "token", "error"),
    [
        ("chat.postMessage", {"channel": "alerts", "text": "x"}, None, "not_authed"),
        ("chat.postMessage", {"channel": "alerts", "text": "x"}, "stolen", "invalid_auth"),
        ("chat.postMessage", {"channel": "nowhere", "text": "x"}, "xoxb-sandbox", "channel_not_found"),
        ("chat.postMessage", {"channel": "alerts"}, "xoxb-sandbox", "no_text"),
        ("chat.update", {"channel": "alerts", "ts": "1.0", "text": "x"}, "xoxb-sandbox", "message_not_found"),
        ("chat.postMessage", ["not", "an", "object"], "xoxb-sandbox", "invalid_json"),
    ],
)
def test_a_refusal_is_a_200_with_a_code(slack: Slack, method: str, body: object, token: str | None, error: str) -> None:
    """As Slack does it: a client that looks at the status only would believe in success."""
    assert api(slack, method, body, token=token) == {"ok": False, "error": error}
    assert not slack.messages


def test_too_many_requests_are_told_how_long_to_wait(slack: Slack) -> None:
    """Once for each time that was asked for."""
    slack.limit(7, times=2)

    answers = [send(slack, "/api/chat.postMessage", {"channel": "alerts", "text": "x"}) for _ in range(3)]

    assert [a.status for a in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert len(slack.messages) == 1


def test_a_method_that_is_not_here_is_refused_by_name(slack: Slack) -> None:
    """501 over HTTP, never an answer that could pass for Slack's."""
    with pytest.raises(NotInSandbox, match=r"chat\.scheduleMessage"):
        api(slack, "chat.scheduleMessage", {})


def test_the_webhook_answers_in_plain_words(slack: Slack) -> None:
    """JSON and the form's payload are accepted, a wrong secret and an empty message are not."""
    form = urlencode({"payload": json.dumps({"text": "by form"})}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}

    assert send(slack, slack.webhook_path, {"text": "by JSON"}).body == b"ok"
    assert slack.handle(Request("POST", slack.webhook_path, {}, headers, form)).body == b"ok"
    assert [m.text for m in slack.messages] == ["by JSON", "by form"]
    refused = send(slack, "/services/T0/B0/wrong", {"text": "x"})
    assert (refused.status, refused.body) == (403, b"invalid_token")
    assert send(slack, slack.webhook_path, {}).body == b"no_text"


def test_a_click_is_signed_by_the_workspace(slack: Slack) -> None:
    """Version 0: the time and the body under the signing secret."""
    api(slack, "chat.postMessage", {"channel": "alerts", "text": "may I?", "blocks": BLOCKS})

    click = slack.click(slack.messages[0], "approve", user="ana")

    stamp = click.headers["X-Slack-Request-Timestamp"]
    expected = hmac.new(b"sandbox-signing-secret", f"v0:{stamp}:".encode() + click.body, hashlib.sha256).hexdigest()
    assert click.headers["X-Slack-Signature"] == f"v0={expected}"
    payload = json.loads(parse_qs(click.body.decode())["payload"][0])
    assert payload["user"]["username"] == "ana"
    assert payload["container"]["message_ts"] == slack.messages[0].ts
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decision", "op-1")


def test_a_button_that_is_not_shown_cannot_be_clicked(slack: Slack) -> None:
    """A test that clicks it is wrong."""
    api(slack, "chat.postMessage", {"channel": "alerts", "text": "no buttons"})

    with pytest.raises(LookupError, match="approve"):
        slack.click(slack.messages[0], "approve", user="ana")


def test_the_answer_to_a_click_replaces_the_message_five_times_at_most(slack: Slack) -> None:
    """As often as Slack allows."""
    api(slack, "chat.postMessage", {"channel": "alerts", "text": "may I?", "blocks": BLOCKS})
    path = urlsplit(slack.click(slack.messages[0], "approve", user="ana").payload["response_url"]).path

    answers = [send(slack, path, {"replace_original": True, "text": f"answer {n}"}).status for n in range(6)]

    assert answers == [200, 200, 200, 200, 200, 404]
    assert slack.messages[0].text == "answer 4"


def test_the_answer_to_a_click_comes_within_half_an_hour() -> None:
    """Later the address is no longer valid, and nothing is replaced."""
    clock = SandboxClock()
    slack = Slack(clock)
    api(slack, "chat.postMessage", {"channel": "alerts", "text": "may I?", "blocks": BLOCKS})
    path = urlsplit(slack.click(slack.messages[0], "approve", user="ana").payload["response_url"]).path
    clock.advance(timedelta(minutes=31))

    assert send(slack, path, {"replace_original": True, "text": "x"}).body == b'{"ok":false,"error":"expired_url"}'
    assert slack.messages[0].text == "may I?"


def test_slack_is_reached_over_http(slack: Slack) -> None:
    """Through the sandbox's own server."""
    server = Server(slack.handle, name="Slack").start()
    try:
        body = json.dumps({"channel": "alerts", "text": "over HTTP"}).encode()
        headers = {"Authorization": "Bearer xoxb-sandbox", "Content-Type": "application/json; charset=utf-8"}
        pool = urllib3.PoolManager(retries=False)
        answer = pool.request("POST", f"{server.url}/api/chat.postMessage", body=body, headers=headers)
        pool.clear()
    finally:
        server.stop()

    assert json.loads(answer.data)["ok"] is True
    assert slack.messages[0].text == "over HTTP"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A running SMTP server."""
    box = Mailbox(SandboxClock()).start()
    yield box
    box.stop()


def mail(text: str = "1Gi for web?") -> EmailMessage:
    """Return a mail to ana."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "reconciler@example.org", "ana@example.org", "Grüße: approve"
    message.set_content(text)
    return message


def test_a_mail_is_kept_as_it_was_meant(mailbox: Mailbox) -> None:
    """Decoded, with its envelope and the sandbox's time."""
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client:
        client.send_message(mail())

    (kept,) = mailbox.mails
    assert (kept.sender, kept.recipients) == ("reconciler@example.org", ("ana@example.org",))
    assert kept.message["Subject"] == "Grüße: approve"
    assert kept.message.get_content() == "1Gi for web?\n"


def test_encryption_is_not_offered(mailbox: Mailbox) -> None:
    """So a client that insists on it fails, as it should."""
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.starttls()


def test_an_unknown_recipient_is_refused(mailbox: Mailbox) -> None:
    """And nothing is kept."""
    mailbox.refused.add("ana@example.org")

    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.send_message(mail())
    assert not mailbox.mails


def test_a_mail_that_is_too_large_is_refused(mailbox: Mailbox) -> None:
    """The limit is told before, and held."""
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client, pytest.raises(smtplib.SMTPException):
        client.send_message(mail("x" * 70 + "\n" + ("y" * 70 + "\n") * (LARGEST // 70)))
    assert not mailbox.mails
