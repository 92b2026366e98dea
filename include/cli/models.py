"""Commands on models: predict, serve, rollback, reproduce."""

import os
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from include.cli.shared import (
    PipelineArgument,
    app,
    console,
    open_pipeline,
    plain,
    readable_errors,
    tell,
)
from include.errors import GatehouseError, ParamError


@app.command()
def predict(
    pipeline: PipelineArgument,
    file: Annotated[Path, typer.Argument(help="Rows to score; the target may be absent.")],
    out: Annotated[Path, typer.Option(help="File of the predictions, .csv or .parquet.")],
    formulas: Annotated[
        bool, typer.Option("--formulas", help="CSV: leave texts that a spreadsheet would run.")
    ] = False,
) -> None:
    """Score a file with the champion, without Airflow.

    Rows that break the contract are written beside the predictions, each with its reason.
    """
    from include.steps.score.predict_file import predict_file

    with readable_errors():
        settings, spec = open_pipeline(pipeline)
        done = predict_file(spec, settings, file, out, formulas=formulas)
        for text in done.warnings:
            console.print(f"[yellow]{plain(text)}[/yellow]")
        said = f"{done.summary.rows:,} rows scored by version {done.version}: {out}"
        console.print(plain(said), soft_wrap=True)
        if done.quarantined:
            kept = f"{done.quarantined:,} rows break the contract: {done.quarantine}"
            console.print(f"[yellow]{plain(kept)}[/yellow]", soft_wrap=True)


@app.command()
def serve(
    pipeline: PipelineArgument = "digits",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Answer HTTP requests with the champion of a pipeline, until interrupted.

    Its files are checked against their seal first, and so are those of the next champion, which
    takes over when the alias moves. Beyond this machine, callers must show a token.
    """
    from include.serving.server import serve_champion

    with readable_errors():
        settings, spec = open_pipeline(pipeline)
        show = partial(console.print, soft_wrap=True, markup=False)
        serve_champion(settings, spec.name, host=host, port=port, tell=show)


@app.command()
def rollback(
    pipeline: PipelineArgument,
    reason: Annotated[str, typer.Option(help="Why you go back; kept in the alias's history.")],
    to: Annotated[
        str, typer.Option(help="Version to go back to; the one before the champion unless given.")
    ] = "",
) -> None:
    """Make an earlier version the champion again, after it answered its golden rows.

    What waits for another champion in Airflow is started, where Airflow is up.
    """
    from getpass import getuser

    from include.records import Notice
    from include.stack.airflow_api import AirflowApi
    from include.steps.notify import notify
    from include.steps.rollback import rollback as step

    with readable_errors():
        settings, spec = open_pipeline(pipeline)
        name = spec.name
        done = step(name, to=to, reason=reason, by=getuser())
        at, what = datetime.now(UTC).isoformat(), f"{done.reason} ({getuser()})"
        notify(spec, Notice(event="rolled_back", pipeline=name, what=what, key=at))
        console.print(f"{name}: {plain(done.reason)}", soft_wrap=True)
        # Airflow, once imported, writes our log to the terminal.
        from include.orchestration.assets import model_asset

        try:
            with AirflowApi(settings) as airflow:
                airflow.change_asset(model_asset(spec).name, {"version": done.version})
        except GatehouseError as error:
            console.print(f"[yellow]Airflow was not told: {plain(str(error))}[/yellow]")


@app.command()
def reproduce(
    model: Annotated[
        str, typer.Argument(help="Name of the pipeline, or models:/NAME@champion, models:/NAME/3.")
    ],
    version: Annotated[str, typer.Option(help="Version; the champion unless given.")] = "",
    restore: Annotated[
        bool,
        typer.Option("--restore", help="By the commit and the lock of then, if today's differ."),
    ] = False,
) -> None:
    """Train a version again from its records, and tell at which step it first differs.

    What of the pipeline's file, the code and the libraries is not as it was is told first. Nothing
    is registered, and no table of the pipeline is touched. Exit code 1 if it comes out different.

    With --restore the commit that trained it is checked out below the home, where its own lock is
    installed (some minutes and 2 GB at first) and its own `reproduce` run.
    """
    from tempfile import TemporaryDirectory

    from include.settings import PREFIX
    from include.stack.environment import build_environment
    from include.stack.releases import reproduce_in_release
    from include.tracking.aliases import require_version

    with readable_errors(), TemporaryDirectory(prefix="gatehouse-reproduce-") as scratch:
        name, wanted = read_address(model, version)
        settings, spec = open_pipeline(name)
        places = build_environment(settings)
        os.environ.update({key: places[key] for key in places if key.startswith(PREFIX)})
        number = require_version(settings, name, wanted)
        if restore:
            code = reproduce_in_release(settings, name, number, tell)
            if code is not None:
                raise typer.Exit(code)
        os.environ[f"{PREFIX}DATA_ROOT"] = scratch
        os.environ[f"{PREFIX}RELATIVE_SOURCES"] = settings.sources
        from include.steps.reproduce import reproduce as step

        found = step(name, number, now=spec, kept_in=settings.data, tell=tell)
        color = "red" if found.outcome == "different" else "green"
        console.print(f"[{color}]{plain(found.sentence)}[/{color}]")
        if found.outcome == "different":
            raise typer.Exit(1)


def read_address(model: str, version: str) -> tuple[str, str]:
    """Read a model's name, and the version or alias that is asked for.

    Raises:
        ParamError: It is neither a name nor an address of MLflow.

    Example:
        >>> read_address("digits", ""), read_address("models:/digits@previous", "")
        (('digits', 'champion'), ('digits', 'previous'))
        >>> read_address("models:/digits/3", "")
        ('digits', '3')
    """
    found = re.fullmatch(r"(?:models:/)?(\w+)(?:[@/](\w+))?", model)
    if found is None or (found[2] and version):
        raise ParamError(
            "expected NAME, models:/NAME/VERSION or models:/NAME@ALIAS, and --version with a name "
            f"only. Received: {model!r}."
        )
    return found[1], version or found[2] or "champion"
