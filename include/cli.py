"""The command line: `gatehouse up | down | status | check | new | run | replay | serve | …`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from include.errors import GatehouseError, ParamError, SpecError
from include.settings import Settings, load_settings
from include.specs.loader import load_pipeline_specs
from include.specs.pipeline import PipelineSpec

app = typer.Typer(
    help="Only data that passes trains a model; only a model that wins gets promoted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)

PipelineArgument = Annotated[str, typer.Argument(help="Name of the pipeline.")]


@app.callback()
def prepare() -> None:
    """Only data that passes trains a model; only a model that wins gets promoted."""
    from include.stack.environment import spare_loopback

    # The stack's own addresses are never asked of a proxy that the environment names.
    os.environ.update(spare_loopback(os.environ))


@app.command()
def up() -> None:
    """Start Airflow and MLflow in the background, and wait until they answer."""
    from include.stack.services import start_stack

    with _readable_errors():
        settings = load_settings()
        start_stack(settings, _tell)
        _print_places(settings)


@app.command()
def down() -> None:
    """Stop Airflow and MLflow; nothing is lost."""
    from include.stack.services import stop_stack

    with _readable_errors():
        stopped = stop_stack(load_settings())
        console.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was up")


@app.command()
def status() -> None:
    """Tell which services are up; exit code 0 only if all are."""
    from include.stack.services import log_file, read_health

    with _readable_errors():
        settings = load_settings()
        health = read_health(settings)
        table = Table("service", "state", "log", box=None, pad_edge=False)
        for name, state in health.items():
            table.add_row(name, state, str(log_file(settings, name)))
        console.print(table)
        if set(health.values()) != {"healthy"}:
            raise typer.Exit(1)
        _print_places(settings)


@app.command()
def check(
    pipeline: Annotated[
        str | None, typer.Argument(help="Pipeline to check --against a file.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="File to check by the pipeline's contract.")
    ] = None,
) -> None:
    """Check every file in include/pipelines, or a data file by a pipeline's contract.

    The exit code is 0 only if everything is right.
    """
    with _readable_errors():
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
            console.print(f"[red]{_plain(str(entry.error))}[/red]")
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

    with _readable_errors():
        settings = load_settings()
        path = draft_pipeline(
            name,
            source,
            target,
            settings.pipelines_dir,
            hints=Hints(task, time, group),
            form_hints=FormHints(encoding, separator),
            tell=_tell,
        )
        spec = load_pipeline_spec(path)
        adopt_source(settings, spec, str(source), _tell)
        console.print(_plain(describe_draft(spec)))
        for line in list_doubts(path.read_text(encoding="utf-8")):
            console.print(_plain(line))
        console.print(f"written to {path}; read its comments, then: make run PIPELINE={name}")


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one option for each field of the form
    pipeline: PipelineArgument = "digits",
    source: Annotated[
        str | None,
        typer.Option(
            help="File to read instead of the spec's; a local file is copied first, with the "
            "spec's test file from beside it."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the rows.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in one step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size.")] = None,
    row_limit: Annotated[int | None, typer.Option(help="Read at most this many rows.")] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Tell what more rows would bring.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Compute every table anew.")] = False,
    note: Annotated[str, typer.Option(help="Why you run it.")] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Trigger it, print its address, and return.")
    ] = False,
) -> None:
    """Train a pipeline: start what is not up, trigger it, show its progress, tell the verdict.

    The exit code is 0 only if the run succeeded; with --no-wait, if it was triggered.

    Ctrl-C ends the display, not the run. Triggered twice within a minute, it is one run.
    """
    from include.stack.services import start_stack
    from include.stack.source_copies import adopt_source
    from include.stack.training_run import follow_training_run

    with _readable_errors():
        settings = load_settings()
        spec = _find_spec(settings, pipeline)
        given: dict[str, Any] = {
            "source_uri": adopt_source(settings, spec, source, _tell) if source else None,
            "epochs": epochs,
            "seed": seed,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "row_limit": row_limit,
            "learning_curve": learning_curve or None,
            "force": force or None,
            "note": note or None,
        }
        conf = {name: value for name, value in given.items() if value is not None}
        start_stack(settings, _tell)
        if not follow_training_run(settings, spec, conf, console, wait=not no_wait):
            raise typer.Exit(1)


@app.command()
def replay(
    pipeline: PipelineArgument,
    gates: Annotated[
        list[str] | None,
        typer.Option("--set", help='Another gate, as accuracy=">= 0.97"; accuracy= drops it.'),
    ] = None,
    compare: Annotated[str | None, typer.Option(help="Another metric that decides.")] = None,
    policy: Annotated[
        str | None, typer.Option("--gates", help="point or lower, as `promotion.gates`.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="Most runs, the latest first.")] = 30,
) -> None:
    """Judge past runs again, by the pipeline's rules or by others, without training."""
    from include.stack.judged_again import change_rules, replay_verdicts
    from include.tracking.connection import check_reachable

    with _readable_errors():
        settings = load_settings()
        spec = _find_spec(settings, pipeline)
        try:
            changed = change_rules(spec, gates or [], {"compare": compare, "gates": policy})
        except ValueError as error:
            raise ParamError(f"the rules must be those of a pipeline. Received: {error}") from error
        check_reachable(settings.mlflow)
        replay_verdicts(settings, changed, console, last=last)


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

    with _readable_errors():
        settings = load_settings()
        make_home(settings)
        name = _find_spec(settings, pipeline).name
        check_reachable(settings.mlflow)
        show = partial(console.print, soft_wrap=True, markup=False)
        serve_champion(settings, name, host=host, port=port, tell=show)


@app.command()
def forecast(
    pipeline: PipelineArgument,
    rows: Annotated[int, typer.Option(min=1, help="Rows that the source will have.")],
) -> None:
    """Tell how much time and memory ROWS rows will take; exit code 1 if they will not fit."""
    from include.forecasting.costs import read_costs
    from include.forecasting.forecast import forecast_rows
    from include.forecasting.machine import read_machine
    from include.forecasting.show import show_forecast

    with _readable_errors():
        settings = load_settings()
        costs = read_costs(settings.data, _find_spec(settings, pipeline))
        machine = read_machine(settings.data)
        found = forecast_rows(costs, rows, machine)
        show_forecast(found, costs, machine, console)
        for obstacle in found.obstacles:
            colour = "red" if obstacle.is_expected else "yellow"
            console.print(f"[{colour}]{_plain(obstacle.sentence)}[/{colour}]")
        if not found.fits:
            raise typer.Exit(1)


def _find_spec(settings: Settings, pipeline: str) -> PipelineSpec:
    entries = list(load_pipeline_specs(settings.pipelines_dir))
    for entry in entries:
        if entry.spec is not None and entry.spec.name == pipeline:
            return entry.spec
        if entry.error is not None and entry.path.stem == pipeline:
            raise entry.error
    names = [entry.spec.name for entry in entries if entry.spec is not None]
    raise ParamError(f"expected one of the pipelines {names}. Received: {pipeline!r}.")


def _check_against(pipeline: str | None, file: Path | None) -> None:
    from include.quality.failure_table import render_failures
    from include.quality.gate import is_blocked
    from include.steps.validate.check_file import check_against

    if pipeline is None or file is None or not file.is_file():
        raise ParamError(
            "expected `gatehouse check NAME --against FILE`. "
            f"Received: NAME={pipeline!r}, FILE={str(file)!r}."
        )
    settings = load_settings()
    spec = _find_spec(settings, pipeline)
    report = check_against(spec, file, settings)
    if report.suite == "scoring":
        note = f"{file.name} has no {spec.target.column}: checked as rows to score"
        console.print(_plain(note))
    if report.failures:
        console.print(_plain(render_failures(report)), soft_wrap=True)
    else:
        met = f"{report.rows:,} rows meet all {len(report.outcomes)} rules of {pipeline}"
        console.print(f"{file.name}: {met}")
    if is_blocked(report):
        raise typer.Exit(1)


def _check_rules(spec: PipelineSpec, path: Path) -> None:
    if spec.quality:
        from include.quality.suites import check_rules

        check_rules(spec)


def _print_places(settings: Settings) -> None:
    from include.stack.environment import passwords_file

    show = partial(console.print, soft_wrap=True)
    show(f"Airflow  {settings.airflow}")
    show(f"         user admin, password in {passwords_file(settings)}")
    show(f"MLflow   {settings.mlflow_public}")


def _tell(line: str) -> None:
    console.print(f"[dim]{_plain(line)}[/dim]")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except GatehouseError as error:
        Console(stderr=True, highlight=False).print(f"[red]{_plain(str(error))}[/red]")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        console.print("interrupted; what was triggered goes on in the background (Airflow UI)")
        sys.exit(130)


if __name__ == "__main__":
    app()
