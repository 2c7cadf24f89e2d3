"""The page of a pull request as HTML: well-formed, escaped, complete, and usable without a script or a mouse."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from reconciler.sandbox.forge.web import Line, Live, PageView, pull_request_page
from reconciler.sandbox.forge.web.page import Ending, Entry, FileView, policy

AT = datetime(2026, 1, 5, 9, 3, tzinfo=UTC)
PATCH = "@@ -1,2 +1,2 @@ spec:\n cpu: 1\n-memory: 512Mi # spring\n+memory: 1Gi # spring"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
VOID = {"meta", "input", "br", "hr", "circle", "path", "img"}

VIEW = PageView(
    path="/platform/shop/pull/7",
    repository="platform/shop",
    number=7,
    title="web: memory limit 512Mi → 1Gi",
    author="reconciler-bot",
    created_at=AT,
    state="open",
    base="main",
    head="reconciler/web",
    head_sha="a" * 40,
    body="Why **this**.",
    viewer="ana",
    csrf="token-of-the-form",
    nonce="nonce-of-the-script",
    files=(FileView(path="web.yaml", additions=1, deletions=1, patch=PATCH, blob="b" * 40, content="cpu: 1\nx\n"),),
    conversation=(Entry(author="ana", at=AT, kind="approved", did="approved", body="Good."),),
    live=Live(clock="09:03:22", waiting="next pass in 8 s", lines=(Line(at="09:03:20", text="opened it"),)),
    version="v1",
)
MERGED = replace(VIEW, state="merged", ending=Ending(by="ana", at=AT, commit="c" * 40))
CLOSED = replace(VIEW, state="closed", ending=Ending(by="ana", at=AT))


class Page(HTMLParser):
    """A page as its parts; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes the last one."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect what a reader sees."""
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all tags of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def buttons(self) -> set[str]:
        """What can be done."""
        return {button["value"] for button in self.all("button")}


@pytest.mark.parametrize("view", [VIEW, MERGED, CLOSED], ids=lambda view: view.state)
def test_page_is_well_formed_and_says_what_it_is_about(view: PageView) -> None:
    """Every tag is closed in order, ids are unique, and title, branches and state are there to read."""
    page = Page(pull_request_page(view))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]

    assert len(ids) == len(set(ids))
    for words in (
        view.title,
        "#7",
        view.state.capitalize(),
        "reconciler-bot",
        "reconciler/web",
        "main",
        "You act as ana",
    ):
        assert words in " ".join(page.text.split())


def test_open_pull_request_offers_every_decision() -> None:
    """Approve and merge in three ways, approve, request changes, edit, close, comment; not reopen."""
    page = Page(pull_request_page(VIEW))

    assert page.buttons == {
        "approve_and_merge",
        "approve",
        "close",
        "request_changes",
        "comment",
        "edit",
        "rewrite",
    }
    assert [option["value"] for option in page.all("option")] == ["merge", "squash", "rebase"]


def test_ended_pull_request_offers_only_what_is_left() -> None:
    """A merged one can be talked about, a closed one also be reopened; who ended it is told."""
    merged, closed = Page(pull_request_page(MERGED)), Page(pull_request_page(CLOSED))

    assert (merged.buttons, closed.buttons) == ({"comment"}, {"comment", "reopen"})
    assert "Merged by ana5 Jan 2026, 09:03:00 UTCas cccccccccccc" in merged.text
    assert "Closed by ana" in closed.text


def test_only_ways_to_merge_that_the_repository_allows_are_offered() -> None:
    """And what stands in the way of a merge is told."""
    page = Page(pull_request_page(replace(VIEW, methods=("squash",), obstacle="It conflicts.")))

    assert [option["value"] for option in page.all("option")] == ["squash"]
    assert "It conflicts." in page.text


def test_every_form_carries_the_token_and_what_its_reader_saw() -> None:
    """Forms post to the page itself, with the token and the head commit."""
    text = pull_request_page(VIEW)
    forms = re.findall(r"<form(.*?)</form>", text, re.DOTALL)

    assert len(forms) == 5
    for form in forms:
        assert 'method="post" action="/platform/shop/pull/7"' in form
        assert '<input type="hidden" name="token" value="token-of-the-form">' in form
        assert f'<input type="hidden" name="head" value="{"a" * 40}">' in form


def test_every_field_has_a_label() -> None:
    """Whoever cannot see the page hears what a field is for."""
    page = Page(pull_request_page(VIEW))
    labelled = {label["for"] for label in page.all("label")}
    fields = [field for tag in ("input", "textarea", "select") for field in page.all(tag)]

    assert {field["id"] for field in fields if field.get("type") != "hidden"} == labelled


@pytest.mark.parametrize(
    "view",
    [
        replace(VIEW, title=EVIL, author=EVIL, body=EVIL, head=EVIL, base=EVIL, notice=EVIL, obstacle=EVIL),
        replace(VIEW, error=EVIL, viewer=EVIL, repository=EVIL, version=EVIL, csrf=EVIL),
        replace(VIEW, files=(replace(VIEW.files[0], path=EVIL, patch=f"@@ -0,0 +1 @@\n+{EVIL}", content=EVIL),)),
        replace(VIEW, conversation=(Entry(author=EVIL, at=AT, kind="comment", did=EVIL, body=EVIL),)),
        replace(VIEW, live=Live(clock=EVIL, waiting=EVIL, lines=(Line(at=EVIL, text=EVIL),))),
        replace(MERGED, ending=Ending(by=EVIL, at=AT, commit=EVIL)),
    ],
    ids=["texts", "frame", "files", "conversation", "live", "ending"],
)
def test_nothing_that_somebody_wrote_becomes_markup(view: PageView) -> None:
    """Whatever is in a value is text: one script, ours, and no image."""
    page = Page(pull_request_page(view))

    assert page.all("script") == [{"nonce": "nonce-of-the-script"}]
    assert page.all("img") == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_page_loads_nothing_from_anywhere() -> None:
    """No address but its own, and a policy that would stop any other."""
    page = Page(pull_request_page(VIEW))
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "href", "action", "data-feed")
        if name in attributes
    ]

    assert addresses
    assert all(address.startswith(("/platform/shop/pull/7", "#")) for address in addresses)
    assert policy("n").startswith(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-n'; connect-src 'self'"
    )
    assert "form-action 'self'" in policy("n")


def test_diff_shows_line_numbers_signs_and_what_changed_within_a_line() -> None:
    """Not by colour alone."""
    text = pull_request_page(VIEW)

    assert (
        '<td class="n">2</td><td class="n"></td><td class="s">−</td><td class="c">memory: <mark>512Mi</mark> # sp'
        in text
    )
    assert (
        '<td class="n"></td><td class="n">2</td><td class="s">+</td><td class="c">memory: <mark>1Gi</mark> # sp' in text
    )


def test_value_can_be_edited_without_its_surroundings() -> None:
    """The field holds the value alone, and the whole file is there too, its first empty lines kept."""
    file = replace(VIEW.files[0], content="\n\nmemory: 1Gi\n")
    text = pull_request_page(replace(VIEW, files=(file,)))

    assert re.search(r'name="line-2" value="1Gi"', text)
    assert re.search(r"<textarea[^>]*>\n\n\nmemory: 1Gi\n</textarea>", text)


def test_file_that_nobody_may_edit_shows_its_diff_alone() -> None:
    """Binary and removed files, and those of a fork that is gone."""
    plain = replace(VIEW.files[0], content=None, patch="")
    page = Page(pull_request_page(replace(VIEW, files=(plain,))))

    assert not page.buttons & {"edit", "rewrite"}
    assert "No text to show." in page.text


def test_live_pane_works_without_a_script() -> None:
    """Clock, what comes next and what happened are in the page, the newest first."""
    lines = (Line(at="1", text="first"), Line(at="2", text="second", mark="waits"))
    page = Page(pull_request_page(replace(VIEW, live=Live(clock="09:00", waiting="soon", lines=lines))))

    assert "09:00" in page.text
    assert page.text.index("second") < page.text.index("first")
