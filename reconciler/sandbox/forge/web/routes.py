"""The page of a pull request as the forge serves it: read over the API, and acted upon over the API.

Whatever a person does here goes through the same door as a program's request, so that every rule holds: reviews of
one's own pull request, protected branches, heads that moved meanwhile.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.web import acting, looking
from reconciler.sandbox.forge.web.actions import Action, FormRefused, form_token, is_loopback, read_action
from reconciler.sandbox.forge.web.api import Api, ApiRefused, Pull
from reconciler.sandbox.forge.web.diff import NotEditable
from reconciler.sandbox.forge.web.page import Live, PageView, plain_page, policy, pull_request_page
from reconciler.sandbox.wire import Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.wire import Handle

_PAGE = re.compile(r"/(?P<repository>[\w.-]+/[\w.-]+)/pull/(?P<number>[1-9]\d{0,8})(?P<feed>/activity\.json)?/?")

_DONE = {
    "approve_and_merge": "Approved and merged.",
    "approve": "Approved.",
    "request_changes": "Your request for changes is sent.",
    "comment": "Your comment is sent.",
    "edit": "Your value is on the branch; it is the proposed one now.",
    "rewrite": "Your file is on the branch; it is the proposed one now.",
    "close": "Closed.",
    "reopen": "Reopened.",
}


class Pages:
    """Serves pull requests to whoever sits at this machine, who acts as one user.

    `live` tells what goes on beside; it is asked every second while a page is open.
    """

    def __init__(
        self, handle: Handle, *, viewer: str, token: Callable[[], str], live: Callable[[], Live] = Live
    ) -> None:
        self._handle = handle
        self._viewer = viewer
        self._token = token
        self.live = live
        self._secret = secrets.token_bytes()  # no part of the world that a seed makes: nobody may guess it

    def answer(self, request: Request) -> Response | None:
        """Serve the page's addresses, and None for any other."""
        found = _PAGE.fullmatch(request.path)
        if found is None:
            return None
        if not is_loopback(request.headers.get("host", "")):
            return _page(421, plain_page("Not here", "This page is shown only to a browser on this machine."))
        pull = Pull(Api(self._handle, self._token()), found["repository"], int(found["number"]))
        try:
            if found["feed"]:
                return self._feed(request, pull)
            if request.method == "POST":
                return self._act(request, pull)
            return self._look(request, pull) if request.method in ("GET", "HEAD") else _page(405, "")
        except ApiRefused as refused:
            return _page(refused.status, plain_page("Nothing to see", str(refused)))

    def _feed(self, request: Request, pull: Pull) -> Response:
        if request.method != "GET":
            return _page(405, "")
        return json_response(asdict(self.live()) | {"version": pull.version()}, Cache_Control="no-store")

    def _look(self, request: Request, pull: Pull) -> Response:
        return self._show(pull, notice=_DONE.get(request.first("done"), ""))

    def _act(self, request: Request, pull: Pull) -> Response:
        try:
            expected = form_token(self._secret, pull.path, self._viewer)
            action = read_action(request.body, request.headers.get("content-type", ""), expected)
            acting.act(pull, action)
        except FormRefused as refused:
            return self._show(pull, error=str(refused), status=refused.status)
        except NotEditable as refused:
            return self._show(pull, error=f"{refused}.".capitalize(), status=422)
        except ApiRefused as refused:
            return self._show(pull, error=str(refused), status=refused.status)
        return _done(pull, action)

    def _show(self, pull: Pull, *, notice: str = "", error: str = "", status: int = 200) -> Response:
        view: PageView = looking.view_of(
            pull,
            viewer=self._viewer,
            csrf=form_token(self._secret, pull.path, self._viewer),
            nonce=secrets.token_urlsafe(),
            live=self.live(),
            notice=notice,
            error=error,
        )
        return _page(status, pull_request_page(view), policy(view.nonce))


def _done(pull: Pull, action: Action) -> Response:
    """Send the browser back to the page, so that reloading it repeats nothing."""
    return Response(303, b"", {"Location": f"{pull.path}?done={action.name}", "Cache-Control": "no-store"})


def _page(status: int, text: str, content_policy: str = "") -> Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": content_policy or policy(secrets.token_urlsafe()),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(status, text.encode(), headers)
