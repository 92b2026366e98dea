"""Commands of the local stack: up, down, status."""

from functools import partial

import typer
from rich.table import Table

from include.cli.shared import app, console, readable_errors, tell
from include.settings import Settings, load_settings


@app.command()
def up() -> None:
    """Start Airflow and MLflow in the background, and wait until they answer."""
    from include.stack.services import start_stack

    with readable_errors():
        settings = load_settings()
        start_stack(settings, tell)
        print_places(settings)


@app.command()
def down() -> None:
    """Stop Airflow and MLflow; nothing is lost."""
    from include.stack.services import stop_stack

    with readable_errors():
        stopped = stop_stack(load_settings())
        console.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was up")


@app.command()
def status() -> None:
    """Tell which services are up; exit code 0 only if all are."""
    from include.stack.services import log_file, read_health

    with readable_errors():
        settings = load_settings()
        health = read_health(settings)
        table = Table("service", "state", "log", box=None, pad_edge=False)
        for name, state in health.items():
            table.add_row(name, state, str(log_file(settings, name)))
        console.print(table)
        if set(health.values()) != {"healthy"}:
            raise typer.Exit(1)
        print_places(settings)


def print_places(settings: Settings) -> None:
    """Show where Airflow and MLflow answer."""
    from include.stack.environment import passwords_file
    from include.tracking import accounts

    show = partial(console.print, soft_wrap=True)
    show(f"Airflow  {settings.airflow}")
    show(f"         user admin, password in {passwords_file(settings)}")
    show(f"MLflow   {settings.mlflow_public}")
    if settings.mlflow_login:
        show(f"         users admin and reader, passwords in {accounts.passwords_file(settings)}")
