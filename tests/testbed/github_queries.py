"""GitHub's own description of its GraphQL, which queries and their answers are held to.

Source: the public schema that GitHub publishes, as a package of npm (`@octokit/graphql-schema`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, build_schema, execute_sync, parse, validate
from graphql.execution import ExecutionResult

if TYPE_CHECKING:
    from pathlib import Path

    from graphql import DocumentNode


class Queries:
    """The schema, read once."""

    def __init__(self, file: Path) -> None:
        self._schema = build_schema(file.read_text(encoding="utf-8"), assume_valid=True)

    def violations(self, request: bytes, response: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return where the query, and where its answer, breaks the schema."""
        asked, answered = json.loads(request), json.loads(response)
        try:
            document = parse(asked["query"])
        except GraphQLError as error:
            return (error.message,), ()
        wrong = tuple(error.message for error in validate(self._schema, document))
        if wrong or answered.get("data") is None:  # refused as a whole, by its errors
            return wrong, () if wrong or answered.get("errors") else ("the answer has neither data nor errors",)
        return self._answered(document, asked.get("variables") or {}, answered)

    def _answered(
        self, document: DocumentNode, variables: dict[str, Any], answered: dict[str, Any]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Answer the query from the answer itself: what does not come out again is not what the schema says."""
        made = execute_sync(
            self._schema,
            document,
            root_value=answered["data"],
            variable_values=variables,
            type_resolver=lambda value, *_: value.get("__typename"),
        )
        if not isinstance(made, ExecutionResult):
            return ("the answer cannot be judged",), ()
        if made.data is None and made.errors and not made.errors[0].path:
            return tuple(error.message for error in made.errors), ()  # its variables
        wrong = [error.message for error in made.errors or ()]
        if not wrong and made.data != answered["data"]:
            wrong.append(f"the answer {answered['data']} holds what was not asked for, or not as the schema says")
        return (), tuple(wrong)
