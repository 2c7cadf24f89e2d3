"""The forge's web pages, for a person with a browser."""

from reconciler.sandbox.forge.web.page import Line, Live, PageView, pull_request_page
from reconciler.sandbox.forge.web.routes import Pages

__all__ = ["Line", "Live", "PageView", "Pages", "pull_request_page"]
