"""Markdown and diffs of the page: what people write, shown safely; what they edit, put where it belongs."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.markdown import code, fenced, prose
from reconciler.sandbox.forge.web import diff
from reconciler.sandbox.forge.web.markdown import render
from tests.sandbox.forge.test_page import Page

TAGS = {"p", "br", "h2", "h3", "h4", "h5", "h6", "strong", "em", "code", "pre", "span", "ul", "ol", "li", "a", "hr"}
TAGS |= {"blockquote", "table", "thead", "tbody", "tr", "th", "td", "div"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>\ntwo</p>\n<p>three</p>"),
        ("### Head `x`", "<h4>Head <code>x</code></h4>"),
        ("**bold `a*b`** and *slanted*", "<p><strong>bold <code>a*b</code></strong> and <em>slanted</em></p>"),
        ("snake_case_name, 2*3*4", "<p>snake_case_name, 2*3*4</p>"),
        (r"\*no\* \<b\> \_x\_", "<p>*no* &lt;b&gt; _x_</p>"),
        ("&amp; &#60;b&#62;", "<p>&amp; &lt;b&gt;</p>"),
        ("`` a`b ``", "<p><code>a`b</code></p>"),
        ("a <!-- hidden --> b", "<p>a  b</p>"),
        ("<!-- hidden\n\nstill -->\nseen", "<p>seen</p>"),
        ("<!-- never ends\n\nx", ""),
        ("- a\n- b\n  - c", "<ul>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul></li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("1. a\n\n2. b", "<ol>\n<li><p>a</p></li>\n<li><p>b</p></li>\n</ol>"),
        ("> said\n> twice", "<blockquote><p>said<br>\ntwice</p></blockquote>"),
        ("---", "<hr>"),
        ("```\n<b>\n```\nafter", "<pre><code>&lt;b&gt;</code></pre>\n<p>after</p>"),
        ("````\n```\n````", "<pre><code>```</code></pre>"),
        (
            "```diff\n-a\n+b\n c\n```",
            '<pre><code><span class="removed">-a</span>\n<span class="added">+b</span>\n c</code></pre>',
        ),
        ("```\nnever ends", "<pre><code>never ends</code></pre>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
    ],
)
def test_markdown_becomes_html(text: str, shown: str) -> None:
    """The part of GitHub's Markdown that pull requests need."""
    assert render(text) == shown


def test_table_keeps_escaped_pipes_and_ragged_rows() -> None:
    """Cells may hold a pipe, and a row as many cells as its head."""
    shown = render("| a | b |\n|---|:-:|\n| x \\| y | `c` |\n| z |\n\nafter")

    assert '<th scope="col">a</th><th scope="col">b</th>' in shown
    assert "<tr><td>x | y</td><td><code>c</code></td></tr>\n<tr><td>z</td><td></td></tr>" in shown
    assert shown.endswith("<p>after</p>")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("[ok](https://a.example/x?a=1&b=2)", ["https://a.example/x?a=1&b=2"]),
        ("see http://a.example/x, or (https://b.example).", ["http://a.example/x", "https://b.example"]),
        ("[bad](javascript:alert(1)) [bad](data:text/html,x) [bad](/local) [bad](//a.example)", []),
        ('[x](https://a.example/"onclick="alert(1))', ["https://a.example/"]),
        ("`https://a.example`", []),
    ],
)
def test_links_lead_to_web_addresses_only(text: str, addresses: list[str]) -> None:
    """And tell the other side nothing."""
    links = Page(render(text)).all("a")

    assert [link["href"] for link in links] == addresses
    assert all(link["rel"] == "noopener noreferrer nofollow" for link in links)


@given(st.text(alphabet="a`*_[]()<>!-#|~\\&;:/. \n1+@\"'x", max_size=200))
def test_any_text_is_well_formed_and_without_foreign_markup(text: str) -> None:
    """Whatever is written: tags match, none is unknown, and no attribute is a stranger's."""
    page = Page(render(text))

    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= {"class", "href", "rel", "start", "scope"}


@pytest.mark.parametrize("foreign", ["@ana closes #1 <b> `x` *y* | z", "-dash", "1. one", "a\\b [x](http://y)", "&lt;"])
def test_what_the_product_escapes_is_shown_as_it_was(foreign: str) -> None:
    """Its escapes and invisible breaks are understood; the reader sees the words."""
    told = Page(render(prose(foreign))).text.replace("\u200b", "")

    assert told == foreign
    assert Page(render(code(foreign))).text == foreign
    assert Page(render(fenced(foreign))).text == foreign


def test_deep_nesting_ends_somewhere() -> None:
    """A text that is nested a thousand times is shown, not a defect."""
    assert "x" in render(">" * 1_000 + "x")
    assert "x" in render("- " * 1_000 + "x")


@pytest.mark.parametrize("text", ["**`a" * 5_000, "`" * 60_000, "# " + " " * 60_000 + "x", "*a " * 5_000, "[" * 20_000])
def test_hostile_text_is_shown_in_no_time(text: str) -> None:
    """No text makes the search for its meaning explode."""
    began = process_time()
    render(text)

    assert process_time() - began < 5


PATCH = """@@ -1,4 +1,5 @@ spec:
 cpu: 1
-memory: 512Mi # spring
+memory: 1Gi # spring
 limits:
+  - "8080"
@@ -20,2 +21 @@
-gone: 1
 last: x
\\ No newline at end of file"""


def test_rows_are_numbered_on_both_sides() -> None:
    """Each line has its number before and after, as far as it is there."""
    assert [(row.kind, row.old, row.new) for row in diff.rows(PATCH)] == [
        ("hunk", None, None),
        ("same", 1, 1),
        ("removed", 2, None),
        ("added", None, 2),
        ("same", 3, 3),
        ("added", None, 4),
        ("hunk", None, None),
        ("removed", 20, None),
        ("same", 21, 21),
        ("note", None, None),
    ]
    assert diff.rows("") == []


def test_what_changed_within_a_line_is_whole_words() -> None:
    """512Mi became 1Gi, not 512M became 1G; lines without a common part are not marked."""
    removed, added = diff.rows(PATCH)[2:4]
    apart = diff.rows("@@ -1 +1 @@\n-one\n+two")[1:]

    assert (removed.before, removed.changed, removed.after) == ("memory: ", "512Mi", " # spring")
    assert added.changed == "1Gi"
    assert [row.changed for row in apart] == ["", ""]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("  memory: 1Gi  # spring", ("  memory: ", "1Gi", "  # spring")),
        ("- name: web", ("- name: ", "web", "")),
        ("  - 8080", ("  - ", "8080", "")),
        ('  url: "http://a#b"', ("  url: ", '"http://a#b"', "")),
        ("  app.kubernetes.io/name: web", ("  app.kubernetes.io/name: ", "web", "")),
        ("limits:", ("", "limits:", "")),
        ("free text", ("", "free text", "")),
        ("# memory: 1", ("", "# memory: 1", "")),
    ],
)
def test_value_is_told_from_its_line(line: str, field: tuple[str, str, str]) -> None:
    """Key, indentation and comment stay where they are; a line without a value is edited whole."""
    found = diff.field_of(1, line)

    assert (found.before, found.value, found.after) == field


def test_edit_changes_its_line_and_nothing_else() -> None:
    """Line endings, comments and a missing last line end stay."""
    content = "cpu: 1\r\nmemory: 1Gi # spring\r\nlast: x"

    assert diff.edited(content, {2: "2Gi", 3: "y"}) == "cpu: 1\r\nmemory: 2Gi # spring\r\nlast: y"
    assert diff.as_the_file_ends_lines("a\r\nb\r\n", "x\ny\n") == "a\nb\n"
    assert diff.as_the_file_ends_lines("a\r\nb\n", "x\r\n") == "a\r\nb\r\n"


@pytest.mark.parametrize(("number", "value"), [(0, "x"), (9, "x"), (1, "x\ny: 1"), (1, "x\r")])
def test_edit_that_does_not_fit_is_refused(number: int, value: str) -> None:
    """A line that is not there, and a value that would become several lines."""
    with pytest.raises(diff.NotEditable):
        diff.edited("cpu: 1\n", {number: value})
