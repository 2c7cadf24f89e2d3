"""What a person does in the browser, on a whole forge: the rules are the API's."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.forge import ADMIN, REVIEWER
from tests.sandbox.forge.browser import CONTENT, PAGE, REPOSITORY, Browser, text_of
from tests.sandbox.forge.test_page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.wire import Response


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """An open pull request, and ana in front of it."""
    return Browser(tmp_path)


def refusal_of(response: Response) -> str:
    """Return what the page says went wrong."""
    text = text_of(response)
    return " ".join(Page(text[text.index('role="alert"') :].partition(">")[2].partition("</p>")[0]).text.split())


def test_page_shows_the_pull_request(browser: Browser) -> None:
    """Title, body, diff and who wrote it, with headers that keep it to itself."""
    answer = browser.look()
    text = Page(text_of(answer)).text

    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    for words in ("web: more memory", "Why this.", "memory: 1Gi # spring", "reconciler-bot wrote", "You act as ana"):
        assert words in " ".join(text.split())


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_approving_and_merging_is_a_review_and_a_merge(browser: Browser, method: str) -> None:
    """Ana approves the commit that she saw, and base has it; the browser is sent back to the page."""
    answer = browser.press("approve_and_merge", method=method)
    reviews = browser.call("GET", f"{REPOSITORY}/pulls/1/reviews")

    assert (answer.status, answer.headers["Location"]) == (303, f"{PAGE}?done=approve_and_merge")
    assert [(review["user"]["login"], review["state"]) for review in reviews] == [(REVIEWER, "APPROVED")]
    assert (browser.pull["merged"], browser.pull["merged_by"]["login"]) == (True, REVIEWER)
    assert "Merged by ana" in browser.page().text
    assert "Approved and merged." in text_of(browser.look(done="approve_and_merge"))


def test_changes_are_requested_and_comments_made(browser: Browser) -> None:
    """Both are in the conversation, in order, with their words as Markdown."""
    browser.press("comment", text="Is **1Gi** enough?")
    browser.clock.advance(timedelta(minutes=1))
    browser.press("request_changes", text="Take 2Gi.")
    text = text_of(browser.look())

    assert "Is <strong>1Gi</strong> enough?" in text
    assert text.index("enough?") < text.index("requested changes") < text.index("Take 2Gi.")
    assert browser.call("GET", f"{REPOSITORY}/pulls/1/reviews")[0]["state"] == "CHANGES_REQUESTED"


@pytest.mark.parametrize("action", ["comment", "request_changes"])
def test_empty_words_are_not_sent(browser: Browser, action: str) -> None:
    """A person is asked to say something first."""
    answer = browser.press(action, text=" ")

    assert (answer.status, refusal_of(answer)) == (422, "That did not work. Write what you want to say first.")
    assert browser.call("GET", f"{REPOSITORY}/issues/1/comments") == []


def test_closing_and_reopening(browser: Browser) -> None:
    """A close is told with its author, and can be taken back."""
    browser.press("close")
    closed = browser.page()
    browser.press("reopen", closed)

    assert "Closed by ana" in closed.text
    assert browser.pull["state"] == "open"
    assert "ana reopened this" in " ".join(browser.page().text.split())


def test_edited_value_is_a_commit_by_the_person_on_the_branch(browser: Browser) -> None:
    """Only the value changes; the comment beside it stays, and the page shows the new diff."""
    browser.press("edit", lines={2: "2Gi"})

    assert browser.content == "cpu: 1\nmemory: 2Gi # spring\n"
    assert browser.call("GET", f"{REPOSITORY}/commits/{browser.pull['head']['sha']}")["author"]["login"] == REVIEWER
    assert "memory: 2Gi # spring" in browser.page().text


def test_rewritten_file_keeps_its_line_ends(browser: Browser) -> None:
    """Browsers send lines as networks end them; the file stays as it was otherwise."""
    browser.press("rewrite", text="cpu: 2\r\nmemory: 1Gi # spring\r\n")

    assert browser.content == "cpu: 2\nmemory: 1Gi # spring\n"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({2: "1Gi"}, "The branch holds exactly that already."),
        ({9: "1Gi"}, "There is no line 9."),
        ({2: "1Gi\nevil: 1"}, "Line 2 must stay one line."),
    ],
)
def test_edit_that_does_not_fit_is_explained(browser: Browser, given: dict[int, str], why: str) -> None:
    """And nothing is committed."""
    before = browser.pull["head"]["sha"]
    answer = browser.press("edit", lines=given)

    assert (answer.status, refusal_of(answer)) == (422, f"That did not work. {why}")
    assert browser.pull["head"]["sha"] == before


def test_decision_about_an_older_commit_does_not_count(browser: Browser) -> None:
    """What moved after the page was opened is neither merged nor overwritten: a person decides what they saw."""
    page = browser.page()
    browser.write(CONTENT.replace("512Mi", "64Gi"))
    merged = browser.press("approve_and_merge", page)
    edited = browser.press("edit", page, lines={2: "2Gi"})

    assert (merged.status, edited.status) == (409, 422)
    assert "Head branch was modified" in refusal_of(merged)
    assert "the branch has moved meanwhile" in refusal_of(edited).lower()
    assert (browser.pull["merged"], browser.content) == (False, CONTENT.replace("512Mi", "64Gi"))


def test_rules_of_the_branch_hold_in_the_browser_too(browser: Browser) -> None:
    """Where two approvals are needed, one does not merge, and the forge's words say why."""
    rules: dict[str, Any] = {"required_pull_request_reviews": {"required_approving_review_count": 2}}
    rules |= {"required_status_checks": None, "enforce_admins": True, "restrictions": None}
    browser.call("PUT", f"{REPOSITORY}/branches/main/protection", ADMIN, **rules)
    answer = browser.press("approve_and_merge")

    assert answer.status == 405
    assert "At least 2 approving reviews are required" in refusal_of(answer)
    assert not browser.pull["merged"]


def test_conflict_is_told_before_and_after(browser: Browser) -> None:
    """The page says that a merge would fail; pressing the button all the same changes nothing."""
    sha = browser.call("GET", f"{REPOSITORY}/contents/web.yaml")["sha"]
    other = base64.b64encode(b"cpu: 1\nmemory: 3Gi\n").decode()
    browser.call("PUT", f"{REPOSITORY}/contents/web.yaml", message="m", content=other, sha=sha, branch="main")
    browser.page()
    shown = browser.page().text
    answer = browser.press("approve_and_merge")

    assert "conflicts with its base" in shown
    assert (answer.status, browser.pull["merged"]) == (405, False)
