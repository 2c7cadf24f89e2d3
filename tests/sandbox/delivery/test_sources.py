"""Where manifests come from: folders, patterns, revisions, several sources."""

from __future__ import annotations

import pygit2
import pytest

from tests.sandbox.delivery.world import ANA, NAME, OTHER, URL, World, config


def names(world: World) -> list[str]:
    """Return the names of what the Application delivers."""
    return [resource["name"] for resource in world.status["resources"]]


FILES = {
    "deploy/one.yaml": config(name="one"),
    "deploy/two.yml": config(name="two") + "---\n# nothing here\n---\n" + config(name="three"),
    "deploy/four.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "four"}}',
    "deploy/below/five.yaml": config(name="five"),
    "deploy/values.yaml": "replicas: 3\n",
    "deploy/notes.txt": "apiVersion: kind: metadata:",
    "other/six.yaml": config(name="six"),
}


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ({}, ["four", "one", "three", "two"]),
        ({"recurse": True}, ["five", "four", "one", "three", "two"]),
        ({"recurse": True, "include": "*.yaml"}, ["five", "one"]),
        ({"include": "{one,four}.*"}, ["four", "one"]),
        ({"recurse": True, "exclude": "below/*"}, ["four", "one", "three", "two"]),
    ],
)
def test_folder_is_read_as_its_source_says(world: World, directory: dict[str, object], expected: list[str]) -> None:
    """Several documents, JSON, subfolders, patterns; files that are no manifests are passed over."""
    world.commit(FILES)
    source = {"repoURL": URL, "path": "deploy", "targetRevision": "main", "directory": directory}
    world.application(source=source)
    world.wait()

    assert names(world) == expected
    assert world.status["sync"]["status"] == "Synced"


def test_list_is_what_it_holds(world: World) -> None:
    """A List's items are objects of their own."""
    items = "".join(f"- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {n}}}\n" for n in ("a", "b"))
    world.commit({"deploy/list.yaml": f"apiVersion: v1\nkind: List\nitems:\n{items}"})
    world.application()
    world.wait()

    assert names(world) == ["a", "b"]


@pytest.mark.parametrize("revision", ["stable", "v1", "v2", "refs/heads/stable", "HEAD", "", "commit", "short"])
def test_revision_may_be_named_in_every_way(world: World, revision: str) -> None:
    """Branch, tag, annotated tag, full name, HEAD, commit: the status says the commit."""
    first = world.commit({"deploy/settings.yaml": config("first")})
    world.commit({"deploy/settings.yaml": config("first")}, branch="stable")
    repository = pygit2.Repository(str(world.repositories[URL]))
    repository.references.create("refs/heads/stable", first, force=True)
    repository.references.create("refs/tags/v1", first)
    repository.create_tag("v2", pygit2.Oid(hex=first), pygit2.enums.ObjectType.COMMIT, ANA, "the second")
    newest = world.commit({"deploy/settings.yaml": config("newest")})
    named = {"commit": first, "short": first[:8]}.get(revision, revision)
    source = {"repoURL": URL, "path": "deploy", "targetRevision": named}
    world.application(source=source)
    status = world.wait()

    expected = newest if revision in {"HEAD", ""} else first
    assert (status["sync"]["status"], status["sync"]["revision"]) == ("Synced", expected)


def test_several_sources_have_a_revision_each(world: World) -> None:
    """Parallel lists in the status, an empty single source beside them, and a source that is only a reference."""
    one = world.commit({"deploy/one.yaml": config(name="one")})
    two = world.commit({"apps/two.yaml": config(name="two")}, url=OTHER)
    sources = [
        {"repoURL": URL, "path": "deploy", "targetRevision": "main"},
        {"repoURL": OTHER, "path": "apps", "targetRevision": "main"},
        {"repoURL": OTHER, "targetRevision": "main", "ref": "values"},
    ]
    world.application(sources=sources)
    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert status["sync"]["revisions"] == [one, two, two]
    assert status["sync"]["comparedTo"]["sources"] == sources
    assert status["sync"]["comparedTo"]["source"] == {"repoURL": ""}
    assert (status["sourceTypes"], "sourceType" in status) == (["Directory", "Directory", ""], False)
    assert status["operationState"]["syncResult"]["revisions"] == [one, two, two]
    assert status["history"][0]["revisions"] == [one, two, two]
    assert names(world) == ["one", "two"]


def test_failing_source_is_told_by_its_number(world: World) -> None:
    """The others do not help: nothing is known, and there are no revisions."""
    world.commit({"deploy/one.yaml": config(name="one")})
    good = {"repoURL": URL, "path": "deploy", "targetRevision": "main"}
    world.application(sources=[good, {**good, "path": "none"}])
    world.wait()

    assert "failed to generate manifest for source 2 of 2: rpc error" in world.conditions["ComparisonError"]
    assert "revisions" not in world.status["sync"]


def test_object_that_two_files_hold_is_warned_of(world: World) -> None:
    """The last one wins."""
    world.commit({"deploy/a.yaml": config("first"), "deploy/b.yaml": config("second")})
    world.application()
    world.wait()

    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "second"}
    warning = "Resource /ConfigMap/production/settings appeared 2 times among application resources."
    assert world.conditions == {"RepeatedResourceWarning": warning}


def test_object_that_two_applications_deliver_is_warned_of(world: World) -> None:
    """Both list it; whoever does not track it says so."""
    world.commit({"deploy/settings.yaml": config()})
    world.application("first")
    world.wait(name="first")
    world.application(NAME, syncPolicy={})
    world.wait()

    warning = "ConfigMap/settings is part of applications argocd/shop and first"
    assert world.conditions == {"SharedResourceWarning": warning}


def test_cluster_scoped_object_is_tracked_in_the_destination_namespace(world: World) -> None:
    """As the real annotation; its row in the status has no namespace."""
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: 'a:b'\nrules: []\n"
    world.commit({"deploy/role.yaml": role})
    world.application()
    status = world.wait()

    live = world.store.get("ClusterRole", "", "a:b")
    assert live is not None
    tracking = live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    assert tracking == "shop:rbac.authorization.k8s.io/ClusterRole:production/a:b"
    assert "namespace" not in status["resources"][0]
    assert status["sync"]["status"] == "Synced"


def test_copied_tracking_id_means_nothing(world: World) -> None:
    """An object that carries another's id is neither counted nor pruned."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    notes = {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:production/settings"}
    metadata = {"name": "copy", "namespace": "production", "annotations": notes}
    world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert [(r["name"], r.get("status")) for r in status["resources"]] == [("copy", None), ("settings", "Synced")]
    assert world.find("ConfigMap", "copy") is not None
