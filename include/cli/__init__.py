"""The command line: `gatehouse up | down | status | check | new | run | replay | serve | …`.

Each module holds the commands of one thing.
"""

import os

from include.cli import explain, models, pipelines, runs, stack  # noqa: F401 - each adds its commands
from include.cli.shared import app

__all__ = ["app"]


@app.callback()
def prepare() -> None:
    """Only data that passes trains a model; only a model that wins gets promoted."""
    from include.stack.environment import spare_loopback

    # The stack's own addresses are never asked of a proxy that the environment names.
    os.environ.update(spare_loopback(os.environ))
