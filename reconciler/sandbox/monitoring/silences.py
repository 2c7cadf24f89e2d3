"""Alertmanager's matchers and silences."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.monitoring import times
from reconciler.sandbox.monitoring.selectors import Matcher

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.samples import Labels

_MATCHER = re.compile(r'\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"{},\s]*)\s*')
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class Refused(Exception):
    """A request that Alertmanager would answer with 400."""


def read_matchers(texts: list[str]) -> list[Matcher]:
    """Read filters like `severity="warning"`, one or several in braces. Raises Refused."""
    found = []
    for text in texts:
        inner = text.strip().removeprefix("{").removesuffix("}").strip()
        position = 0
        while position < len(inner):
            match = _MATCHER.match(inner, position)
            rest = inner[match.end() :] if match else ""
            if match is None or (rest and not rest.startswith(",")):
                raise Refused(f"bad matcher format: {text}")
            found.append(Matcher(match[1], match[2], _unquoted(match[3])))
            position = match.end() + 1
    return found


def all_hold(matchers: list[Matcher], labels: Labels) -> bool:
    """Whether labels meet all conditions."""
    return all(matcher.holds(labels) for matcher in matchers)


@dataclass(slots=True)
class Silence:
    """Alerts that match it are not told to anybody from `starts` to `ends`."""

    id: str
    matchers: list[Matcher]
    starts: int
    ends: int
    updated: int
    created_by: str
    comment: str

    def state(self, now: int) -> str:
        """Return pending, active or expired."""
        return "expired" if now >= self.ends else ("active" if now >= self.starts else "pending")

    def json(self, now: int) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": times.written_ms(self.updated),
            "comment": self.comment,
            "createdBy": self.created_by,
            "startsAt": times.written_ms(self.starts),
            "endsAt": times.written_ms(self.ends),
            "matchers": [
                {"name": m.label, "value": m.text, "isRegex": "~" in m.kind, "isEqual": m.kind[0] == "="}
                for m in self.matchers
            ],
        }


@dataclass(slots=True)
class Silences:
    """All silences, the expired ones too."""

    by_id: dict[str, Silence] = field(default_factory=dict)
    _made: int = 0

    def put(self, raw: Any, now: int) -> Silence:  # noqa: ANN401 - JSON that somebody sent
        """Make a silence, or change one that is named. Raises Refused, KeyError for one that is not there."""
        try:
            matchers = [_posted(m) for m in raw["matchers"]]
            starts, ends = (times.read_moment(raw[key]) for key in ("startsAt", "endsAt"))
            created_by, comment = str(raw["createdBy"]), str(raw["comment"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"parsing silence body: {error}") from error
        if not matchers or all(matcher.holds({}) for matcher in matchers):
            raise Refused("silence invalid: at least one matcher must not match the empty string")
        if ends <= max(starts, now):
            raise Refused("silence invalid: end time must be in the future and not before the start time")
        old = self.by_id[raw["id"]] if raw.get("id") else None
        if old is not None and (old.matchers == matchers and old.state(now) != "expired"):
            old.starts, old.ends, old.updated, old.comment = min(old.starts, starts), ends, now, comment
            return old
        if old is not None:
            self.expire(old.id, now)  # other matchers make another silence
        silence = Silence(self._new_id(), matchers, max(starts, now), ends, now, created_by, comment)
        self.by_id[silence.id] = silence
        return silence

    def expire(self, silence_id: str, now: int) -> None:
        """End a silence now. Raises KeyError for one that is not there."""
        silence = self.by_id[silence_id]
        if silence.state(now) != "expired":
            silence.starts, silence.ends, silence.updated = min(silence.starts, now), now, now

    def of(self, labels: Labels, now: int) -> list[str]:
        """Return the ids of the silences that hold for an alert."""
        return [s.id for s in self.by_id.values() if s.state(now) == "active" and all_hold(s.matchers, labels)]

    def _new_id(self) -> str:
        self._made += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"silence:{self._made}"))


def _posted(raw: Any) -> Matcher:  # noqa: ANN401 - JSON that somebody sent
    kind = ("=" if raw.get("isEqual", True) else "!") + ("~" if raw["isRegex"] else "=")
    return Matcher(str(raw["name"]), "=" if kind == "==" else kind, str(raw["value"]))


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])
