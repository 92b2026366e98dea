"""Commands that look: list, show, compare, open."""

import json
import webbrowser
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from include.cli.shared import (
    PipelineArgument,
    app,
    console,
    plain,
    print_table,
    readable_errors,
)
from include.errors import TrackingUnavailableError
from include.settings import load_settings
from include.specs.loader import find_pipeline_spec, load_pipeline_specs

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_pipelines(as_json: JsonOption = False) -> None:
    """List the pipelines: champion and its age, last verdict, next run, what waits for you."""
    from include.stack.overview import look_at, tell_age, tell_next_run

    with readable_errors():
        settings = load_settings()
        entries = list(load_pipeline_specs(settings.pipelines_dir))
        found, missing = look_at(settings, [entry.spec for entry in entries if entry.spec])
        if as_json:
            _print_json([each._asdict() for each in found])
        else:
            rows = [
                {
                    "pipeline": each.name,
                    "champion": f"version {each.champion}" if each.champion else "none",
                    "since": tell_age(each.champion_since),
                    "last run": each.last_run,
                    "began": tell_age(each.last_run_at),
                    "next run": tell_next_run(each),
                    "waits for you": "\n".join(each.waiting),
                }
                for each in found
            ]
            print_table(rows)
        for entry in entries:
            if entry.error is not None:
                typer.echo(f"{entry.path.name} is wrong: {entry.error}", err=True)
        for line in missing:
            typer.echo(line, err=True)


@app.command()
def show(
    pipeline: PipelineArgument,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="Most runs.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show a pipeline: its champion, its latest runs with their numbers, what waits for you."""
    from include.stack.overview import describe_run_row, look_at, tell_age, tell_next_run
    from include.tracking.lookup import find_champion_version, list_runs
    from include.values.formats import unescape_markdown

    with readable_errors():
        settings = load_settings()
        spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
        (found,), missing = look_at(settings, [spec])
        champion = find_champion_version(settings, spec.name)
        runs = [describe_run_row(run, spec) for run in list_runs(settings, spec.name, last=last)]
        if as_json:
            told = champion._asdict() if champion else None
            _print_json({**found._asdict(), "champion": told, "runs": runs})
        else:
            console.print(plain(f"{spec.name}: {spec.description}"))
            if champion:
                since = tell_age(champion.since)
                console.print(plain(f"champion version {champion.version}, {since}"))
                for line in champion.description.splitlines()[:1]:
                    console.print(plain(unescape_markdown(line)), soft_wrap=True)
            console.print(f"next run {tell_next_run(found)}")
            for url in found.waiting:
                console.print(f"waits for you: {plain(url)}", soft_wrap=True)
            print_table(runs, left_out={"url"})
        for line in missing:
            typer.echo(line, err=True)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="As digits#12, or MLflow's id.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Another run.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two runs: verdicts, metrics, and the parameters that differ."""
    from include.tracking.lookup import find_named_run

    with readable_errors():
        settings = load_settings()
        runs = [find_named_run(settings, name) for name in (first, second)]
        names = [run.name for run in runs]
        differing = _merge(*(run.params for run in runs), are_equal_shown=False)
        told = ("Deciding", "test/", "champion/", "comparison/")
        metrics = _merge(
            *({k: v for k, v in run.metrics.items() if k.startswith(told)} for run in runs)
        )
        if as_json:
            _print_json({"runs": names, "metrics": metrics, "params": differing})
            return
        reasons = [run.tags.get("gatehouse.reason", run.status.lower()) for run in runs]
        rows = [{"": "why", **dict(zip(names, reasons, strict=True))}]
        for name, values in {**metrics, **differing}.items():
            rows.append({"": name, **dict(zip(names, values, strict=True))})
        print_table(rows)
        console.print("\n".join(run.url for run in runs), soft_wrap=True)


@app.command("open")
def open_page(
    pipeline: PipelineArgument,
    page: Annotated[
        Literal["report", "runs", "champion", "airflow"], typer.Option(help="Which page.")
    ] = "report",
    as_json: JsonOption = False,
) -> None:
    """Open a pipeline in the browser: its latest report, its runs, its champion, its DAG."""
    from include.tracking.lookup import find_address

    with readable_errors():
        settings = load_settings()
        name = find_pipeline_spec(settings.pipelines_dir, pipeline).name
        url = f"{settings.airflow}/dags/train__{name}"
        if page != "airflow":
            url = find_address(settings, name, page)
        if not url:
            raise TrackingUnavailableError(
                f"{name} must have a {page} to open. Received: none yet. Train it first: "
                f"make run PIPELINE={name}"
            )
        if as_json:
            _print_json({"url": url})
        else:
            console.print(url, soft_wrap=True)
            webbrowser.open(url)


def _merge(
    first: Mapping[str, Any], second: Mapping[str, Any], *, are_equal_shown: bool = True
) -> dict[str, tuple[Any, Any]]:
    """Pair values by their names, the deciding ones first by their letters."""
    pairs = {name: (first.get(name), second.get(name)) for name in sorted({*first, *second})}
    return {name: pair for name, pair in pairs.items() if are_equal_shown or len({*pair}) > 1}


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=1, default=str))
