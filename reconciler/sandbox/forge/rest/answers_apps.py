"""Apps and their installations as GitHub's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge.rest import answers
from reconciler.sandbox.forge.rest.view import View, stamp, stamp_or_none
from reconciler.sandbox.forge.urls import node_id

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import App, Json
    from reconciler.sandbox.forge.people import Installation, Lease

_REPORTER = {"checks": "write", "metadata": "read"}


def app(view: View, shown: App) -> Json:
    """Return an App."""
    page = view.web(f"/apps/{shown.slug}")
    return {
        "id": shown.id,
        "client_id": shown.client_id,
        "slug": shown.slug,
        "node_id": node_id("App", shown.id),
        "owner": answers.user(view, shown.owner),
        "name": shown.slug,
        "description": "",
        "external_url": page,
        "html_url": page,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
        "permissions": shown.permissions or _REPORTER,
        "events": ["check_run"],
    }


def installation(view: View, shown: Installation, its: App) -> Json:
    """Return an App's installation."""
    return {
        "id": shown.id,
        "account": answers.user(view, shown.account),
        "repository_selection": "selected",
        "access_tokens_url": view.api(f"/app/installations/{shown.id}/access_tokens"),
        "repositories_url": view.api("/installation/repositories"),
        "html_url": view.web(f"/settings/installations/{shown.id}"),
        "app_id": its.id,
        "app_slug": its.slug,
        "target_id": shown.account.id,
        "target_type": shown.account.kind,
        "permissions": its.permissions,
        "events": [],
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
        "single_file_name": None,
        "suspended_by": answers.user(view, shown.account) if shown.suspended_at else None,
        "suspended_at": stamp_or_none(shown.suspended_at),
    }


def lease(view: View, token: str, given: Lease) -> Json:
    """Return a token of an installation."""
    found = [view.state.repositories[number] for number in sorted(given.repositories)]
    return {
        "token": token,
        "expires_at": stamp(given.expires_at),
        "permissions": given.permissions,
        "repository_selection": "selected",
        "repositories": [answers.repository(view, each) for each in found],
    }
