"""`reconciler doctor`: every connection and permission, and how to grant what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.stopping import watched
from reconciler.cli.teaching import Taught
from reconciler.errors import ReconcilerError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.ports import Diagnosis, Examined
    from reconciler.report.blocks import Row
    from reconciler.report.terminal import Format
    from reconciler.watching import Watcher


@click.command(
    cls=Taught,
    examples=[
        "reconciler doctor",
        "reconciler doctor --output json | jq '.[] | select(.works | not)'",
    ],
)
@output_option
@pass_session
def doctor(session: Session, form: Format) -> None:
    """Try every connection and permission that is needed.

    Nothing is changed by it. What is missing is listed with how to grant it.

    Exit code 0 when everything required works, 3 otherwise.
    """
    from reconciler.report.blocks import Column
    from reconciler.report.terminal import print_rows

    with watched(untouched="nothing was changed", debug=session.debug) as watcher:
        rows = [_row(d) for d in _examine(session, watcher)]
    columns = (
        Column("SUBJECT", lambda r: r["subject"], least=24),
        Column("STATE", _state, _state_style, whole=True),
        Column("DETAIL", lambda r: r["detail"], least=44),
        Column("HOW TO GRANT IT", lambda r: r["remedy"] or "—", _remedy_style, least=44, under="DETAIL"),
    )
    print_rows(rows, columns, form, empty="there is nothing to examine", dot=_state_style)
    missing = sum(1 for row in rows if row["required"] and not row["works"])
    if missing:
        click.echo(f"{missing} of {len(rows)} are missing and required", err=True)
        click.get_current_context().exit(SourceError.exit_code)


def _examine(session: Session, watcher: Watcher) -> list[Diagnosis]:
    """Build one after the other (imports do not gain from threads), then ask all servers at once."""
    from reconciler.cli.logs import configure
    from reconciler.watching import side_by_side

    watcher.doing("getting ready")
    configure(debug=session.debug)
    built = [(subject, _built(subject, build)) for subject, build in session.composition.examined()]
    silent = [subject for subject, _ in built]

    def ask(subject: str, one: Examined | Diagnosis) -> Sequence[Diagnosis]:
        answer = _asked(subject, one)
        silent.remove(subject)
        watcher.doing(f"asking {', '.join(silent)}")
        return answer

    with side_by_side(len(built), "doctor") as pool:
        answers = [pool.submit(ask, subject, one) for subject, one in built]
        return [diagnosis for answer in answers for diagnosis in answer.result()]


def _built(subject: str, build: Callable[[], Examined]) -> Examined | Diagnosis:
    try:
        return build()
    except Exception as error:  # noqa: BLE001 - whatever keeps an adapter from being built is a line of the table
        return _broken(subject, error)


def _asked(subject: str, built: Examined | Diagnosis) -> Sequence[Diagnosis]:
    from reconciler.ports import Diagnosis

    if isinstance(built, Diagnosis):
        return (built,)
    try:
        return built.examine()
    except Exception as error:  # noqa: BLE001 - `examine` never raises; should one, the others still count
        return (_broken(subject, error),)


def _broken(subject: str, error: Exception) -> Diagnosis:
    from reconciler.plain import one_line
    from reconciler.ports import Diagnosis

    match error:
        case ReconcilerError():
            detail, remedy = str(error), error.remedy
        case ImportError():
            detail = f"a library is missing: {error.name or error}"
            remedy = "install reconciler again, with the extra for this adapter (for OPA servers: reconciler[opa])"
        case _:
            detail = f"{type(error).__name__}: {error}"
            remedy = "check this section of the configuration; `reconciler --debug plan` shows the trace"
    return Diagnosis(subject=subject, works=False, detail=one_line(detail), remedy=one_line(remedy))


def _row(diagnosis: Diagnosis) -> Row:
    return {
        "subject": diagnosis.subject,
        "works": diagnosis.works,
        "required": diagnosis.required,
        "detail": diagnosis.detail,
        "remedy": "" if diagnosis.works else diagnosis.remedy,
    }


def _state(row: Mapping[str, Any]) -> str:
    if row["works"]:
        return "works"
    return "missing" if row["required"] else "missing (optional)"


def _remedy_style(row: Row) -> str:
    return "place" if row["remedy"] else "faint"


def _state_style(row: Mapping[str, Any]) -> str:
    if row["works"]:
        return "good"
    return "bad" if row["required"] else "warn"
