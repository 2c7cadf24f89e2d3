"""What all commands share: the configuration, read once, and the adapters, built when wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.watching import UNWATCHED, Watcher

if TYPE_CHECKING:
    from reconciler.composition import Composition
    from reconciler.ports import Ports
    from reconciler.settings import Settings


@dataclass
class Session:
    """One invocation of the command line."""

    config: str
    debug: bool
    environ: dict[str, str] = field(repr=False)  # it may hold tokens
    watcher: Watcher = UNWATCHED  # of the pass under way

    @cached_property
    def settings(self) -> Settings:
        """The configuration; raises ConfigurationError where it is wrong."""
        from reconciler.configuration import load

        return load(Path(self.config), self.environ)

    @cached_property
    def composition(self) -> Composition:
        """The adapters of this configuration, none of them built yet."""
        from reconciler.composition import Composition

        return Composition(self.settings, self.environ, told=self.tell)

    def tell(self, what: str) -> None:
        """Tell whoever watches the pass under way of something that takes its time."""
        self.watcher.doing(what)

    def ports(self) -> Ports:
        """Everything that a pass may talk to, with logging set up first: libraries log when they retry."""
        from reconciler.cli.logs import configure

        configure(debug=self.debug)
        return self.composition.ports()


pass_session = click.make_pass_decorator(Session)
