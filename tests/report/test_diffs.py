"""The diff that people see: our change whole, everything around it without secrets."""

from __future__ import annotations

from reconciler.diffs import unified_diff

MANIFEST = """\
      containers:
        - name: web
          image: web:1.2
          env:
            - name: PASSWORD
              value: hunter2
          args: ["--token=hunter2"]
          # hunter2 is the password
          resources:
            limits:
              memory: 512Mi
          command:
            - hunter2
            - |
              hunter2
          readinessProbe: {path: /}
"""


def test_changed_lines_are_shown_as_they_are() -> None:
    """What the edit writes is what the reader sees."""
    diff = unified_diff(MANIFEST, MANIFEST.replace("512Mi", "1Gi"), "apps/webapp.yaml")

    lines = diff.split("\n")
    assert lines[:2] == ["--- a/apps/webapp.yaml", "+++ b/apps/webapp.yaml"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-              memory: 512Mi",
        "+              memory: 1Gi",
    ]


def test_values_around_a_change_are_masked_unless_they_are_harmless() -> None:
    """Invariant 11: environment values, arguments, comments and blocks of text never reach a diff."""
    diff = unified_diff(MANIFEST, MANIFEST.replace("512Mi", "1Gi"), "f.yaml", context=20)

    assert "hunter2" not in diff
    assert "             - name: PASSWORD\n               value: ***\n" in diff
    assert "           image: web:1.2\n" in diff
    assert "           args: ***\n" in diff
    assert "             limits:\n" in diff


def test_an_equal_file_has_no_diff() -> None:
    """Nothing changed, nothing shown."""
    assert unified_diff(MANIFEST, MANIFEST, "f.yaml") == ""


def test_line_ends_of_other_systems_change_nothing() -> None:
    """A file with CRLF shows one changed line, without carriage returns."""
    before = MANIFEST.replace("\n", "\r\n")

    diff = unified_diff(before, before.replace("512Mi", "1Gi"), "f.yaml")

    assert "\r" not in diff
    assert diff.count("\n+ ") == 1


def test_changed_line_shows_only_its_field_where_it_holds_more() -> None:
    """Invariant 11: a container written on one line has its environment beside its limit."""
    line = "- {env: [{name: PW, value: hunter2}], args: [--pw=hunter2], resources: {limits: {memory: 512Mi}}}\n"

    diff = unified_diff(line, line.replace("512Mi", "1Gi"), "f.yaml")

    assert "hunter2" not in diff
    assert diff.split("\n")[-2:] == ["-*** memory: 512Mi ***", "+*** memory: 1Gi ***"]


def test_changed_quoted_value_keeps_its_quotes() -> None:
    """The mark of the change is the whole token."""
    line = '  resources: {limits: {"memory": "512Mi"}}  # hunter2\n'

    diff = unified_diff(line, line.replace("512Mi", "768Mi"), "f.yaml")

    assert diff.split("\n")[-2:] == ['-  *** "memory": "512Mi" ***', '+  *** "memory": "768Mi" ***']
