"""What wakes the loop early: webhooks of the forge."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from reconciler.settings.values import Address, Duration, Section


class WebhookSettings(Section):
    """Webhooks of the forge, which only wake `reconciler run --interval` early; see docs/guides/webhooks.md."""

    listen: Address | None = Field(
        None, description="host:port to listen on, such as 127.0.0.1:8093; empty: nothing listens."
    )
    secret_env: str = Field(
        "RECONCILER_WEBHOOK_SECRET",
        description="Environment variable that holds the secret; several while it is changed, one a line.",
    )
    secret_file: str | None = Field(None, description="File that holds the secrets; wins over secret_env.")
    gap: Duration = Field(
        timedelta(seconds=5), description="Shortest time between a pass that was woken and the next woken one."
    )
    replay_window: Duration = Field(
        timedelta(hours=1), description="A message that came before within this time is refused."
    )
    max_bytes: int = Field(4_194_304, ge=1024, description="Longer messages are refused.")
