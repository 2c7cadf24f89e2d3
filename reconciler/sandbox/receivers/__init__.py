"""Who receives messages: a Slack workspace and an SMTP server; both keep what came, a bounded number."""

from reconciler.sandbox.receivers.mail import Mail, Mailbox
from reconciler.sandbox.receivers.slack import Click, Slack, SlackMessage

__all__ = ["Click", "Mail", "Mailbox", "Slack", "SlackMessage"]
