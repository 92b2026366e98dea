"""Commands on models: predict, serve, rollback."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from include.cli.shared import (
    PipelineArgument,
    app,
    console,
    find_spec,
    plain,
    readable_errors,
)
from include.settings import load_settings


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
    from include.stack.environment import make_home
    from include.steps.score.predict_file import predict_file
    from include.tracking.connection import check_reachable

    with readable_errors():
        settings = load_settings()
        make_home(settings)
        spec = find_spec(settings, pipeline)
        check_reachable(settings.mlflow)
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
    from include.stack.environment import make_home
    from include.tracking.connection import check_reachable

    with readable_errors():
        settings = load_settings()
        make_home(settings)
        name = find_spec(settings, pipeline).name
        check_reachable(settings.mlflow)
        show = partial(console.print, soft_wrap=True, markup=False)
        serve_champion(settings, name, host=host, port=port, tell=show)


@app.command()
def rollback(
    pipeline: PipelineArgument,
    reason: Annotated[str, typer.Option(help="Why you go back; kept in the alias's history.")],
    to: Annotated[
        str, typer.Option(help="Version to go back to; the one before the champion unless given.")
    ] = "",
) -> None:
    """Make an earlier version the champion again, after it answered its golden rows."""
    from getpass import getuser

    from include.records import Notice
    from include.stack.environment import make_home
    from include.steps.notify import notify
    from include.steps.rollback import rollback as step
    from include.tracking.connection import check_reachable

    with readable_errors():
        settings = load_settings()
        make_home(settings)
        spec = find_spec(settings, pipeline)
        name = spec.name
        check_reachable(settings.mlflow)
        done = step(name, to=to, reason=reason, by=getuser())
        at, what = datetime.now(UTC).isoformat(), f"{done.reason} ({getuser()})"
        notify(spec, Notice(event="rolled_back", pipeline=name, what=what, key=at))
        console.print(f"{name}: {plain(done.reason)}", soft_wrap=True)
