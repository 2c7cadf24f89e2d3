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

_MATCHER = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class Refused(Exception):
    """A request that Alertmanager would refuse: 400 with words, or what its generated checks say, with a code."""

    def __init__(self, message: str, status: int = 400, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: object = message if code is None else {"code": code, "message": message}


def required(raw: Any, *names: str) -> None:  # noqa: ANN401 - JSON that somebody sent
    """Refuse an object that lacks a field, in the order in which Alertmanager looks."""
    for name in names:
        if name.rpartition(".")[2] not in raw:
            raise Refused(f"{name} in body is required", 422, 602)


def read_matchers(texts: list[str]) -> list[Matcher]:
    """Read filters like `severity="warning"`, one a text. Raises Refused."""
    found = []
    for text in texts:
        match = _MATCHER.fullmatch(text)
        if match is None or (match[3].startswith('"') and not _QUOTED.fullmatch(match[3])):
            raise Refused(f"bad matcher format: {text}")
        found.append(Matcher(match[1], match[2], _unquoted(match[3])))
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
        required(raw, "comment", "createdBy", "endsAt", "matchers", "startsAt")
        try:
            matchers = [_posted(m) for m in raw["matchers"]]
            starts, ends = (times.read_moment(raw[key]) for key in ("startsAt", "endsAt"))
            created_by, comment = str(raw["createdBy"]), str(raw["comment"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(f'parsing silence body from "" failed, because {error}', 400, 400) from error
        if not matchers:
            raise Refused("matchers in body should have at least 1 items", 422, 612)
        if starts > ends or starts == ends:
            raise Refused("Failed to create silence: start time must be before end time")
        if ends < now:
            raise Refused("Failed to create silence: end time can't be in the past")
        if all(matcher.holds({}) for matcher in matchers):
            raise Refused("silence invalid: at least one matcher must not match the empty string")
        old = self.by_id[raw["id"]] if raw.get("id") else None
        if old is not None:
            if _goes_on(old, matchers, starts, now):
                old.starts, old.ends, old.updated, old.comment = starts, ends, now, comment
                return old
            self.expire(old.id, now)  # what it was is kept, what it should be is another
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


def _goes_on(old: Silence, matchers: list[Matcher], starts: int, now: int) -> bool:
    """Whether a silence can become what is asked and still be the same."""
    state = old.state(now)
    unstarted = state == "pending" and starts >= now
    return old.matchers == matchers and (unstarted or (state == "active" and starts // 1000 == old.starts // 1000))


def _posted(raw: Any) -> Matcher:  # noqa: ANN401 - JSON that somebody sent
    kind = ("=" if raw.get("isEqual", True) else "!") + ("~" if raw["isRegex"] else "=")
    return Matcher(str(raw["name"]), "=" if kind == "==" else kind, str(raw["value"]))


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])
