"""ConfigMaps whose names follow their content: Kustomize appends a hash, and turns every reference into the new name.

An edit of such a ConfigMap makes another object of it. Protects invariant 5 all the same: the hash is computed and not
guessed, and a rendering counts as edited only where it is the former one but for the intended field, that hash in the
ConfigMap's name, and values that were exactly the old name and are exactly the new one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reconciler.manifests.rendering.objects import find_rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered

# `encode` in Kustomize's api/hasher/hasher.go: ten digits, in letters that cannot spell a word.
_HASH = 10
_LETTERS = str.maketrans("013ae", "ghkmt")
_NAME = re.compile(r"(?P<stem>.+)-(?P<hash>[2456789bcdfghkmt]{10})")
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # as Go's encoding/json does


def hash_of(rendered: Rendered) -> str:
    """Return the hash that Kustomize appends to a ConfigMap's name; the name itself is no part of it."""
    said: dict[str, Any] = {"kind": "ConfigMap", "name": "", "data": _with_texts_as_keys(rendered.get("data", ""))}
    if isinstance(rendered.get("binaryData"), dict):
        said["binaryData"] = _with_texts_as_keys(rendered["binaryData"])
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    found = hashlib.sha256(text.translate(_ESCAPED).encode(errors="surrogatepass")).hexdigest()
    return found[:_HASH].translate(_LETTERS)


def _with_texts_as_keys(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return what may be compared and sorted: YAML takes numbers for keys as well, which no ConfigMap has."""
    return {str(key): _with_texts_as_keys(below) for key, below in value.items()} if isinstance(value, dict) else value


def stem_of(rendered: Rendered) -> str | None:
    """Return a ConfigMap's name without its hash; None where its name does not end in the hash of its content."""
    match = _NAME.fullmatch(rendered["metadata"]["name"])
    if match is None or (rendered.get("apiVersion"), rendered["kind"]) != ("v1", "ConfigMap"):
        return None
    return match["stem"] if match["hash"] == hash_of(rendered) else None


def may_be_hashed(target: ObjectRef) -> str | None:
    """Return an object's name without what may be a hash; its content alone tells whether it is one."""
    match = _NAME.fullmatch(target.name) if (target.group, target.kind) == ("", "ConfigMap") else None
    return match["stem"] if match else None


def may_become(target: ObjectRef, other: ObjectRef) -> bool:
    """Tell whether one object may be what the other became: all but a hash in the name is the same."""
    return replace(other, name=target.name) == target and may_be_hashed(target) == may_be_hashed(other)


def delivers(application: Application, target: ObjectRef) -> bool:
    """Tell whether an Application lists the target under another hash: delivery has brought other content by now."""
    stem = may_be_hashed(target)
    if stem is None:
        return False
    listed = (replace(target, name=o[3]) for o in application.objects if o[:3] == ("", "ConfigMap", target.namespace))
    return any(may_be_hashed(other) == stem for other in listed)


def named_now(objects: Sequence[Rendered], target: ObjectRef, default_namespace: str) -> ObjectRef:
    """Return the target by the name that it has in a rendering, where that differs from its own in the hash alone.

    Where it is there under its own name, or there is not exactly one such object, it is what it was.
    """
    stem = may_be_hashed(target)
    if stem is None or find_rendered(objects, target, default_namespace):
        return target
    named = (replace(target, name=str(o["metadata"]["name"])) for o in objects if stem_of(o) == stem)
    found = [other for other in named if find_rendered(objects, other, default_namespace)]
    return found[0] if len(found) == 1 else target


def find_now(objects: Sequence[Rendered], target: ObjectRef, default_namespace: str) -> list[Rendered]:
    """Return the objects that delivery makes the target from, whatever hash its name has in this rendering."""
    return find_rendered(objects, named_now(objects, target, default_namespace), default_namespace)


def under_old_names(
    before: Sequence[Rendered], after: Sequence[Rendered], old: Rendered, new: Rendered
) -> list[Rendered]:
    """Return a rendering as it would be if the object `new` were still called as `old` was, in the former order.

    A value is taken back only where it was exactly the old name and is exactly the new one; all else stays, so that
    the comparison with the rendering before finds it.
    """
    was, now = str(old["metadata"]["name"]), str(new["metadata"]["name"])
    places = {_key(rendered): place for place, rendered in enumerate(before)}
    found: list[tuple[int, Rendered]] = []
    for rendered in after:
        place = places.get(_key(rendered))
        if rendered is new:
            found.append((places[_key(old)], {**new, "metadata": {**new["metadata"], "name": was}}))
        elif place is not None:
            found.append((place, _taken_back(before[place], rendered, was, now)))
        else:
            found.append((len(before), rendered))
    return [rendered for _, rendered in sorted(found, key=itemgetter(0))]


def _key(rendered: Rendered) -> tuple[str, str, str, str]:
    metadata = rendered["metadata"]
    return str(rendered.get("apiVersion")), rendered["kind"], str(metadata.get("namespace")), str(metadata["name"])


def _taken_back(before: Any, after: Any, was: str, now: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a value with the old name wherever that stood at the same place and the new one stands now."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: _taken_back(before.get(key), value, was, now) for key, value in after.items()}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [_taken_back(*pair, was, now) for pair in zip(before, after, strict=True)]
    return was if before == was and after == now else after
