"""What a file describes, as a function of its bytes: as a parse of the whole file says, for less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Refusal
from reconciler.manifests.editing.documents import Identity, identities
from reconciler.manifests.editing.parts import MAX_ALIASES, MAX_DEPTH, arrange, decode, scan, split_bom
from reconciler.manifests.files.contents import Described, described_in, describing, judged, may_describe, unjudged
from tests.manifests.examples import MANIFEST
from tests.manifests.generated import Generated, files

LIMIT = 10_000
WEB = Identity("apps", "Deployment", "shop", "web")
LINES = [
    "apiVersion: apps/v1",
    '"apiVersion": v1',
    '"api\\u0056ersion": v1',
    "kind: Deployment",
    "kind: &k List",
    "kind: *k",
    "metadata:",
    "metadata: {name: web, namespace: shop}",
    "metadata: {name: web, <<: *m}",
    "metadata: *m",
    "metadata: &m {name: [web]}",
    "x: &m {name: other}",
    "  name: web",
    "  name: web # twice",
    "  namespace:",
    "  labels: {name: web, kind: x}",
    "items:",
    "items: []",
    "- {apiVersion: v1, kind: Service, metadata: {name: a}}",
    "  - {apiVersion: v1, kind: Secret, metadata: {name: b, name: c}}",
    "  - *m",
    "  - <<: *m",
    "    metadata: {name: d, labels: {e: {f: g}}}",
    "    apiVersion: v1",
    "    kind: ConfigMap",
    "<<: *m",
    "spec: {a: {b: 1, b: 2}, c: [*m, *k]}",
    "data: {metadata: {name: inner}, items: [{kind: x}]}",
    "data: |",
    "  kind: Service",
    "---",
    "---",
    "...",
    "- kind: x",
    "? {complex: key}",
    ": value",
    "text",
    "{",
    "]",
    "\ttab",
    "%YAML 1.1",
]


def whole(data: bytes) -> list[tuple[int, Identity]] | Refusal:
    """Return what a parse of the whole file says."""
    try:
        return identities(arrange(scan(split_bom(decode(data, LIMIT))[1])))
    except Refusal as refusal:
        return refusal


@given(st.lists(st.sampled_from(LINES), max_size=14), st.sampled_from(["\n", "\r\n"]))
def test_less_is_read_and_the_same_is_found(lines: list[str], line_break: str) -> None:
    """Whatever the lines: what the whole says is said, and what is refused here the whole refuses too."""
    data = line_break.join(lines).encode()
    expected, found = whole(data), judged(data, LIMIT)

    if isinstance(expected, Refusal):
        if not found.unjudged:  # it found fault with what describes nothing, such as two equal keys deep inside
            assert expected.code in {"edit.duplicate_key", "edit.complex_key"} or not may_describe(data)
    else:
        assert found == describing(len(data), [Described(*one) for one in expected])


@given(files())
def test_manifests_as_people_write_them_are_read_alike(file: Generated) -> None:
    """Comments, quotes, flow maps and several documents make no difference."""
    assert list(described_in(file.data, LIMIT)) == whole(file.data)


@given(st.lists(st.sampled_from(LINES), max_size=10))
def test_what_is_not_parsed_describes_nothing(lines: list[str]) -> None:
    """The look at the bytes that spares a parse never hides an object."""
    data = "\n".join(lines).encode()
    expected = whole(data)

    if not may_describe(data):
        assert isinstance(expected, Refusal) or expected == []


def test_keys_may_be_written_with_escapes() -> None:
    """Nobody hides a second definition from us by spelling a key oddly."""
    text = r'{"api\u0056ersion": "apps/v1", "k\x69nd": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}'

    assert described_in(text.encode(), LIMIT) == ((0, WEB),)


def test_only_identities_are_kept() -> None:
    """Invariant 11: neither data of a Secret nor an environment's value, nor what a broken file holds."""
    manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"
    kept = [judged(text.encode(), LIMIT) for text in (manifest, f"{manifest}hunter2: [", MANIFEST)]

    assert b"hunter2" not in b"".join(one.said for one in kept)
    assert b"512Mi" not in b"".join(one.said for one in kept)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x: [", "edit.unparsable"),
        ("a: " + "[" * MAX_DEPTH, "edit.too_deep"),
        (f"a: &a 1\nb: [{', '.join(['*a'] * (MAX_ALIASES + 1))}]", "edit.too_many_aliases"),
        ("x: " + "y" * LIMIT, "edit.too_large"),
        ("x: \0", "edit.binary"),
        ("kind: x", "edit.duplicate_key"),
        ("<<: {a: b}", "edit.unclear_identity"),
    ],
)
def test_what_cannot_be_judged_says_why(text: str, code: str) -> None:
    """A file that might describe an object, and might not, is remembered as such."""
    data = f"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\n{text}".encode()

    assert judged(data, LIMIT) == unjudged(len(data), code)


def test_a_file_that_argo_leaves_out_describes_nothing() -> None:
    """Whatever else is in it."""
    assert judged(f"{MANIFEST}# +argocd:skip-file-rendering\nx: [".encode(), LIMIT).described() == ()
