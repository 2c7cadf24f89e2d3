"""`reconciler init`: a configuration file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught
from reconciler.errors import ConfigurationError, Refusal


@click.command(
    cls=Taught,
    examples=[
        "reconciler init",
        "reconciler init --forge gitea --forge-url https://git.example.com --forge-repository shop/deploy",
        "reconciler init --delivery flux",
        "reconciler --config staging.yaml init",
    ],
)
@click.option("--repository-url", metavar="URL", help="The Git repository, as the Applications name it.")
@click.option("--forge", "forge_kind", type=click.Choice(["github", "gitea"]), help="Which forge holds it.")
@click.option("--forge-url", metavar="URL", help="The forge's API, where it is not github.com.")
@click.option("--forge-repository", metavar="OWNER/NAME", help="The repository on the forge.")
@click.option(
    "--delivery",
    "delivery_kinds",
    type=click.Choice(["argocd", "flux"]),
    multiple=True,
    help="What delivers from Git; give it twice for both. Without it, Argo CD.",
)
@click.option("--prometheus-url", metavar="URL", help="Prometheus.")
@click.option("--alertmanager-url", metavar="URL", help="Alertmanager.")
@pass_session
def init(session: Session, /, *, delivery_kinds: tuple[str, ...], **given: str | None) -> None:
    """Write a configuration file to start from.

    It holds every key with its default; a file that is there already is left alone.
    """
    from reconciler.cli.init import starter_file

    path = Path(session.config)
    text = starter_file(delivery_kinds=delivery_kinds, **given)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refusal(
            code="init.exists",
            message=f"{path} is there already, and was left as it is",
            remedy="edit it, or name another one: `reconciler --config PATH init`",
        ) from error
    except OSError as error:
        raise ConfigurationError(
            code="init.unwritable",
            message=f"{path} cannot be written: {error.strerror}",
            remedy="name a path in a folder that you may write: `reconciler --config PATH init`",
        ) from error
    click.echo(f"wrote {path}")
    click.echo("next: look it over, fill in what is empty, then run `reconciler doctor`")
