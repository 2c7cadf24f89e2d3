"""The texts that leave for Git and the forge: pull requests, commit messages, comments and the hidden marker.

They are pure functions of a proposal's content: no clock, no environment, no order of a dictionary (invariant 6).
Every value in a template is escaped on its way out unless it carries the type `Ours`, so a template cannot forget.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any

from reconciler import markdown, plain
from reconciler.markdown import Ours
from reconciler.model.action import ActionClass, shown
from reconciler.model.objects import Item, format_path
from reconciler.plain import counted
from reconciler.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2.sandbox import SandboxedEnvironment

    from reconciler.model.action import Action, BlastRadius, FieldChange, Remedy
    from reconciler.model.finding import Evidence, Finding, Scalar
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.operation import TrackedPullRequest
    from reconciler.model.proposal import Located
    from reconciler.model.verdict import Verdict
    from reconciler.settings import Settings

UNNAMED = "default"  # the name of a cluster that was given none
_EVIDENCE_ROWS = 12  # the newest
_BODY = 60_000  # characters; GitHub takes 65,536
_TITLE = 120
# Alone on its line: in a code span or a diff, where foreign text may stand, it is a quotation.
_MARKER = re.compile(r"^<!-- reconciler:([A-Za-z0-9_=-]{1,4096}) -->\r?$", re.MULTILINE)
_TRAILER_KEY = re.compile(r"[A-Za-z][A-Za-z-]*")
_MEBI = 2**20

_MERGED = {
    "never": "This change reaches the cluster only when you merge it.",
    "on_approval": "This change reaches the cluster only when it is merged. Once somebody who may write here has "
    "approved its head commit, reconciler merges it, as far as policy and the rules of this repository let it.",
    "autonomous": "This change reaches the cluster only when it is merged. reconciler merges it without waiting for a "
    "review, as far as policy and the rules of this repository let it.",
}
_AFTER_FAILURE = {
    "revert": "If it did not help, a revert pull request is opened; it takes the same way as this one.",
    "next_remedy": "If it did not help, that is recorded and the next remedy is proposed.",
    "escalate": "If it did not help, that is recorded and a person is asked to look.",
}


def subject(remedy: Remedy, *, because: bool = True) -> str:
    """Return the one line that a list of pull requests or commits shows; of several objects it tells how many first.

    Counts of evidence belong in titles only: a commit is a function of what it changes (invariant 6).
    """
    actions, say = remedy.declaratives.values(), _taken_back if remedy.is_revert else _changed
    text = "; ".join(f"{action.target.name}: {say(action)}" for action in actions)
    if len(actions) > 1:
        text = f"{counted(len(actions), 'object')}: {text}"
    elif because and not remedy.is_revert:
        text = f"{text} {_because(remedy.finding)}"
    return plain.inert(text, _TITLE)


def pull_request_text(  # noqa: PLR0913 - a text says everything that is known about a proposal
    *,
    operation_id: str,
    remedy: Remedy,
    verdicts: Mapping[int, Verdict],
    located: Located,
    diff: str,
    base: str,
    settings: Settings,
    marker: str,
    earlier: TrackedPullRequest | None = None,
) -> tuple[str, str]:
    """Return title and body; `verdicts` are those on the declarative actions, by their indices.

    `earlier` is the pull request that a revert takes back. Foreign words may be ten times as long once they are
    escaped: where a forge would not take the text, each list shows its first ones only, and the text says so.
    """
    actions = remedy.declaratives
    rows = _rows(remedy)
    values = {
        "operation_id": operation_id,
        "finding": remedy.finding,
        "rationale": remedy.rationale,
        "reasons": [(part.finding, part.rationale) for part in remedy.answers],
        "fields": remedy.fields,
        "several": len(actions) > 1,
        "count": len(actions),
        "meanwhile": [a.summary for a in remedy.actions if a.action_class is ActionClass.IMPERATIVE],
        "risks": [(action, verdicts[index], _disturbs(action.blast_radius)) for index, action in actions.items()],
        "located": located,
        "diff": diff,
        "base": base,
        "evidence": rows,
        "evidence_left_out": len(remedy.finding.evidence) - len(rows),
        "marker": Ours(marker),
        "parent": remedy.parent or "unknown",
        "delivery": Ours("Argo CD" if located.application.kind == "Application" else "Flux"),
        "earlier": _earlier(earlier, remedy.parent),
        **_settled(settings),
    }
    name = "revert_pull_request.md.j2" if remedy.is_revert else "pull_request.md.j2"
    return subject(remedy), _fitting(
        lambda most: render(name, {**values, "most": most}), len(remedy.fields) + len(rows)
    )


def _fitting(written: Callable[[int | None], str], longest: int) -> str:
    """Return the text with all that it lists, or with as many of each as a forge takes."""
    text, most = written(None), longest
    while len(text) > _BODY and most > 1:
        most //= 2
        text = written(most)
    return text


def commit_message(*, remedy: Remedy, trailers: Iterable[tuple[str, str]]) -> str:
    """Return the commit's message: subject, finding, reason, trailers in the given order; keys may repeat.

    Raises ValueError when a trailer's key is not one, because Git would read the block as prose.
    """
    lines = list(trailers)
    for key, _ in lines:
        if not _TRAILER_KEY.fullmatch(key):
            msg = f"not a trailer key: {key!r}"
            raise ValueError(msg)
    values = {
        "subject": subject(remedy, because=False),
        "summary": remedy.finding.summary,
        "rationale": remedy.rationale,
        "trailers": lines,
    }
    return render("commit_message.txt.j2", values)


def close_comment(reason: str) -> str:
    """Return what is said when we close a pull request of ours."""
    return render("close_comment.md.j2", {"reason": reason})


def marker(identity: str, digest: str, *, cluster: str = UNNAMED) -> str:
    """Return the hidden comment by which a pull request tells what it proposes, and for which cluster if that is named.

    Several clusters may share one repository.
    """
    data = {"digest": digest, "identity": identity, "version": 1} | ({} if cluster == UNNAMED else {"cluster": cluster})
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return f"<!-- reconciler:{base64.urlsafe_b64encode(text.encode()).decode()} -->"


def read_marker(body: str) -> Mapping[str, str] | None:
    """Return identity, digest and cluster (if named); None where the body holds no marker, a broken one, or several."""
    found = _MARKER.findall(body)
    if len(found) != 1:
        return None
    try:
        data = json.loads(base64.b64decode(found[0], altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    identity, digest = data.get("identity"), data.get("digest")
    if not isinstance(identity, str) or not isinstance(digest, str):
        return None
    cluster = data.get("cluster")
    return {"identity": identity, "digest": digest} | ({"cluster": cluster} if isinstance(cluster, str) else {})


# What the texts say about a remedy


def field_words(path: FieldPath) -> str:
    """Return a field in words where people have some: `memory limit`; its path otherwise."""
    match path:
        case (*_, "resources", "limits", resource):
            return f"{resource} limit"
        case (*_, "resources", "requests", resource):
            return f"{resource} request"
        case _:
            return format_path(path)


def _container(path: FieldPath) -> str | None:
    return next((s.value for s in path if isinstance(s, Item) and s.key == "name"), None)


def _field(path: FieldPath) -> str:
    container = _container(path)
    words = field_words(path)
    return f"{words} of container {container}" if container and words != format_path(path) else words


def _changed(action: Action) -> str:
    said = [f"{words} {shown(c.before)} → {shown(c.after)}" for words, c in _spoken_of(action)]
    return ", ".join(said) or action.summary


def _taken_back(action: Action) -> str:
    said = [f"{words} back to {shown(c.after)}, {shown(c.before)} did not help" for words, c in _spoken_of(action)]
    return "; ".join(said) or action.summary


def _spoken_of(action: Action) -> list[tuple[str, FieldChange]]:
    """Return one change a container with its field in words; the container is named where there are several.

    A request that merely follows its limit is not what a change is about.
    """
    firsts: dict[str | None, FieldChange] = {}
    for change in sorted(action.changes, key=lambda c: "limits" not in c.path):
        firsts.setdefault(_container(change.path), change)
    many = len(firsts) > 1
    return [
        (f"{field_words(c.path)} of {container}" if many and container else field_words(c.path), c)
        for container, c in firsts.items()
    ]


def _because(finding: Finding) -> str:
    """Return the reason in a few words; only pods that testify are counted, for a restart may have other causes."""
    counts = (e.values.get("pods") for e in reversed(finding.evidence))
    count = next((c for c in counts if isinstance(c, int) and not isinstance(c, bool)), 1)
    return f"after OOM kills in {count} pods" if count > 1 else "after an OOM kill"


def _disturbs(radius: BlastRadius) -> str:
    parts = ((radius.workloads, "workload"), (radius.pods, "pod"), (radius.nodes, "node"))
    said = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in parts if count]
    return ", ".join(said) or "nothing that runs"


def _rows(remedy: Remedy) -> list[dict[str, str]]:
    """Return the newest evidence; of several objects the newest of each, which name theirs."""
    if len(remedy.targets) == 1:
        return [_row(evidence, "") for evidence in remedy.finding.evidence[-_EVIDENCE_ROWS:]]
    each = max(1, _EVIDENCE_ROWS // len(remedy.answers))
    return [_row(e, str(part.finding.target)) for part in remedy.answers for e in part.finding.evidence[-each:]]


def _row(evidence: Evidence, target: str) -> dict[str, str]:
    figures = ", ".join(f"{key} {_figure(key, value)}" for key, value in sorted(evidence.values.items()))
    return {
        "target": target,
        "at": f"{evidence.at:%Y-%m-%d %H:%M:%S}",
        "source": evidence.source,
        "text": evidence.text,
        "figures": figures or "—",
    }


def _figure(key: str, value: Scalar) -> str:
    if key.endswith("bytes") and isinstance(value, int | float):
        return f"{value / _MEBI:.0f}Mi"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _earlier(pull_request: TrackedPullRequest | None, parent: str | None) -> Ours:
    if pull_request is None:
        return Ours(f"the change of operation {markdown.code(parent or 'unknown')}")
    return markdown.link(f"pull request {pull_request.number}", pull_request.url)


def _settled(settings: Settings) -> dict[str, object]:
    from reconciler.settings import format_duration

    return {
        "stabilization": format_duration(settings.verify.stabilization_period),
        "clean_reads": plain.counted(settings.verify.clean_reads, "time"),
        "rejection_stands": format_duration(settings.guards.rejection_stands),
        "failure_stands": format_duration(settings.guards.failure_stands),
        "commands": settings.forge.commands,
        "merged": Ours(_MERGED[settings.policy.merge.value]),
        "after_failure": Ours(_AFTER_FAILURE[settings.policy.after_failure.value]),
    }


# Rendering


def render(name: str, values: Mapping[str, Any]) -> str:
    """Fill in a template; what is not `Ours` is escaped on its way."""
    return str(_environment(as_markdown=name.endswith(".md.j2")).get_template(name).render(values))


@cache
def _environment(*, as_markdown: bool) -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=FileSystemLoader(shipped("templates")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=_escaper(markdown.prose if as_markdown else plain.inert),
    )
    environment.filters.update(
        bare=lambda v: Ours(plain.one_line(v).replace("`", "'")),
        code=markdown.code,
        codes=lambda values: Ours(", ".join(map(markdown.code, values))),
        fenced=markdown.fenced,
        field=_field,
        shown=shown,
        object_name=_object_name,
        wrapped=lambda v: Ours(textwrap.fill(plain.inert(v, 1000), 72, break_long_words=False)),
    )
    return environment


def _escaper(escape: Callable[[object], str]) -> Callable[[object], str]:
    return lambda value: value if isinstance(value, Ours) else escape(value)


def _object_name(ref: ObjectRef) -> Ours:
    return markdown.code(f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name)
