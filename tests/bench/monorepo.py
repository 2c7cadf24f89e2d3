"""A repository of 50,000 files, as one of a whole company: teams, their apps, and a folder of all Applications.

Written as one pack, as a fetch would leave it; git's own loose objects would take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2

from reconciler.model.objects import CommitId
from tests.manifests.examples import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dulwich.objects import Blob, ShaFile, Tree

FILES = 50_000
BRANCH = "trunk"
APPLICATIONS = "argocd"  # the folder of all Applications
WEBAPP = "teams/team-07/app-13/deployment.yaml"  # the manifest of the tests' own workload

_TEAMS, _APPS = 100, 99
_FILE, _FOLDER = 0o100644, 0o040000

_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {team}
  labels: {{app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: {team}}}
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      serviceAccountName: {name}
      containers:
        - name: {name}
          image: registry.example.com/{team}/{name}:v1.{number}
          ports:
            - containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info
            - name: DATABASE_HOST
              value: postgres.{team}.svc # the team's own
          resources:
            requests:
              cpu: 100m
              memory: 256Mi
            limits:
              memory: 512Mi
          readinessProbe:
            httpGet:
              path: /healthz
              port: 8080
            initialDelaySeconds: 5
          volumeMounts:
            - name: config
              mountPath: /etc/{name}
      volumes:
        - name: config
          configMap:
            name: {name}
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {team}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: 8080
"""
_CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {team}
data:
  app.properties: |
    log.level=info
    number={number}
"""
_README = "# {name}\n\nHow {team} runs its app number {number}, for whoever is on call at night.\n"
_APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://git.example.com/platform/manifests.git
    path: teams/{team}/{app}
    targetRevision: HEAD
  destination:
    server: https://kubernetes.default.svc
    namespace: {team}
"""
_KUSTOMIZATION = """resources:
  - deployment.yaml
  - service.yaml
  - config.yaml
  - ../../../base
"""
_CHART = "apiVersion: v2\nname: {name}\nversion: 0.1.{number}\n"
_VALUES = "image: registry.example.com/{team}/{name}:v1.{number}\nmemory: 512Mi\n"
_FILES = {
    "Directory": {
        "deployment.yaml": _DEPLOYMENT,
        "service.yaml": _SERVICE,
        "config.yaml": _CONFIG,
        "README.md": _README,
    },
    "Kustomize": {
        "deployment.yaml": _DEPLOYMENT,
        "service.yaml": _SERVICE,
        "config.yaml": _CONFIG,
        "kustomization.yaml": _KUSTOMIZATION,
    },
    "Helm": {"Chart.yaml": _CHART, "values.yaml": _VALUES, "templates/web.yaml": _SERVICE, "README.md": _README},
}
_BASE = {
    "base/kustomization.yaml": "resources: [quota.yaml]\n",
    "base/quota.yaml": _SERVICE.format(name="q", team="all"),
}


def populate(folder: Path) -> CommitId:
    """Make the bare repository, and return its only commit."""
    from dulwich.objects import Commit
    from dulwich.refs import Ref
    from dulwich.repo import Repo

    texts = {**_BASE, **dict(_texts())}
    texts |= {f"docs/{n}.md": f"Page {n}.\n" for n in range(FILES - len(texts))}
    root, objects = _tree(_nested(texts))
    commit = Commit()
    commit.tree, commit.author, commit.committer = root.id, b"a <a@localhost>", b"a <a@localhost>"
    commit.author_time = commit.commit_time = 1_700_000_000
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"all\n"
    folder.mkdir()
    with Repo.init_bare(str(folder), default_branch=BRANCH.encode()) as made:
        made.object_store.add_objects([(one, None) for one in (*objects, commit)])
        made.refs[Ref(f"refs/heads/{BRANCH}".encode())] = commit.id
    return CommitId(commit.id.decode())


def kind_of(app: int) -> str:
    """Return what Argo CD calls the source of a team's app."""
    return tuple(_FILES)[(app - 13) % 3]


def sources() -> Iterator[tuple[str, str, str]]:
    """Yield every Application with the kind and the path of its source, the tests' own workload's first."""
    apps = [(team, app) for team in range(_TEAMS) for app in range(_APPS)]
    apps.sort(key=lambda numbers: numbers != (7, 13))
    for team, app in apps:
        yield f"app-{team:02}-{app:02}", kind_of(app), f"teams/team-{team:02}/app-{app:02}"


def changed(repository: pygit2.Repository, base: CommitId, path: str, content: bytes) -> CommitId:
    """Commit another content of one file by bare libgit2 calls, one builder a level."""
    parent = repository[base].peel(pygit2.Commit)
    *folders, name = path.split("/")
    trees = [parent.tree]
    for step in folders:
        trees.append(repository[trees[-1][step].id].peel(pygit2.Tree))
    oid, mode = repository.create_blob(content), _FILE
    for tree, step in zip(reversed(trees), (name, *reversed(folders)), strict=True):
        builder = repository.TreeBuilder(tree)
        builder.insert(step, oid, mode)
        oid, mode = builder.write(), _FOLDER
    who = pygit2.Signature("a", "a@localhost", parent.commit_time, 0)
    return CommitId(str(repository.create_commit(None, who, who, "change\n", oid, [parent.id])))


def _texts() -> Iterator[tuple[str, str]]:
    for team in range(_TEAMS):
        for app in range(_APPS):
            words = {"team": f"team-{team:02}", "app": f"app-{app:02}", "name": f"app-{team:02}-{app:02}"}
            words["number"] = str(team * _APPS + app)
            yield f"{APPLICATIONS}/{words['name']}.yaml", _APPLICATION.format(**words)
            for name, text in _FILES[kind_of(app)].items():
                path = f"teams/{words['team']}/{words['app']}/{name}"
                yield path, MANIFEST if path == WEBAPP else text.format(**words)


def _nested(texts: Mapping[str, str]) -> dict[str, object]:
    root: dict[str, object] = {}
    for path, text in texts.items():
        *folders, name = path.split("/")
        here = root
        for step in folders:
            here = here.setdefault(step, {})  # type: ignore[assignment] # a folder, never a text
        here[name] = text
    return root


def _tree(entries: Mapping[str, object]) -> tuple[Tree, list[ShaFile]]:
    """Return a tree, and all objects that it needs."""
    from dulwich.objects import Blob, Tree

    tree, objects = Tree(), list["ShaFile"]()
    for name, entry in entries.items():
        made: Blob | Tree
        if isinstance(entry, dict):
            made, below = _tree(entry)
            objects += below
        else:
            made = Blob.from_string(str(entry).encode())
            objects.append(made)
        tree.add(name.encode(), _FOLDER if isinstance(entry, dict) else _FILE, made.id)
    return tree, [*objects, tree]
