"""Commands of the local stack: up, down, status, doctor, maintain."""

from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from include.cli.shared import app, console, plain, readable_errors, tell
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


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Examine versions, ports, MLflow, disk, memory, clock, secrets, DAG files, XComs; tell cures.

    Exit code 0 only if all is well.
    """
    from include.stack.doctor import STACK_CHECKS
    from include.stack.environment import make_home
    from include.steps.doctor import examine

    with readable_errors():
        settings = load_settings()
        make_home(settings)
        is_well = True
        for finding in examine(settings, STACK_CHECKS):
            is_well &= finding.is_well
            if as_json:
                typer.echo(finding.model_dump_json())
                continue
            mark = "[green]well[/green]" if finding.is_well else "[red]ill [/red]"
            console.print(f"{mark} {finding.check}: {plain(finding.found)}", soft_wrap=True)
        if not is_well:
            raise typer.Exit(1)


@app.command()
def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go, and its bytes; remove nothing.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Only both servers' own, as the DAG asks for.")
    ] = False,
) -> None:
    """Close what was left open, and remove what is older than is kept; the DAG does so by itself.

    Ages and counts: GATEHOUSE_KEEP_DAYS, GATEHOUSE_KEEP_RUNS. What a version behind an alias was
    made from stays.
    """
    from include.stack.airflow_api import AirflowApi
    from include.stack.environment import airflow_home, settings_of_tasks
    from include.stack.maintenance import forget_deleted, state_finder, trim_history
    from include.steps.maintain import clean, close_left_runs
    from include.steps.maintain.waste import Waste

    def show(waste: Waste) -> None:
        said = f"{waste.size_bytes:>15,} {waste.kind}: {waste.name}"
        console.print(plain(said), soft_wrap=True)

    with readable_errors():
        settings = settings_of_tasks(load_settings())
        if not history:
            if not dry_run:
                with AirflowApi(settings) as airflow:
                    closed = close_left_runs(settings, state_finder(airflow))
                console.print(f"{closed} MLflow runs had been left open")
            logs = str(airflow_home(settings) / "logs")
            done = clean(settings, with_old=True, dry_run=dry_run, logs=logs, tell=show)
            verb = "would go" if dry_run else "are gone"
            console.print(f"{done.size_bytes:,} bytes {verb}: {done.removed or 'nothing'}")
        for trim in (trim_history, forget_deleted):
            console.print(trim(settings, dry_run=dry_run))


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
