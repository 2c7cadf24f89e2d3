"""Find the value behind a rendered field by trying: change a candidate, render again, compare everything.

Pure, given a function that renders. Protects invariant 5 for what is rendered: a place is accepted only if the whole
difference between the renderings is the intended fields of the target, from their present to their new value. None or
several such places is a refusal that names what was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.editing.scalars import holds_quantity
from reconciler.manifests.editing.spots import edit_spots, refuse_broken_json
from reconciler.manifests.rendering.candidates import Candidate, candidates, hidden
from reconciler.manifests.rendering.hashed import named_now, stem_of, under_old_names
from reconciler.manifests.rendering.intended import intended
from reconciler.manifests.rendering.objects import ABSENT, differences, find_rendered, masked, same, text_of, value_at
from reconciler.model.action import replacements
from reconciler.model.objects import format_path
from reconciler.model.quantity import same_quantity
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.action import FieldChange, Replacement
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered

_REMEDY = "edit it by hand, or name the place in locate.mappings"
_SHOWN = 4  # candidates, or differences, named in a message


class Effect(NamedTuple):
    """What an edit does to a rendering: which of the changes it makes, and what else."""

    changes: frozenset[int]
    others: tuple[str, ...]
    becomes: ObjectRef | None = None  # the target, where its name follows its content; None: it keeps its name


class Proven(NamedTuple):
    """The places of all the changes, and the files with all of them edited."""

    places: tuple[Candidate, ...]
    edited: dict[str, bytes]
    becomes: ObjectRef | None = None


class Probe:
    """One search, for the changes of one action in one rendering."""

    def __init__(
        self,
        target: ObjectRef,
        namespace: str,
        changes: Sequence[FieldChange],
        files: Mapping[str, bytes],
        render: Callable[[Mapping[str, bytes]], tuple[Rendered, ...]],
        *,
        max_bytes: int,
        max_renderings: int,
    ) -> None:
        self._namespace = namespace
        self._changes = tuple(changes)
        self._files = files
        self._render = render
        self._max_bytes = max_bytes
        self._left = max_renderings
        self._notes: list[str] = []  # candidates that were not accepted, and why
        self._renamed = False  # a candidate gave the target another name
        self._effects: dict[frozenset[Candidate], Effect] = {}
        self._base = self._rendered({})
        self._target = named_now(self._base, target, namespace)  # delivery may be behind with another hash
        self._paths = [change.path for change in self._changes]
        self._require_present()

    @property
    def rendered(self) -> Rendered:
        """The target as it is rendered now."""
        return self._mine(self._base)

    @property
    def target_annotations(self) -> Mapping[str, object]:
        """The annotations that the target is rendered with."""
        annotations = value_at(self._mine(self._base), ("metadata", "annotations"))
        return annotations if isinstance(annotations, dict) else {}

    def prove(self, paths: Sequence[str], wanted: Callable[[Candidate], bool] = lambda _: True) -> Proven:
        """Return the one place of each change among these files, proven together.

        `wanted` leaves out places, where a person has said which one it is. Raises Refusal with a code `locate.…`.
        """
        places: dict[Candidate, None] = {}
        replaced = replacements(self._changes)
        if replaced is None:
            self._refuse("not_a_replacement", "a field comes or goes, for which there is no present value to look for")
        for number, change in enumerate(replaced):
            if not any(number in self._effect([place]).changes for place in places):
                places[self._place(number, change, paths, wanted)] = None
        edited, effect = self._edited(tuple(places)), self._effect(tuple(places))
        if effect.others or len(effect.changes) < len(self._changes):
            self._refuse("not_exact", f"together {self._named(list(places))} change {_listed(effect.others)}")
        return Proven(tuple(places), edited, effect.becomes)

    def is_exact(self, edited: Mapping[str, bytes]) -> bool:
        """Tell whether an edit of another kind, such as a new patch, makes all the changes and nothing else."""
        effect = self.effect(edited)
        return len(effect.changes) == len(self._changes) and not effect.others

    @property
    def is_hindered(self) -> bool:
        """Tell whether there were places that have an influence, or may have one, and could not be taken."""
        return bool(self._notes)

    @property
    def target(self) -> ObjectRef:
        """The target by the name that it is rendered with now."""
        return self._target

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """What is to change, of whole fields."""
        return self._changes

    def becomes(self, edited: Mapping[str, bytes]) -> ObjectRef | None:
        """Return what the target is with an edit that was found exact; None: it keeps its name."""
        return None if stem_of(self.rendered) is None else self._compared(self._rendered(edited)).becomes

    def refuse_renamed(self) -> None:
        """Refuse, by name, an object that an edit would give another name: it could not be followed."""
        if self._renamed:
            message = f"the name of {self._target} follows its content: with an edit it would be another object"
            remedy = "give it a name that stays, or edit it by hand"
            raise Refusal(code="locate.generated_name", message=message, remedy=remedy)

    def effect(self, edited: Mapping[str, bytes]) -> Effect:
        """Return what an edit of another kind does; one that cannot be rendered makes no change."""
        try:
            return self._compared(self._rendered(edited))
        except Refusal as error:
            return Effect(frozenset(), (error.message,))

    def _require_present(self) -> None:
        """The present values must be what is rendered; else delivery is behind Git, or something else sets them."""
        mine = self._mine(self._base)
        for change in self._changes:
            found = value_at(mine, change.path)
            if change.before is None:
                self._require_absent(change, found)
                continue
            value = text_of(found)
            if value is None:
                self._refuse("field_not_rendered", f"what is rendered has no single value {format_path(change.path)}")
            alike = same_quantity if holds_quantity(change.path) else str.__eq__
            if not alike(value, change.before):
                raise Conflict(  # as for a plain file: delivery may just be behind
                    code="propose.git_ahead",
                    message=f"{format_path(change.path)} is not {change.before} in Git: it renders as {value}",
                    remedy="nothing to do if delivery is about to bring that value; otherwise see why it does not",
                )

    def _require_absent(self, change: FieldChange, found: Any) -> None:  # noqa: ANN401 - JSON has no narrower type
        """A field that is to be new must not be rendered yet."""
        if found is not ABSENT and found is not None:
            raise Conflict(
                code="propose.git_ahead",
                message=f"{format_path(change.path)} is not unset in Git",
                remedy="nothing to do if Argo CD is about to deliver it; otherwise see why it does not",
            )

    def _place(
        self, number: int, change: Replacement, paths: Sequence[str], wanted: Callable[[Candidate], bool]
    ) -> Candidate:
        """Return the one candidate that makes this change and none that is not intended."""
        found = candidates(change, self._target, self._files, paths, max_bytes=self._max_bytes)
        tried = [c for c in found if wanted(c) and self._is_editable(c)]
        accepted = []
        for candidate in self._decisive(tried, number):
            effect = self._effect([candidate])
            if number in effect.changes and not effect.others:
                accepted.append(candidate)
            else:
                self._notes.append(f"{candidate} would also change {_listed(effect.others)}")
        if len(accepted) > 1:
            message = f"{counted(len(accepted), 'place')} decide {format_path(change.path)}: {self._named(accepted)}"
            self._refuse("ambiguous", message)
        if not accepted:
            self._refuse_not_found(change, tried, paths)
        return accepted[0]

    def _decisive(self, group: Sequence[Candidate], number: int) -> list[Candidate]:
        """Return those of a group that have an influence on the field: a group without any is done in one rendering."""
        if not group or not self._has_influence(group, number):
            return []
        if len(group) == 1:
            return list(group)
        half = len(group) // 2
        return self._decisive(group[:half], number) + self._decisive(group[half:], number)

    def _has_influence(self, group: Sequence[Candidate], number: int) -> bool:
        try:
            effect = self._effect(group)
        except Refusal as error:
            if error.code == "locate.too_many_renderings":
                raise
            if len(group) == 1:
                self._notes.append(f"{group[0]} cannot be changed alone: {error.message}")
            return len(group) > 1
        return number in effect.changes

    def _effect(self, group: Sequence[Candidate]) -> Effect:
        key = frozenset(group)
        if key not in self._effects:
            self._effects[key] = self._compared(self._rendered(self._edited(group)))
        return self._effects[key]

    def _compared(self, after: Sequence[Rendered]) -> Effect:
        """Compare with the rendering before: which intended fields have their new value, and what else differs."""
        after, becomes = self._followed(after)
        found = find_rendered(after, self._target, self._namespace)
        if len(found) != 1:
            others = tuple(differences(self._base, after)) or ("the object itself",)
            self._renamed = self._renamed or _is_renamed(self._target, others)
            return Effect(frozenset(), others)
        old, new = self._mine(self._base), found[0]
        made = {n for n, change in enumerate(self._changes) if self._is_made(old, new, change)}
        paths = [self._paths[n] for n in sorted(made)]
        moved = [self._changes[n] for n in sorted(made) if None in (self._changes[n].before, self._changes[n].after)]
        base = [intended(o, new, moved) if moved and o is old else o for o in self._base]
        left = masked(base, self._target, self._namespace, paths)
        right = masked(after, self._target, self._namespace, paths)
        return Effect(frozenset(made), () if same(left, right) else tuple(differences(left, right)), becomes)

    def _followed(self, after: Sequence[Rendered]) -> tuple[Sequence[Rendered], ObjectRef | None]:
        """Return a rendering with the target under its former name, if only the hash of its content made it another."""
        now = named_now(after, self._target, self._namespace)
        if now == self._target or stem_of(self.rendered) is None:
            return after, None
        (new,) = find_rendered(after, now, self._namespace)
        return under_old_names(self._base, after, self.rendered, new), now

    def _is_made(self, old: Rendered, new: Rendered, change: FieldChange) -> bool:
        """A number that has become text, or the reverse, is no such change, except for amounts, which may be either."""
        before, after = value_at(old, change.path), value_at(new, change.path)
        if change.after is None:
            return after is ABSENT
        if change.before is None:
            return text_of(after) == change.after
        alike = type(before) is type(after) or (holds_quantity(change.path) and not isinstance(after, bool))
        return after is not ABSENT and alike and text_of(after) == change.after and not same(before, after)

    def _edited(self, group: Sequence[Candidate]) -> dict[str, bytes]:
        """Return the files with all of a group's values changed."""
        by_path: dict[str, list[Candidate]] = {}
        for candidate in group:
            by_path.setdefault(candidate.path, []).append(candidate)
        edited = {
            path: edit_spots(self._files[path], [c.spot for c in mine], max_bytes=self._max_bytes)
            for path, mine in by_path.items()
        }
        for path, content in edited.items():
            refuse_broken_json(path, content)
        return edited

    def _is_editable(self, candidate: Candidate) -> bool:
        try:
            self._edited([candidate])
        except Refusal as error:
            self._notes.append(f"{candidate} cannot be edited: {error.message}")
            return False
        return True

    def _rendered(self, edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        if self._left <= 0:
            message = "the line behind the field was not found within rendering.max_renderings"
            self._refuse("too_many_renderings", message)
        self._left -= 1
        return self._render(edited)

    def _mine(self, objects: Sequence[Rendered]) -> Rendered:
        found = find_rendered(objects, self._target, self._namespace)
        if len(found) != 1:
            how = counted(len(found), "time") if found else "not"
            self._refuse("not_found" if not found else "ambiguous", f"{self._target} is {how} in what is rendered")
        return found[0]

    def _refuse_not_found(self, change: Replacement, tried: Sequence[Candidate], paths: Sequence[str]) -> NoReturn:
        """Explain: candidates that did too much, else those that did nothing, else where there was none."""
        self.refuse_renamed()
        unseen, remedy = self._out_of_reach(change, paths), _REMEDY
        if self._notes:
            remedy = "give the field a value of its own in Git, by hand"
            why = "; ".join(list(dict.fromkeys(self._notes))[:_SHOWN])
        elif tried:
            why = "; ".join([f"tried without effect: {self._named(tried)}", *unseen])
        elif unseen:
            why, remedy = "; ".join(unseen), "edit it by hand"
        else:
            why = f"none of the files that may be edited ({len(paths)}) says {change.before} for it"
        self._refuse("not_found", f"no single place in Git decides {format_path(change.path)}: {why}", remedy)

    def _out_of_reach(self, change: Replacement, paths: Sequence[str]) -> list[str]:
        """Return in words where else the present value stands: unseen, in a template, in a chart that is not edited."""
        said, limit = change.before.encode(), self._max_bytes
        found = list(hidden(change, self._files, paths, max_bytes=limit))[:_SHOWN]
        templates = (p for p, content in self._files.items() if "/templates/" in f"/{p}" and said in content)
        found += [f"{path} is a template that says {change.before} itself" for path in templates][:1]
        defaults = (p for p in self._files if p.endswith("/values.yaml") and p not in paths)
        holding = [p for p in defaults if candidates(change, self._target, self._files, [p], max_bytes=limit)]
        return found + [f"{path} says {change.before}, in a chart that is not edited" for path in holding][:1]

    def _named(self, group: Sequence[Candidate]) -> str:
        return _listed([str(c) for c in group])

    def _refuse(self, reason: str, message: str, remedy: str = _REMEDY) -> NoReturn:
        raise Refusal(code=f"locate.{reason}", message=message, remedy=remedy)


def _is_renamed(target: ObjectRef, others: Sequence[str]) -> bool:
    """Tell whether the target goes, and one comes that differs from it in what follows the last dash alone."""
    stem = f"{target.kind} {target.name.rpartition('-')[0]}-"
    comes = [other for other in others if other.startswith(stem) and other.endswith(" comes")]
    return f"{target.kind} {target.name} goes" in others and len(comes) == 1


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
