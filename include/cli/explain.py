"""Command on single answers: explain."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from include.cli.shared import PipelineArgument, app, console, open_pipeline, plain, readable_errors
from include.errors import ParamError
from include.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from include.records.explanations import ExplainedRow
    from include.serving.scoring_model import ScoringModel
    from include.specs import PipelineSpec


@app.command()
def explain(
    pipeline: PipelineArgument,
    row: Annotated[str | None, typer.Option(help="A row as JSON, by column.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Rows, in a file read as the pipeline's own; the first 100.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Number or id of a test row of the last run, as its report tells it."),
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version; the champion unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what each column of a row adds to the champion's answer, by integrated gradients."""
    with readable_errors():
        if sum(each is not None for each in (row, file, key)) != 1:
            raise ParamError(
                "expected one of --row, --file and --key. Received: "
                f"{sum(each is not None for each in (row, file, key))} of them."
            )
        settings, spec = open_pipeline(pipeline)
        model = _load(settings, spec, version)
        if key is not None:
            explained = _explain_stored(settings, spec, model, key)
        else:
            from include.serving.explain import explain_raw

            explained = explain_raw(model, _read_rows(settings, spec, row, file))
        if as_json:
            answer = {
                "explained_as": model.explainer.explained_as,
                "reference_row": dict(model.explainer.describe_reference()),
                "explanations": [each.model_dump() for each in explained],
            }
            sys.stdout.write(f"{json.dumps(answer, indent=1)}\n")
            return
        for each in explained:
            _show(each, model.explainer.explained_as)


def _load(settings: Settings, spec: "PipelineSpec", version: str | None) -> "ScoringModel":
    from include.serving.loading import load_version
    from include.tracking.aliases import require_champion

    version = version or require_champion(settings, spec.name).version
    return load_version(settings, spec.name, version)


def _read_rows(
    settings: Settings, spec: "PipelineSpec", row: str | None, file: Path | None
) -> "pd.DataFrame":
    """Read rows as a caller has them: every value stays as it is written."""
    from include.serving.explain import MAX_ROWS
    from include.serving.request_rows import read_objects
    from include.steps.score.raw_file import read_raw_file

    if file is not None:
        return read_raw_file(spec, settings, file, max_rows=MAX_ROWS)
    return read_objects([row or ""])


def _explain_stored(
    settings: Settings, spec: "PipelineSpec", model: "ScoringModel", key: str
) -> "tuple[ExplainedRow, ...]":
    from include.steps.evaluate.stored_rows import find_test_row

    rows, actual = find_test_row(settings, spec, key)
    return model.explainer.explain(rows, names=[key], actual=[actual])


def _show(row: "ExplainedRow", explained_as: str) -> None:
    from include.values.formats import format_number

    true = f", true is {row.actual}" if row.actual else ""
    console.print(f"row {plain(row.row)}: said [bold]{plain(row.said)}[/bold]{plain(true)}")
    console.print(
        f"{plain(explained_as)}: {format_number(row.output)} against "
        f"{format_number(row.reference_output)} of the reference row"
    )
    table = Table("column", "value", "adds", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for each in row.attributions:
        sign = "+" if each.amount > 0 else ""
        table.add_row(
            plain(each.column), plain(each.shown), f"{sign}{format_number(each.amount, 3)}"
        )
    console.print(table)
