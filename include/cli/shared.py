"""What every command shares: the application, its console, how errors are told."""

import glob
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from include.errors import GatehouseError
from include.settings import Settings, load_settings
from include.specs.loader import find_pipeline_spec
from include.specs.pipeline import PipelineSpec

app = typer.Typer(
    help="Only data that passes trains a model; only a model that wins gets promoted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)


def complete_pipeline(start: str) -> list[str]:
    """Complete a pipeline's name from the names of the files."""
    return [path.stem for path in load_settings().pipelines_dir.glob(f"{glob.escape(start)}*.yaml")]


PipelineArgument = Annotated[
    str, typer.Argument(help="Name of the pipeline.", autocompletion=complete_pipeline)
]


def open_pipeline(pipeline: str) -> tuple[Settings, PipelineSpec]:
    """Give settings and spec of a pipeline whose MLflow server answers.

    Raises:
        GatehouseError: There is no such pipeline, or no server.
    """
    from include.stack.environment import make_home
    from include.tracking.connection import check_reachable

    settings = load_settings()
    make_home(settings)
    spec = find_pipeline_spec(settings.pipelines_dir, pipeline)
    check_reachable(settings.mlflow)
    return settings, spec


def tell(line: str) -> None:
    """Show a line of progress, dimmed."""
    console.print(f"[dim]{plain(line)}[/dim]")


def plain(text: str) -> str:
    """Keep brackets of a text from being read as rich's markup."""
    return text.replace("[", r"\[")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn our errors into a message and exit code 1, Ctrl-C into exit code 130."""
    try:
        yield
    except GatehouseError as error:
        Console(stderr=True, highlight=False).print(f"[red]{plain(str(error))}[/red]")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        console.print("interrupted; what was triggered goes on in the background (Airflow UI)")
        sys.exit(130)


def print_table(rows: Sequence[Mapping[str, Any]], left_out: Iterable[str] = ()) -> None:
    """Print rows of the same keys under their names; a dash for none."""
    names = [name for name in (rows[0] if rows else ()) if name not in {*left_out}]
    table = Table(*map(plain, names), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(plain(_write(row.get(name))) for name in names))
    console.print(table)


def _write(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)
