"""The configuration file, the environment over it, and what is said about mistakes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.configuration import _PATHS, load, read_token, sections
from reconciler.errors import ConfigurationError
from reconciler.settings import ForgeKind, LedgerSettings, Settings

MINIMAL = """\
metrics:
  url: http://prometheus:9090
alerts:
  url: http://alertmanager:9093
repository:
  url: https://git.example/ana/shop.git
forge:
  repository: ana/shop
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with the required keys and nothing else."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(MINIMAL)
    return path


def mistakes(file: Path, text: str, **environ: str) -> str:
    """Add text to the minimal file, load it, and return what is said, with the folder's name taken out."""
    file.write_text(MINIMAL + text)
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return caught.value.message.replace(f"{file.parent}/", "")


def test_the_required_keys_are_enough(file: Path) -> None:
    """Everything else has a default."""
    loaded = load(file, {})

    assert loaded.metrics.url == "http://prometheus:9090"
    assert loaded.guards.cooldown == timedelta(minutes=5)


def test_the_file_of_this_folder_is_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, `reconciler.yaml` here is read, and paths stay right after a change of folder."""
    monkeypatch.chdir(file.parent)
    loaded = load(None, {})

    assert loaded.ledger.path == str(file.parent / ".reconciler" / "ledger.db")


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    """The first step is named."""
    with pytest.raises(ConfigurationError, match="there is no configuration file") as caught:
        load(tmp_path / "reconciler.yaml", {})

    assert "`reconciler init`" in caught.value.remedy


def test_the_environment_wins_over_the_file(file: Path) -> None:
    """A deployment changes one value without another file; lists are separated by commas, words may be empty."""
    file.write_text(MINIMAL + "cluster: {name: blue, context: staging, namespaces: [a]}\n")
    environ = {
        "RECONCILER_METRICS__URL": "http://other:9090",
        "RECONCILER_METRICS__TIMEOUT": "3s",
        "RECONCILER_CLUSTER__NAMESPACES": "shop, web,",
        "RECONCILER_CLUSTER__CONTEXT": "",
        "RECONCILER_GUARDS__PAUSED": "true",
        "RECONCILER_GUARDS__ACTIONS_PER_HOUR": "7",
        "RECONCILER_FORGE__KIND": "gitea",
    }
    loaded = load(file, environ)

    assert (loaded.metrics.url, loaded.metrics.timeout) == ("http://other:9090", timedelta(seconds=3))
    assert (loaded.cluster.name, loaded.cluster.context) == ("blue", None)
    assert loaded.cluster.namespaces == ("shop", "web")
    assert (loaded.guards.paused, loaded.guards.actions_per_hour) == (True, 7)
    assert loaded.forge.kind is ForgeKind.GITEA


def test_tokens_in_the_environment_are_no_settings(file: Path) -> None:
    """Variables without a section, and those of others, are left alone."""
    environ = {"RECONCILER_GIT_TOKEN": "x", "RECONCILER_SERVICE_HOST": "y", "OTHER__KEY": "z"}

    assert load(file, environ) == load(file, {})


def test_empty_values_and_sections_mean_the_default(file: Path) -> None:
    """A starter file with everything commented out below a section is fine."""
    file.write_text(MINIMAL + "guards:\ncluster:\n  timeout:\n  context: ''\n  namespaces:\n")

    assert load(file, {}).cluster == Settings.model_validate(yaml.safe_load(MINIMAL)).cluster


def test_relative_paths_start_at_the_folder_of_the_file(file: Path) -> None:
    """The command may be run from anywhere; absolute paths and the home folder stay what they are."""
    text = (
        "ledger: {path: state/l.db}\npolicy: {folder: rego, operator_folder: /etc/rego}\ncluster: {kubeconfig: ~/k}\n"
    )
    file.write_text(MINIMAL + text)
    loaded = load(file, {"RECONCILER_FORGE__TOKEN_FILE": "token"})

    assert loaded.ledger.path == str(file.parent / "state" / "l.db")
    assert loaded.repository.mirror == str(file.parent / ".reconciler" / "mirror.git")
    assert (loaded.policy.folder, loaded.policy.operator_folder) == (str(file.parent / "rego"), "/etc/rego")
    assert loaded.forge.token_file == str(file.parent / "token")
    assert loaded.cluster.kubeconfig == str(Path("~/k").expanduser())
    assert loaded.repository.token_file is None


def test_every_path_among_the_settings_is_known_as_one() -> None:
    """A new setting that names a file must not depend on the folder of the command."""
    found = {
        (name, key)
        for name, model in sections().items()
        for key, field in model.model_fields.items()
        if any(word in str(field.description).split() for word in ("file;", "File", "Folder", "Path"))
    }

    assert found == {(name, key) for name, keys in _PATHS.items() for key in keys}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guards:\n  coldown: 5m\n", "reconciler.yaml:10:3: guards.coldown is unknown; did you mean cooldown?"),
        ("guard: {}\n", "reconciler.yaml:9:1: guard is unknown; did you mean guards?"),
        ("guards: {growth: 3}\n", "reconciler.yaml:9:10: guards.growth is unknown; did you mean memory.growth?"),
        ("cooldown: 5m\n", "reconciler.yaml:9:1: cooldown is unknown; did you mean guards.cooldown?"),
        ("ledger: {zzz: 1}\n", "reconciler.yaml:9:10: ledger.zzz is unknown; known here: kind, path, ref"),
        ("cluster: {name: no}\n", "reconciler.yaml:9:11: cluster.name must be text; put it in quotes"),
        ("cluster: {namespaces: a}\n", "reconciler.yaml:9:11: cluster.namespaces must be a list, such as [a, b]"),
        (
            "cluster: {namespaces: [a, 1]}\n",
            "reconciler.yaml:9:27: cluster.namespaces[1] must be text; put it in quotes",
        ),
        ("memory: {growth: 1}\n", "reconciler.yaml:9:10: memory.growth must be greater than 1"),
        ("policy: {after_failure: x}\n", "policy.after_failure must be 'revert', 'next_remedy' or 'escalate'"),
        ("verify: 5\n", "reconciler.yaml:9:1: verify is a section: write its keys below it, indented"),
        ("guards:\n  paused: true\n  paused: false\n", "reconciler.yaml:11:3: paused is given twice, first on line 10"),
        ("metrics: {}\n", "reconciler.yaml:9:1: metrics is given twice, first on line 1"),
    ],
)
def test_a_mistake_is_named_with_place_key_and_way_out(file: Path, text: str, expected: str) -> None:
    """File, line and column that an editor can jump to, the key's path, and what was probably meant."""
    assert expected in mistakes(file, text)


@pytest.mark.parametrize("value", ["5", "60", "1:30", "5 minutes", "-5m", "[]"])
def test_a_duration_without_a_unit_is_not_guessed(file: Path, value: str) -> None:
    """A bare number could be anything."""
    said = mistakes(file, f"guards: {{cooldown: {value}}}\n")

    assert said.startswith("reconciler.yaml:9:10: guards.cooldown is not a duration: write a number and a unit")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guards: [\n", "reconciler.yaml:10:1: "),
        ("guards: {cooldown: *fast}\n", "reconciler.yaml:9:20: aliases are not supported"),
        ("guards: " + "[" * 40 + "]" * 40, "reconciler.yaml:9:24: nested more than 16 levels deep"),
        ("guards: !!python/object:os.system {}\n", "reconciler.yaml:9:9: tags are not supported"),
        ("cluster: {name: !!timestamp x}\n", "reconciler.yaml:9:17: tags are not supported"),
        ("cluster: {name: 2026-13-45}\n", "reconciler.yaml:9:17: not a value; put it in quotes"),
        ("---\nmetrics: {}\n", "expected a single document in the stream, but found another document"),
        ("? [a]\n: 1\n", "reconciler.yaml:9:3: a key must be a word"),
        ("\tguards: {}\n", "reconciler.yaml:9:1: "),
        ("cluster: \x07\n", "control characters are not allowed"),
    ],
)
def test_what_is_not_our_yaml_is_refused_with_its_place(file: Path, text: str, expected: str) -> None:
    """Syntax errors, monsters and tags are one sentence each."""
    assert expected in mistakes(file, text)


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_a_monster_of_a_file_does_no_harm(file: Path, depth: int) -> None:
    """Depth is judged before anything recurses."""
    assert "nested" in mistakes(file, "guards: " + "[" * depth)


@given(text=st.text(st.sampled_from("abgu:- \n[]{}#&*!|>?'\"\\%@<=,0129\t\x00é\u2028"), max_size=40))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_brings_the_reading_down(file: Path, text: str) -> None:
    """Whatever stands in the file, the answer is settings or one error of ours."""
    file.write_text(MINIMAL + text, encoding="utf-8")
    repository = "ana/shop"
    with suppress(ConfigurationError):
        repository = load(file, {}).forge.repository

    assert repository == "ana/shop"


@pytest.mark.parametrize("content", [b"- a\n", b"text", b"# \xff\n", b"#" * 300_000])
def test_a_file_that_cannot_be_a_configuration_is_refused(file: Path, content: bytes) -> None:
    """A list, a text, other encodings and huge files end in one sentence."""
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert str(file) in caught.value.message


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """What cannot be opened is said so."""
    with pytest.raises(ConfigurationError, match=r"configuration\.unreadable"):
        load(tmp_path, {})


def test_a_byte_order_mark_does_not_move_the_places(file: Path) -> None:
    """Some editors write one."""
    file.write_text("nonsense: 1\n" + MINIMAL, encoding="utf-8-sig")
    with pytest.raises(ConfigurationError, match=r":1:1: nonsense is unknown"):
        load(file, {})


def test_all_mistakes_are_listed_at_once(file: Path) -> None:
    """Nobody should have to run it once for each mistake; required keys of absent sections are among them."""
    file.write_text("metrics:\n  url:\n  url: x\nalerts:\n  timeout: 5\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    lines = caught.value.message.replace(f"{file.parent}/", "").splitlines()

    assert lines[0] == "6 mistakes in the configuration:"
    assert [line.split(" is ")[0].strip() for line in lines[1:]] == [
        "reconciler.yaml:3:3: url",
        "reconciler.yaml:2:3: metrics.url",
        "reconciler.yaml:4:1: alerts.url",
        "reconciler.yaml:5:3: alerts.timeout",
        "reconciler.yaml:1:1: repository.url",
        "reconciler.yaml:1:1: forge.repository",
    ]


def test_an_empty_file_lacks_what_is_required(file: Path) -> None:
    """Not a special case: the same list."""
    file.write_text("# nothing yet\n")
    with pytest.raises(ConfigurationError, match=r"metrics\.url is required: Address, for example"):
        load(file, {})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECONCILER_METRICS__TIMEOUT", "5", "RECONCILER_METRICS__TIMEOUT: metrics.timeout is not a duration"),
        ("RECONCILER_METRICS__URLL", "x", "RECONCILER_METRICS__URLL: metrics.urll is unknown; did you mean url?"),
        ("RECONCILER_METRIC__URL", "x", "RECONCILER_METRIC__URL: metric is unknown; did you mean metrics?"),
        ("RECONCILER_FORGE__REPOSITORY", "shop", "RECONCILER_FORGE__REPOSITORY: forge.repository is "),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(file: Path, name: str, value: str, expected: str) -> None:
    """The file is not blamed for what it did not say."""
    assert mistakes(file, "", **{name: value}).startswith(expected)


def test_a_wrong_value_is_never_shown(file: Path) -> None:
    """Invariant 11: a token that was pasted into the wrong place is not repeated, not even in a traceback."""
    file.write_text(MINIMAL + "guards: {paused: hunter2, token: hunter2}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {"RECONCILER_GUARDS__COOLDOWN": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_token_is_read_from_its_file_first(tmp_path: Path) -> None:
    """The file wins over the variable, and the line's end is no part of the token."""
    (tmp_path / "token").write_text("from-file\n")

    assert read_token(str(tmp_path / "token"), "TOKEN", {"TOKEN": "from-variable"}) == "from-file"
    assert read_token(None, "TOKEN", {"TOKEN": " from-variable "}) == "from-variable"


@pytest.mark.parametrize("content", [b"", b" \n", b"hunter2 hunter2", b"hunter2\nhunter2", b"hunter2\xff"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    """Invariant 11: an error about a token holds nothing of it."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"configuration\.token") as caught:
        read_token(str(tmp_path / "token"), "TOKEN", {})

    assert "hunter2" not in str(caught.value)
    assert "token_file" in caught.value.remedy


def test_a_missing_token_says_where_it_was_looked_for(tmp_path: Path) -> None:
    """The variable or the file is named."""
    with pytest.raises(ConfigurationError, match="environment variable TOKEN holds no token"):
        read_token(None, "TOKEN", {})
    with pytest.raises(ConfigurationError, match="absent cannot be read: No such file"):
        read_token(str(tmp_path / "absent"), "TOKEN", {})


def test_loading_the_configuration_needs_no_vendor() -> None:
    """The import stays small: pydantic and PyYAML are all it takes."""
    program = "import sys, reconciler.configuration\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {"kubernetes", "github", "pygit2", "pydantic_settings", "yaml", "jinja2"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECONCILER_MEMORY__MAXIMUM", "lots", "memory.maximum is not a Kubernetes quantity"),
        ("RECONCILER_MEMORY__MAXIMUM", "-5Gi", "memory.maximum is not an amount above zero"),
        ("RECONCILER_MEMORY__WINDOW", "9999999999d", "memory.window is longer than 3650d"),
        ("RECONCILER_FORGE__BRANCH_PREFIX", "../x", "forge.branch_prefix"),
        ("RECONCILER_FORGE__BRANCH_PREFIX", "a b", "forge.branch_prefix"),
    ],
)
def test_a_value_that_no_pass_could_use_is_refused(file: Path, name: str, value: str, expected: str) -> None:
    """What would fail in the midst of a pass is said when the settings are read."""
    assert expected in mistakes(file, "", **{name: value})


@pytest.mark.parametrize(
    "ref",
    [
        "ledger",
        "refs/ledger",
        "refs/a..b/c",
        "refs/x/y.lock",
        "refs/x/",
        "refs/pull/1/head",
        "refs/tags/v1",
        "refs/x/.y",
    ],
)
def test_a_reference_that_cannot_be_ours_is_refused(ref: str) -> None:
    """The ledger's name is a full one, and nobody else's."""
    with pytest.raises(ValidationError, match=r"not a (full name|name of ours)"):
        LedgerSettings(ref=ref)


@pytest.mark.parametrize("ref", ["refs/reconciler/ledger", "refs/heads/reconciler-ledger", "refs/bots/a/b.c_d-e"])
def test_a_reference_of_its_own_is_taken(ref: str) -> None:
    """A branch is one too, for forges that take nothing else."""
    assert LedgerSettings(ref=ref).ref == ref
