"""`python -m include.cli`, the same as `gatehouse`."""

from include.cli import app

app()
