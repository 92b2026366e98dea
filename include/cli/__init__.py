"""The command line: `gatehouse list | show | run | check | new | up | down | serve | …`.

Each module holds the commands of one thing.
"""

import os
from importlib import metadata
from typing import Annotated

import typer

from include.cli import (  # noqa: F401 - each adds its commands
    explain,
    look,
    models,
    pipelines,
    runs,
    simulate,
    stack,
)
from include.cli.shared import app

__all__ = ["app"]


def print_version(is_asked: bool) -> None:
    """Print which Gatehouse this is, and end."""
    if is_asked:
        typer.echo(f"gatehouse {metadata.version('gatehouse')}")
        raise typer.Exit


@app.callback()
def prepare(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Only data that passes trains a model; only a model that wins gets promoted."""
    from include.stack.environment import spare_loopback

    # The stack's own addresses are never asked of a proxy that the environment names.
    os.environ.update(spare_loopback(os.environ))
