"""Fields of public layouts, rendered by the real tools: each is found and proven, or refused with a reason."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.files.checkout import Checkout
from reconciler.manifests.rendering.jobs import editable, job_for
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.action import Replacement
from reconciler.model.delivery import Source
from reconciler.model.objects import FieldPath, Item, ObjectRef
from reconciler.model.proposal import TreeFile
from tests.adapters.tools import renderers
from tests.manifests.sweep import PUBLIC as MANIFESTS
from tests.worlds import application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.adapters.rendering import Renderers
    from reconciler.model.rendering import RenderJob

PUBLIC = MANIFESTS / "microservices-demo"
URL = "https://git.example/r"
pytestmark = [
    pytest.mark.real,  # the tools, not the testbed
    pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public manifests are not beside the repository"),
]


@pytest.mark.parametrize(
    ("kind", "path", "every", "found"),
    [
        ("Kustomize", "kustomize", 1, 20),
        ("Kustomize", "kustomize/tests/memorystore-with-all-components", 3, 5),
        ("Helm", "helm-chart", 3, 3),
    ],
)
def test_no_place_in_a_public_layout_is_wrong(kind: str, path: str, every: int, found: int) -> None:
    """Invariant 5: one line of one file changes, and an independent look at the rendering sees that field alone."""
    tools, job = renderers(), job_of(kind, path)
    outcomes: Counter[str] = Counter()
    for target, change in list(changes(tools, job))[::every]:
        try:
            edited = prove(tools, job, target, change)
        except Refusal as refused:
            outcomes[refused.code] += 1
            continue
        outcomes["found"] += 1
        assert_one_line(job, edited)
        assert seen(tools, job, edited) == {(target.name, change.after)}
    print(kind, path, dict(outcomes))

    assert outcomes["found"] >= found
    assert set(outcomes) <= {"found", "locate.not_found"}


def job_of(kind: str, path: str) -> RenderJob:
    """Return the rendering of a folder of the public repository."""

    def entry(name: str) -> TreeFile | None:
        return TreeFile(path=name, blob=name, mode=0o100644) if (PUBLIC / name).is_file() else None

    def below(folder: str) -> Iterator[TreeFile]:
        for file in sorted(p for p in (PUBLIC / folder).rglob("*") if p.is_file()):
            name = str(file.relative_to(PUBLIC))
            yield TreeFile(path=name, blob=name, mode=0o100644)

    def read(blob: str) -> bytes:
        return (PUBLIC / blob).read_bytes()

    checkout = Checkout(entry, below, below, read, max_files=500, max_bytes=10_000_000)
    source = Source(repository=URL, path=path, target_revision="main", kind=kind)
    return job_for(application(sources=(source,)), 0, checkout, URL, max_bytes=1_000_000)


def changes(tools: Renderers, job: RenderJob) -> Iterator[tuple[ObjectRef, Replacement]]:
    """Yield another memory limit and another image for every container that is rendered."""
    for rendered in tools.render(job):
        if rendered["kind"] != "Deployment":
            continue
        name = rendered["metadata"]["name"]
        target = ObjectRef(cluster="c", group="apps", kind="Deployment", namespace="production", name=name)
        for container in rendered["spec"]["template"]["spec"]["containers"]:
            here: FieldPath = ("spec", "template", "spec", "containers", Item("name", container["name"]))
            limit = container.get("resources", {}).get("limits", {}).get("memory")
            if limit:
                yield target, Replacement(path=(*here, "resources", "limits", "memory"), before=limit, after="7777Mi")
            if ":" in container["image"]:
                after = container["image"].rpartition(":")[0] + ":v7.7.7"
                yield target, Replacement(path=(*here, "image"), before=container["image"], after=after)


def prove(tools: Renderers, job: RenderJob, target: ObjectRef, change: Replacement) -> dict[str, bytes]:
    """Return the files with the change made where it is decided."""
    probe = Probe(
        target,
        "production",
        [change],
        job.files,
        lambda edited: tools.render(job.edited(edited)),
        max_bytes=1_000_000,
        max_renderings=60,
    )
    return probe.prove(editable(job)).edited


def assert_one_line(job: RenderJob, edited: dict[str, bytes]) -> None:
    """One file differs, in one line."""
    ((path, after),) = edited.items()
    rows = difflib.ndiff(job.files[path].decode().splitlines(), after.decode().splitlines())
    assert sorted(row[0] for row in rows if row[0] in "+-") == ["+", "-"]


def seen(tools: Renderers, job: RenderJob, edited: dict[str, bytes]) -> set[tuple[str, str]]:
    """Return what differs between the renderings: the object's name and the new value of each differing scalar."""
    before, after = (flat(tools.render(made)) for made in (job, job.edited(edited)))
    assert before.keys() == after.keys()
    return {(place[0], str(value)) for place, value in after.items() if before[place] != value}


def flat(value: Any) -> dict[tuple[str, ...], object]:  # noqa: ANN401 - whatever is rendered
    """Return every scalar of a rendering by its place, which begins with the name of the object."""
    found: dict[tuple[str, ...], object] = {}
    for number, rendered in enumerate(value):
        waiting: list[tuple[tuple[str, ...], Any]] = [((rendered["metadata"]["name"], str(number)), rendered)]
        while waiting:
            place, node = waiting.pop()
            pairs = (
                node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
            )
            waiting += [((*place, str(key)), below) for key, below in pairs]
            if not isinstance(node, dict | list | tuple):
                found[place] = node
    return found
