"""`reconciler completion`: a script that teaches a shell to complete our commands, options and operation ids."""

from __future__ import annotations

import click

from reconciler.cli.teaching import Taught


@click.command(
    cls=Taught,
    examples=[
        "reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler",
        'reconciler completion zsh > "${fpath[1]}/_reconciler"',
        "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    Put it where your shell looks for such scripts, as below, and start a new shell; or, for bash now and here alone:
    eval "$(reconciler completion bash)". The ids of operations are completed too, newest first, from the ledger that
    the configuration names.
    """
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    if kind is None:  # Choice has refused every other shell
        raise click.UsageError(f"no completion for {shell}")
    made = kind(root.command, {}, "reconciler", "_RECONCILER_COMPLETE")
    click.echo((kind.source_template % made.source_vars()).strip())
