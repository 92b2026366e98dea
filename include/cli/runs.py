"""Commands on runs: run, replay."""

import gc
from typing import Annotated, Any

import typer

from include.cli.shared import PipelineArgument, app, console, readable_errors, tell
from include.errors import ParamError
from include.settings import load_settings
from include.specs.loader import find_pipeline_spec


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one option for each field of the form
    pipeline: PipelineArgument = "digits",
    source: Annotated[
        str | None,
        typer.Option(
            help="File to read instead of the spec's, for this run; a local file is copied "
            "first, with the spec's test file from beside it."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Let scheduled runs read SOURCE from now on, too.")
    ] = False,
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
    from include.records.form import apply_params
    from include.stack.services import start_stack
    from include.stack.training_run import follow_training_run
    from include.steps.least_room import check_least_room

    gc.freeze()  # what is imported stays; to look through it at the end took 0.13 s
    with readable_errors():
        settings = load_settings()
        spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
        given: dict[str, Any] = {
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
        check_least_room(apply_params(spec, conf))
        if source:
            from include.stack.source_copies import adopt_source

            conf["source_uri"] = adopt_source(settings, spec, source, tell, keep=keep)
        elif keep:
            raise ParamError("--keep needs --source. Received: none. Name the file to keep.")
        start_stack(settings, tell)
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

    with readable_errors():
        settings = load_settings()
        spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
        changed = change_rules(spec, gates or [], {"compare": compare, "gates": policy})
        check_reachable(settings.mlflow)
        replay_verdicts(settings, changed, console, last=last)
