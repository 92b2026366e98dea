"""Command that tries policies on the past: simulate."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from include.cli.shared import (
    PipelineArgument,
    app,
    console,
    plain,
    readable_errors,
    tell,
)
from include.settings import load_settings
from include.specs.loader import find_pipeline_spec


@app.command()
def simulate(
    pipeline: PipelineArgument,
    policies: Annotated[
        str, typer.Option(help="Which, separated by commas.")
    ] = "weekly,monthly,on-drift",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Most epochs of a training; the spec's unless given.")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="Share of the rows before the first week.")
    ] = 0.5,
    most: Annotated[int, typer.Option(min=1, help="Most weeks to walk over.")] = 200,
    out: Annotated[
        Path | None, typer.Option(help="The page; <pipeline>-simulation.html unless given.")
    ] = None,
) -> None:
    """Walk over the past week by week, and draw what policies of retraining would have brought.

    Needs rows that are split by time; neither Airflow nor MLflow, and nothing else is written.
    """
    from include.steps.simulate import simulate as step

    with readable_errors():
        settings = load_settings()
        spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
        chosen = [each.strip() for each in policies.split(",") if each.strip()]
        found = step(
            *(spec, settings), policies=chosen, epochs=epochs, share=share, most=most, tell=tell
        )
        from include.reporting.simulation_page import render_simulation
        from include.values.formats import format_number, format_seconds

        place = out or Path(f"{spec.name}-simulation.html")
        place.write_text(render_simulation(spec, found), encoding="utf-8")
        table = Table("policy", found.metric, "trainings", "replaced", "cost", box=None)
        for each in found.courses:
            counts = (str(len(each.trained)), str(len(each.replaced)))
            value, cost = format_number(each.overall), format_seconds(each.seconds)
            table.add_row(each.policy, value, *counts, cost)
        console.print(table)
        console.print(plain(str(place)), soft_wrap=True)
