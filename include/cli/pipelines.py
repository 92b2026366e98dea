"""Commands on pipeline files: check, new, schema, forecast."""

import json
from pathlib import Path
from typing import Annotated

import typer

from include.cli.shared import (
    PipelineArgument,
    app,
    console,
    open_pipeline,
    plain,
    print_table,
    readable_errors,
    tell,
)
from include.errors import ParamError, SpecError
from include.records import Window
from include.settings import load_settings
from include.specs.loader import find_pipeline_spec, load_pipeline_specs
from include.specs.pipeline import PipelineSpec


@app.command()
def check(
    pipeline: Annotated[
        str | None, typer.Argument(help="Pipeline to check --against a file.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="File to check by the pipeline's contract.")
    ] = None,
    drift: Annotated[
        bool, typer.Option("--drift", help="Hold the file against the champion's test rows.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --drift: print JSON.")] = False,
) -> None:
    """Check every file in include/pipelines, or a data file by a pipeline's contract or for drift.

    The exit code is 0 only if everything is right; with --drift, only if the rows are stable and
    no bound of `monitoring.require` is lost.
    """
    with readable_errors():
        if drift:
            _check_drift(pipeline, against, as_json=as_json)
            return
        if against is not None or pipeline is not None:
            _check_against(pipeline, against)
            return
        directory = load_settings().pipelines_dir
        entries = list(load_pipeline_specs(directory))
        wrong = [entry for entry in entries if entry.error is not None]
        for entry in entries:
            if entry.spec is not None:
                _check_rules(entry.spec, entry.path)
                console.print(f"{entry.path.name}: right ({len(entry.spec.columns)} columns)")
        for entry in wrong:
            console.print(f"[red]{plain(str(entry.error))}[/red]")
        if not entries:
            raise SpecError(f"expected pipeline files in {directory}. Received: none.")
        if wrong:
            raise typer.Exit(1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the new pipeline.")],
    source: Annotated[Path, typer.Option("--from", help="CSV, TSV, JSON-lines or Parquet file.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    task: Annotated[
        str | None, typer.Option(help="classification or regression; guessed unless given.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column to split by as time.")] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Column whose values stay in one part; with --time, the series."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Text encoding of the file.")] = None,
    separator: Annotated[str | None, typer.Option(help="Field separator of a CSV file.")] = None,
) -> None:
    """Draft a pipeline from a file: column kinds, ranges, leaks, personal data, split and model."""
    from include.drafting.draft import describe_draft, draft_pipeline, list_doubts
    from include.drafting.file_form import FormHints
    from include.drafting.order import Hints
    from include.specs.loader import load_pipeline_spec
    from include.stack.source_copies import adopt_source

    with readable_errors():
        settings = load_settings()
        path = draft_pipeline(
            name,
            source,
            target,
            settings.pipelines_dir,
            hints=Hints(task, time, group),
            form_hints=FormHints(encoding, separator),
            tell=tell,
        )
        spec = load_pipeline_spec(path)
        try:
            adopt_source(settings, spec, str(source), tell, keep=True)
        except BaseException:
            # Without its rows it would only stand in the way of the next try.
            path.unlink(missing_ok=True)
            raise
        console.print(plain(describe_draft(spec)))
        for line in list_doubts(path.read_text(encoding="utf-8")):
            console.print(plain(line))
        console.print(f"written to {path}; read its comments, then: make run PIPELINE={name}")


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option(help="Write it there; print it unless given.")
    ] = None,
) -> None:
    """Give the JSON schema of the pipeline file, by which editors complete and check it."""
    from include.specs.json_schema import render_schema

    if output is None:
        typer.echo(render_schema(), nl=False)
    else:
        output.write_text(render_schema(), encoding="utf-8")


@app.command()
def forecast(
    pipeline: PipelineArgument,
    rows: Annotated[int, typer.Option(min=1, help="Rows that the source will have.")],
) -> None:
    """Tell how much time and memory ROWS rows will take; exit code 1 if they will not fit.

    Runs of about one number of rows do not tell what grows with them: then it gives the least and
    the most, and what only may not fit ends with 0.
    """
    from include.forecasting.costs import read_costs
    from include.forecasting.forecast import forecast_rows
    from include.forecasting.show import show_forecast
    from include.modeling.machine import read_machine

    with readable_errors():
        settings = load_settings()
        costs = read_costs(settings.data, find_pipeline_spec(settings.pipelines_dir, pipeline))
        machine = read_machine(settings.data)
        found = forecast_rows(costs, rows, machine)
        show_forecast(found, costs, machine, console)
        for obstacle in found.obstacles:
            colour = "red" if obstacle.is_expected else "yellow"
            console.print(f"[{colour}]{plain(obstacle.sentence)}[/{colour}]")
        if not found.fits:
            raise typer.Exit(1)


def _check_against(pipeline: str | None, file: Path | None) -> None:
    from include.quality.failure_table import render_failures
    from include.quality.gate import is_blocked
    from include.steps.validate.check_file import check_against

    pipeline, file = _name_both(pipeline, file)
    settings = load_settings()
    spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
    report = check_against(spec, file, settings)
    if report.suite == "scoring":
        note = f"{file.name} has no {spec.target.column}: checked as rows to score"
        console.print(plain(note))
    if report.failures:
        console.print(plain(render_failures(report)), soft_wrap=True)
    else:
        met = f"{report.rows:,} rows meet all {len(report.outcomes)} rules of {pipeline}"
        console.print(f"{file.name}: {met}")
    if is_blocked(report):
        raise typer.Exit(1)


def _check_drift(pipeline: str | None, file: Path | None, *, as_json: bool) -> None:
    from include.steps.monitor.check_drift import check_drift

    pipeline, file = _name_both(pipeline, file)
    settings, spec = open_pipeline(pipeline)
    found = check_drift(spec, settings, file)
    if as_json:
        said = {"state": found.state, "drifted": found.drifted, "lost": found.lost}
        typer.echo(json.dumps({**said, **found.model_dump(mode="json")}, indent=1))
    else:
        show_window(found, file.name)
    if found.state != "stable" or found.lost:
        raise typer.Exit(1)


def show_window(found: Window, name: str) -> None:
    """Print what is found out about a file: its state, what moved, how good predictions are."""
    told = f"{name}: {found.state}; {found.rows:,} rows against version {found.version}"
    console.print(plain(told), soft_wrap=True)
    if found.quarantined:
        console.print(f"[yellow]{found.quarantined:,} rows break the contract[/yellow]")
    rows = [
        {
            "column": each.name,
            "state": each.state,
            "index": each.psi if each.state in {"stable", "drift"} else None,
            "distance": each.distance if each.state in {"stable", "drift"} else None,
            "by chance": each.p_value if each.state in {"stable", "drift"} else None,
            "missing": each.missing,
            "before": each.missing_before,
        }
        for each in sorted(found.columns, key=lambda each: (each.state != "drift", -each.psi))
    ]
    print_table(rows)
    for kind, metrics in (("measured", found.real), ("estimated", found.estimated)):
        metric_rows = [
            {
                kind: each.metric,
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "test rows": found.before.get(each.metric),
                "": f"lost: {each.lost}" if each.lost else "",
            }
            for each in metrics
        ]
        if metric_rows:
            print_table(metric_rows)


def _name_both(pipeline: str | None, file: Path | None) -> tuple[str, Path]:
    if pipeline is None or file is None or not file.is_file():
        raise ParamError(
            "expected `gatehouse check NAME --against FILE`. "
            f"Received: NAME={pipeline!r}, FILE={str(file)!r}."
        )
    return pipeline, file


def _check_rules(spec: PipelineSpec, path: Path) -> None:
    if spec.quality:
        from include.quality.suites import check_rules

        check_rules(spec)
