"""Edits that are refused: each reason has its own code, and says what a person can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import read_fields
from reconciler.manifests.editing.parts import MAX_ALIASES, MAX_DEPTH
from reconciler.model.objects import ObjectRef, parse_path
from tests.manifests.examples import CONTAINER, MANIFEST, MEMORY, change, edit
from tests.worlds import WEBAPP

if TYPE_CHECKING:
    from reconciler.model.action import FieldChange

RAISE = change(MEMORY, "512Mi", "1Gi")
DEPLOYMENT = MANIFEST.partition("---\n")[2]
LIMITS = "limits: {cpu: 1, memory: 512Mi}"


def of_kind(kind: str, group: str = "") -> ObjectRef:
    """Return an object called webapp of another kind."""
    return ObjectRef(cluster="default", group=group, kind=kind, namespace="production", name="webapp")


def refusal(text: str | bytes, *changes: FieldChange, target: ObjectRef = WEBAPP, lines: int = 20) -> Refusal:
    """Return why an edit is refused; fails when it is made."""
    with pytest.raises(Refusal) as refused:
        edit(text, *(changes or (RAISE,)), target=target, max_changed_lines=lines, max_bytes=20_000)
    return refused.value


def with_limits(limits: str) -> str:
    """Return the manifest with other text in the place of the limits."""
    return MANIFEST.replace(LIMITS, limits)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"\xff" + MANIFEST.encode(), "edit.not_utf8"),
        (MANIFEST + "\0", "edit.binary"),
        (MANIFEST + "# \ufeff\n", "edit.stray_bom"),
        (MANIFEST + "#" * 20_000, "edit.too_large"),
        (MANIFEST + "---\nx: {{ .Values.memory }}\n", "edit.template"),
        ("{{ if .x }}\n" + MANIFEST + "{{ end }}\n", "edit.template"),
        (MANIFEST + "{{- end }}\n", "edit.template"),
        (MANIFEST + "# {{ x }}\n  ]: [\n", "edit.unparsable"),
        ("%YAML 1.1\n---\n" + MANIFEST, "edit.directive"),
        (MANIFEST + "# \u2028x: 1\n", "edit.line_separator"),
        ("%TAG ! !\n---\n" + MANIFEST, "edit.directive"),
        (MANIFEST + "\tx: 1\n", "edit.tabs"),
        (MANIFEST + "  ]: [\n", "edit.unparsable"),
        ("a: " + "[" * (MAX_DEPTH + 1), "edit.too_deep"),
        ("a: &a 1\nb: [" + "*a, " * (MAX_ALIASES + 1) + "]\n---\n" + MANIFEST, "edit.too_many_aliases"),
        (MANIFEST.replace("replicas: 3", "replicas: 3\n  replicas: 4"), "edit.duplicate_key"),
        (MANIFEST.replace("replicas: 3", "replicas: 3\n  ? [a]\n  : 1"), "edit.complex_key"),
        (MANIFEST + "---\nsops: {mac: ENC}\n", "edit.encrypted"),
        (MANIFEST.replace("name: webapp   #", "name: other   #"), "edit.target_not_found"),
        (MANIFEST.replace("namespace: production", "namespace: staging"), "edit.target_not_found"),
        (MANIFEST.replace("apps/v1", "extensions/v1beta1"), "edit.target_not_found"),
        (MANIFEST + "---\n" + DEPLOYMENT, "edit.two_documents"),
        (MANIFEST + "---\n" + DEPLOYMENT.replace("  namespace: production\n", ""), "edit.two_documents"),
        (MANIFEST + "---\na: &m {}\n---\napiVersion: v1\nkind: x\nmetadata: &m {}\n<<: *m\n", "edit.unclear_identity"),
        (MANIFEST + "---\na: &m {name: webapp}\napiVersion: v1\nkind: x\nmetadata: *m\n", "edit.unclear_identity"),
        (MANIFEST + "---\nk: &k x\napiVersion: v1\nkind: *k\nmetadata: {}\n", "edit.unclear_identity"),
        (MANIFEST + "---\nk: &k x\napiVersion: v1\nkind: List\nitems: [*k]\n", "edit.unclear_identity"),
        (MANIFEST + "---\napiVersion: v1\nkind: x\nmetadata: {<<: &k {name: webapp}}\n", "edit.unclear_identity"),
    ],
)
def test_a_doubtful_file_is_refused(text: str | bytes, code: str) -> None:
    """Invariant 5: what could be read in two ways, or is too much to read, is not edited."""
    refused = refusal(text)

    assert refused.code == code
    assert refused.remedy


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (with_limits("limits: {memory: &m 512Mi}"), "edit.anchor"),
        (with_limits("limits: &l {memory: 512Mi}"), "edit.anchor"),
        (with_limits("limits: {memory: !!str 512Mi}"), "edit.tag"),
        (with_limits("limits: !!map {memory: 512Mi}"), "edit.tag"),
        (with_limits("limits: {cpu: &m 512Mi, memory: *m}"), "edit.alias"),
        (with_limits("other: &o {memory: 512Mi}\n            limits: *o"), "edit.alias"),
        (with_limits("other: &o {memory: 512Mi}\n            limits: {<<: *o}"), "edit.merge_key"),
        (with_limits("other: &o {cpu: 1}\n            limits: {<<: *o, memory: 512Mi}"), "edit.merge_key"),
        (
            MANIFEST.replace("      containers:\n", "      x: &x {name: web}\n      containers:\n        - *x\n"),
            "edit.alias",
        ),
        (MANIFEST.replace("name: proxy", "name: web"), "edit.ambiguous_item"),
        (MANIFEST.replace("- name: web\n          image", "- name: site\n          image"), "edit.missing_field"),
        (with_limits("limits: {cpu: 1}"), "edit.missing_field"),
        (with_limits("limits: 512Mi"), "edit.missing_field"),
        (with_limits("limits:"), "edit.missing_field"),
        (with_limits("limits: [memory]"), "edit.missing_field"),
        (with_limits("limits: {memory: {}}"), "edit.not_scalar"),
        (with_limits("limits: {memory: [512Mi]}"), "edit.not_scalar"),
        (with_limits("limits: {memory: }"), "edit.empty_value"),
        (with_limits("limits: {memory: ~}"), "edit.empty_value"),
        (with_limits("limits:\n              memory: |-\n                512Mi"), "edit.block_scalar"),
        (with_limits("limits:\n              memory: >-\n                512Mi"), "edit.block_scalar"),
        (with_limits("limits: {memory: 256Mi}"), "edit.stale"),
        (with_limits("limits: {memory: true}").replace("512Mi", "x"), "edit.stale"),
    ],
)
def test_a_doubtful_field_is_refused(text: str, code: str) -> None:
    """Invariant 5: a field that is shared, hidden, elsewhere or not what it was is not edited."""
    refused = refusal(text)

    assert refused.code == code
    assert "spec.template.spec.containers[name=web].resources.limits.memory" in refused.message
    assert refused.remedy


def test_an_alias_that_could_be_the_containers_name_is_refused() -> None:
    """Which item is meant is not certain then."""
    refused = refusal(MANIFEST.replace("name: proxy", "x: &x web\n          name: *x"))

    assert (refused.code, refused.message) == ("edit.alias", "the key name of a list item is an alias")


def test_a_value_of_several_lines_is_refused() -> None:
    """One line is replaced, no more."""
    refused = refusal(with_limits('limits: {memory: "512\\\n                Mi"}'))

    assert (refused.code, refused.message) == ("edit.multi_line", "the present value spans several lines")


@pytest.mark.parametrize(
    "after",
    ["1Gi\nreplicas: 9", "1Gi\r", "1\x00", "1\x85", "1\u2028x: 1", "1\u2029", "\u202e1Gi", "\u200b1Gi", "\ud800"],
)
def test_a_new_value_with_hidden_characters_is_refused(after: str) -> None:
    """A value that could add a line, or look like another one, does not enter a file."""
    assert refusal(MANIFEST, change(MEMORY, "512Mi", after)).code == "edit.unprintable_value"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (change("spec.replicas", "3", "three"), "edit.type_change"),
        (change("spec.replicas", "3", "true"), "edit.type_change"),
        (change("spec.paused", "false", "no"), "edit.type_change"),
        (change("spec.paused", "false", "0"), "edit.type_change"),
        (change(f"{CONTAINER}.resources.limits.cpu", "1", "fast"), "edit.type_change"),
        (change("kind", "Deployment", "DaemonSet"), "edit.identity_field"),
        (change("apiVersion", "apps/v1", "apps/v2"), "edit.identity_field"),
        (change("metadata.name", "webapp", "x"), "edit.identity_field"),
        (change("metadata.namespace", "production", "x"), "edit.identity_field"),
        (change("status.replicas", "1", "2"), "edit.foreign_field"),
        (change("metadata.resourceVersion", "1", "2"), "edit.foreign_field"),
        (change('metadata.annotations."argocd.argoproj.io/tracking-id"', "1", "2"), "edit.foreign_field"),
        (
            change('spec.template.metadata.annotations."kubectl.kubernetes.io/restartedAt"', "1", "2"),
            "edit.foreign_field",
        ),
        (change(MEMORY, "512Mi", "512Mi"), "edit.no_change"),
        (change("spec.template.spec.containers[name=web]", "x", "y"), "edit.not_scalar"),
    ],
)
def test_a_change_that_is_no_edit_is_refused(wanted: FieldChange, code: str) -> None:
    """Wrong types, names of objects, server-set fields and changes of nothing are not edits."""
    assert refusal(MANIFEST, wanted).code == code


def test_a_disputed_number_is_not_replaced() -> None:
    """`0777` is 511 or 777, depending on who reads it; nobody knows what the author meant."""
    text = MANIFEST.replace("replicas: 3", "replicas: 0777")

    assert refusal(text, change("spec.replicas", "0777", "5")).code == "edit.type_change"
    assert refusal(with_limits("limits: {memory: 0o17}"), change(MEMORY, "0o17", "1.10")).code == "edit.type_change"


@pytest.mark.parametrize(
    "target",
    [
        of_kind("Secret"),
        of_kind("SealedSecret", "bitnami.com"),
        of_kind("Role", "rbac.authorization.k8s.io"),
        of_kind("ClusterRoleBinding", "rbac.authorization.k8s.io"),
        of_kind("CustomResourceDefinition", "apiextensions.k8s.io"),
    ],
)
def test_some_kinds_are_never_edited_nor_read(target: ObjectRef) -> None:
    """Secrets, roles and definitions are not ours to change, and their values not ours to see."""
    version = f"{target.group}/v1" if target.group else "v1"
    text = f"apiVersion: {version}\nkind: {target.kind}\nmetadata: {{name: webapp}}\ndata: {{a: b}}\n"

    assert refusal(text, change("data.a", "b", "c"), target=target).code == "edit.forbidden_kind"
    with pytest.raises(Refusal, match=r"edit\.forbidden_kind"):
        read_fields(text.encode(), target, "production", [("data", "a")])


def test_no_changes_are_no_edit() -> None:
    """Zero changed lines make no pull request."""
    with pytest.raises(Refusal, match=r"edit\.no_change"):
        edit(MANIFEST)


def test_two_changes_of_one_field_are_refused() -> None:
    """Nobody could say which of them counts."""
    assert refusal(MANIFEST, RAISE, change(MEMORY, "512Mi", "2Gi")).code == "edit.duplicate_change"


def test_more_lines_than_allowed_are_refused() -> None:
    """Invariant 10: the size of a change has a limit."""
    assert refusal(MANIFEST, RAISE, change("spec.replicas", "3", "4"), lines=1).code == "edit.too_many_lines"


def test_a_nested_file_is_refused_before_it_is_built() -> None:
    """30,000 levels would crash a composer; the stream stops at the cap."""
    with pytest.raises(Refusal, match=r"edit\.too_deep"):
        edit("- " * 30_000 + "\n")


def test_refusals_do_not_quote_the_file() -> None:
    """Invariant 11: a broken file may hold anything; its text does not reach a message."""
    refused = refusal("password: hunter2\n  x: [\n")

    assert refused.code == "edit.unparsable"
    assert "hunter2" not in refused.message
    assert "line 2" in refused.message


@pytest.mark.parametrize(("text", "code"), [(with_limits("limits: {memory: &m 512Mi}"), "edit.anchor")])
def test_reading_refuses_as_an_edit_does(text: str, code: str) -> None:
    """A field that cannot be judged is not absent (invariant 3)."""
    with pytest.raises(Refusal) as refused:
        read_fields(text.encode(), WEBAPP, "production", [parse_path(MEMORY)])

    assert refused.value.code == code


@pytest.mark.parametrize(
    "faulty",
    ["1Gi, extra: 1", "1Gi # note", "2Gi", "'1Gi'", "1Gi}\n            x: {y: 1", "[", "&a 1Gi", "!!str 1Gi"],
)
def test_a_fault_of_our_own_is_caught_by_the_second_parse(monkeypatch: pytest.MonkeyPatch, faulty: str) -> None:
    """Invariant 5: a fault planted in the writing of tokens does not get past the comparison."""
    monkeypatch.setattr("reconciler.manifests.editing.replace.write_scalar", lambda *_: (faulty, None))

    assert refusal(MANIFEST).code == "edit.recheck_failed"
