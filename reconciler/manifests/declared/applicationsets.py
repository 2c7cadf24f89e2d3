"""What an ApplicationSet generates: its list elements and files of Git, each filled into its template.

Pure, given the files. Protects the proof: what is not generated here exactly as Argo CD does it is refused by name
(`locate.appset_…`), and an element may change nothing of an Application but what it tells its tool.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.errors import foreign_text
from reconciler.manifests.declared.applications import is_option, mapping
from reconciler.manifests.declared.templates import filled, normalized, refuse
from reconciler.manifests.editing.documents import find, only
from reconciler.manifests.editing.parts import (
    MappingNode,
    Node,
    SequenceNode,
    arrange,
    decode,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.editing.scalars import ScalarType, plain_type
from reconciler.manifests.editing.values import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.objects import FieldPath, ObjectRef

Json: TypeAlias = dict[str, Any]
Files: TypeAlias = "Callable[[Json], Mapping[str, bytes]]"  # what a git generator with `files` reads

_KEPT_UP = ("", "sync", "create-update")  # policies by which an Application follows its element
_DECIDES_MORE = ("templatePatch", "ignoreApplicationDifferences")
_LIST = frozenset({"elements"})
_GIT = frozenset({"repoURL", "revision", "files", "requeueAfterSeconds"})


def spec_of(data: bytes, ref: ObjectRef, *, max_bytes: int) -> Json:
    """Return the spec of an ApplicationSet from its file.

    Raises Refusal when the file holds no such manifest, or one that readers of YAML understand differently.
    """
    _, text = split_bom(decode(data, max_bytes))
    refuse_generated(text.replace("{{", "").replace("}}", ""))
    manifest = only(find(arrange(scan(text)), ref, ref.namespace), ref)
    _refuse_unclear(manifest)
    spec = typed(manifest).get("spec")
    return spec if isinstance(spec, dict) else {}


def generated(spec: Json, files: Files, *, max_bytes: int) -> dict[str, Json]:
    """Return every Application that the spec generates, by name.

    Raises Refusal where that cannot be said exactly.
    """
    _refuse_more(spec)
    go = spec.get("goTemplate") is True
    made: dict[str, Json] = {}
    for element in _elements(spec, files, max_bytes, go=go):
        template = mapping(spec.get("template"))
        application = filled(template, element, go=go) if element else template
        name = mapping(application.get("metadata")).get("name")
        if not isinstance(name, str) or not name or name in made:
            refuse("name", "it generates two Applications of one name, or one without", "mend the ApplicationSet")
        made[name] = application
    return made


def is_input(field: FieldPath) -> bool:
    """Tell whether a field of the manifest may be edited: in a list's elements, or an option in the template."""
    return (field[:2] == ("spec", "generators") and "elements" in field) or (
        field[:2] == ("spec", "template") and is_option(field[2:])
    )


def git_generators(generators: Any) -> Iterator[Json]:  # noqa: ANN401 - JSON has no narrower type
    """Yield the git generators with files, those inside others too.

    Raises Refusal where one's files are no list of mappings.
    """
    if isinstance(generators, list):
        for item in generators:
            yield from git_generators(item)
    elif isinstance(generators, dict):
        for key, below in generators.items():
            if key == "git" and isinstance(below, dict) and below.get("files"):
                _listed_mappings(below["files"], "files of its git generator")
                yield below
            else:
                yield from git_generators(below)


def _elements(spec: Json, files: Files, max_bytes: int, *, go: bool) -> Iterator[Json]:
    for generator in _listed_mappings(spec.get("generators"), "generators"):
        kinds = sorted(key for key, value in mapping(generator).items() if value)
        if kinds == ["list"] and mapping(generator["list"]).keys() <= _LIST:
            elements = _listed_mappings(generator["list"].get("elements"), "elements of its list")
            yield from (_listed(element, go=go) for element in elements)
        elif kinds == ["git"] and mapping(generator["git"]).keys() <= _GIT and generator["git"].get("files"):
            (git,) = git_generators(generator)
            for path, content in sorted(files(git).items()):
                yield from _in_file(path, content, max_bytes, go=go)
        else:
            names = [*kinds, *(f"{k}.{below}" for k in kinds for below in mapping(generator[k]))]
            shown = foreign_text(", ".join(names))
            refuse("generator", f"it generates by {shown}, and only plain lists and git files are followed")


def _listed_mappings(value: Any, what: str) -> list[Json]:  # noqa: ANN401 - as above
    """Return a list of mappings, or an empty one; Git may hold anything in its place."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        refuse("element", f"the {what} are no list of mappings", "mend the ApplicationSet")
    return value


def _listed(element: Json, *, go: bool) -> Json:
    """Return a list's element as Argo CD hands it to the template."""
    if go:
        return element
    values = mapping(element.get("values"))
    flat = {k: v for k, v in element.items() if k != "values"} | {f"values.{k}": v for k, v in values.items()}
    if not all(isinstance(value, str) for value in flat.values()):
        refuse("element", "an element of its list holds what is no text", "put quotes around it")
    return flat


def _in_file(path: str, content: bytes, max_bytes: int, *, go: bool) -> Iterator[Json]:
    """Yield the elements of a file, with the parameters of its path."""
    _, text = split_bom(decode(content, max_bytes))
    refuse_generated(text)
    roots = arrange(scan(text))
    for root in roots:
        _refuse_unclear(root)
    whole = [typed(root) for root in roots] or [{}]
    elements = whole[0] if isinstance(whole[0], list) else whole
    if len(whole) > 1 or not all(isinstance(element, dict) for element in elements):
        refuse("element", f"{foreign_text(path)} is neither a mapping nor a list of them", "mend the file")
    folder, name = posixpath.dirname(path) or ".", posixpath.basename(path)
    about = {
        "path": folder,
        "basename": posixpath.basename(folder),
        "filename": name,
        "basenameNormalized": normalized(posixpath.basename(folder)),
        "filenameNormalized": normalized(name),
    }
    for element in elements:
        if go:
            yield element | {"path": about | {"segments": folder.split("/")}}
            continue
        segments = {f"path[{number}]": step for number, step in enumerate(folder.split("/"))}
        named = {"path" if key == "path" else f"path.{key}": value for key, value in about.items()}
        yield {**dict(_flat(element, "")), **named, **segments}


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(below, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _refuse_more(spec: Json) -> None:
    """Refuse what decides more than the template, or keeps an Application from following its element."""
    for key in _DECIDES_MORE:
        if spec.get(key):
            refuse("option", f"it sets {key}, which is not followed")
    policy = mapping(spec.get("syncPolicy")).get("applicationsSync") or ""
    if policy not in _KEPT_UP:
        refuse("policy", f"its applicationsSync is {foreign_text(policy)}: an Application that is there stays as it is")
    template = spec.get("template")
    if not isinstance(template, dict):
        refuse("template", "it has no template", "mend the ApplicationSet")


def _refuse_unclear(node: Node) -> None:
    """Refuse values that readers of YAML understand differently, and those that stand elsewhere."""
    below: Sequence[Node] = ()
    if isinstance(node, MappingNode):
        below = list(node.entries.values())
    elif isinstance(node, SequenceNode):
        below = node.items
    elif node.role == "alias" or (node.style is None and plain_type(node.value or "") is ScalarType.DISPUTED):
        refuse("value", "the file holds an alias, or a value that versions of YAML read differently", "use quotes")
    part = node.part if isinstance(node, MappingNode | SequenceNode) else node
    if part.tag is not None or (isinstance(node, MappingNode) and "<<" in node.entries):
        refuse("value", "the file holds tags or merge keys", "write the values out")
    for child in below:
        _refuse_unclear(child)
