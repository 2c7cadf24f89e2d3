"""One request to an object or a collection, understood: which kind, where, with which options and which body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.errors import ApiError, bad_request, cause, invalid, unsupported_media
from reconciler.sandbox.cluster.kinds import Kind
from reconciler.sandbox.cluster.render import JSON, form
from reconciler.sandbox.cluster.routes import Route
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.wire import NotInSandbox, Request

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.render import Form
    from reconciler.sandbox.cluster.values import Json

YAML = "application/yaml"
_LONGEST_MANAGER = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked, of which store."""

    store: Store
    kind: Kind
    route: Route
    request: Request

    @property
    def namespace(self) -> str:
        """The namespace as the store knows it: none of what is not in one."""
        return self.route.namespace if self.kind.namespaced else ""

    @property
    def name(self) -> str:
        """The object's name, "" of a collection."""
        return self.route.name

    @property
    def form(self) -> Form:
        """How the answer is written."""
        return form(self.kind, self.request.headers)

    @property
    def content_type(self) -> str:
        """The body's media type."""
        return self.request.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored. Raises ApiError for any other wish than All."""
        return is_dry(self._options, self.request.query.get("dryRun") or ())

    @property
    def manager(self) -> str:
        """Who writes: the named field manager, else the program's name."""
        named = self.request.first("fieldManager")
        if len(named) > _LONGEST_MANAGER:
            says = f"Too long: may not be more than {_LONGEST_MANAGER} bytes"
            raise invalid(self._options, "meta.k8s.io", "", [cause("FieldValueTooLong", says, "fieldManager")])
        agent = self.request.headers.get("user-agent", "").partition("/")[0]
        return named or agent[:_LONGEST_MANAGER] or "unknown"

    def check_options(self) -> None:
        """Refuse what would change the meaning of a write and is not here."""
        wish = self.request.first("fieldValidation")
        if wish == "Strict":
            raise NotInSandbox("strict field validation (with kubectl: --validate=false)")
        if wish not in ("", "Ignore", "Warn"):
            says = f'Unsupported value: "{wish}": supported values: "", "Ignore", "Strict", "Warn"'
            wrong = cause("FieldValueNotSupported", says, "fieldValidation")
            raise invalid(self._options, "meta.k8s.io", "", [wrong])

    @property
    def _options(self) -> str:
        return f"{self.route.verb.capitalize()}Options"

    def manifest(self) -> Json:
        """Return the body as an object of the kind asked for. Raises ApiError for one of anything else."""
        if self.content_type not in ("", JSON, YAML):
            raise unsupported_media([JSON, YAML, "application/vnd.kubernetes.protobuf"])
        unreadable = f"the object provided is unrecognized (must be of type {self.kind.kind})"
        try:
            body = parsed(self.request.body, yaml=self.content_type == YAML)
        except ApiError as error:
            raise bad_request(f"{unreadable}: couldn't get version/kind; json parse error: {error}") from None
        if self.kind.custom and isinstance(body, dict) and not body.get("kind"):
            raise bad_request(f"{unreadable}: Object 'Kind' is missing in '{self.request.body.decode()}'")
        return self.fitted(body)

    def fitted(self, manifest: Any) -> Json:  # noqa: ANN401 - a body of any shape
        """Return a body with what it may leave out because the path says it. Raises ApiError where they differ."""
        if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata") or {}, dict):
            raise bad_request(f"the object provided is unrecognized (must be of type {self.kind.kind})")
        kind, version = manifest.get("kind"), manifest.get("apiVersion")
        if kind not in (None, "", self.kind.kind) or version not in (None, "", self.kind.api_version):
            raise self._other_kind(manifest)
        metadata = dict(manifest.get("metadata") or {})
        if self.kind.namespaced:
            if metadata.get("namespace") not in (None, "", self.namespace):
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            metadata["namespace"] = self.namespace
        return {**manifest, "apiVersion": self.kind.api_version, "kind": self.kind.kind, "metadata": metadata}

    def _other_kind(self, manifest: Json) -> ApiError:
        kind, own = manifest.get("kind") or self.kind.kind, self.kind
        found = self.store.kinds.of({"kind": kind, "apiVersion": manifest.get("apiVersion")})
        why = (
            f"converting ({found.version}.{kind}) to ({own.group or 'core'}.{own.kind}): unknown conversion"
            if found
            else f'no kind "{kind}" is registered for version "{manifest.get("apiVersion")}" in scheme'
        )
        return bad_request(f'{kind} in version "{own.version}" cannot be handled as a {own.kind}: {why}')

    def check_name(self, manifest: Json) -> None:
        """Raise ApiError when a body is about another object than the path."""
        name = manifest["metadata"].get("name")
        if not name:
            why = "name must be provided"
            raise bad_request(f"the name of the object ({self.name} based on URL) was undeterminable: {why}")
        if name != self.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({self.name})")


def parsed(body: bytes, *, yaml: bool = False, what: str = "the body") -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a body's content; `what` it is said to be when it cannot be read. Raises ApiError (400)."""
    if not yaml:
        try:
            return json.loads(body)
        except ValueError as error:
            raise bad_request(f"error decoding {what}: {error}") from None
    from yaml import YAMLError, safe_load

    try:
        return json.loads(body) if body[:1] == b"{" else safe_load(body)
    except (ValueError, YAMLError) as error:
        raise bad_request(f"error decoding YAML: {error}") from None


def is_dry(options: str, wishes: object) -> bool:
    """Tell whether a dryRun option asks for a dry run. Raises ApiError for what is neither."""
    values = [wishes] if isinstance(wishes, str) else list(wishes or ())  # type: ignore[call-overload]
    if any(each != "All" for each in values):
        says = f'Unsupported value: {json.dumps(values)}: supported values: "All"'
        wrong = cause("FieldValueNotSupported", says, "dryRun")
        raise invalid(options, "meta.k8s.io", "", [wrong])
    return bool(values)
