"""A template is filled as Argo CD fills it, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.declared.templates import filled, normalized

ELEMENT: dict[str, Any] = {
    "memory": "512Mi",
    "replicas": 3,
    "ratio": 0.5,
    "whole": 2.0,
    "on": True,
    "none": None,
    "big": 1_000_000,
    "Name": 'Shop "EU"',
    "limits": {"cpu": "2", "by-zone": {"a": "1"}},
    "path": {"path": "apps/prod", "segments": ["apps", "prod"]},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.memory}}", "512Mi"),
        ("a-{{ .memory }}-{{.limits.cpu}}", "a-512Mi-2"),
        ("{{.replicas}} {{.ratio}} {{.whole}} {{.on}}", "3 0.5 2 true"),
        ("{{ index .path.segments 1 }}", "prod"),
        ('{{ index .limits "by-zone" | quote }}', None),
        ('{{ index . "memory" | lower | upper | quote }}', '"512MI"'),
        ('{{ index .path "path" }}', "apps/prod"),
        ("{{ .path.path | normalize }}", "apps-prod"),
        ("no braces", "no braces"),
        ("}} loose", "}} loose"),
    ],
)
def test_go_template_is_filled_or_refused(template: str, expected: str | None) -> None:
    """Fields, elements, and four functions of texts."""
    if expected is None:
        with pytest.raises(Refusal) as refused:
            filled(template, ELEMENT, go=True)
        assert refused.value.code == "locate.appset_template"
    else:
        assert filled(template, ELEMENT, go=True) == expected


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ if .on }}x{{ end }}", "template"),
        ('{{ default "1" .memory }}', "template"),
        ("{{- .memory -}}", "template"),
        ("{{ .memory | trunc 3 }}", "template"),
        ("{{ .memory", "template"),
        ("{{/* words */}}", "template"),
        ("{{ range $k, $v := .limits }}{{ end }}", "template"),
        ("{{ .gone }}", "missing_key"),
        ("{{ .memory.gone }}", "missing_key"),
        ("{{ index .path.segments 2 }}", "missing_key"),
        ("{{ .none }}", "value"),
        ("{{ .big }}", "value"),
        ("{{ .limits }}", "value"),
        ("{{ .Name | quote }}", "value"),
    ],
)
def test_go_template_that_says_more_is_refused_by_name(template: str, code: str) -> None:
    """What Go would print otherwise, or not at all, is no ground for a proof."""
    with pytest.raises(Refusal) as refused:
        filled({"a": [template]}, ELEMENT, go=True)

    assert refused.value.code == f"locate.appset_{code}"
    assert refused.value.remedy


def test_braces_that_nothing_closes_are_refused() -> None:
    """Argo CD fails on them, where another pair is closed."""
    with pytest.raises(Refusal):
        filled("{{memory}} {{", {"memory": "1"}, go=False)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{memory}}-{{ path.basename }}", "512Mi-prod"),
        ("{{path[0]}}", "apps"),
        ("{{gone}} {{ }} {{.memory}}", "{{gone}} {{ }} {{.memory}}"),
        ("{{\nmemory\n}}", "{{\nmemory\n}}"),
        ("memory: {{memory}}\n", "memory: 512Mi\n"),
        ("{{memory", "{{memory"),
    ],
)
def test_placeholder_is_replaced_and_an_unknown_one_stays(template: str, expected: str) -> None:
    """The older templates: no language, only names."""
    values = {"memory": "512Mi", "path.basename": "prod", "path[0]": "apps"}

    assert filled({"{{memory}}": template}, values, go=False) == {"512Mi": expected}


@pytest.mark.parametrize(
    ("name", "expected"), [("Prod_EU.1", "prod-eu.1"), ("--a--", "a"), ("x" * 300, "x" * 253), (".a/b.", "a-b")]
)
def test_names_are_normalised_as_argo_cd_does(name: str, expected: str) -> None:
    """Lower case, dashes for what no name may hold, none at the ends."""
    assert normalized(name) == expected
