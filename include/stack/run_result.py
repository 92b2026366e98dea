"""How a training run ended: the verdict with its metrics, or the log of what failed."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from include.records import PLACES
from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.tracking.names import MODE, VIEW_KEY

# The tasks whose records are told of.
TOLD = ("ingest", "prepare", "evaluate", "judge", "promote", "draw_curve", "report")
STARTED = "Worker startup parse complete"
OF_AIRFLOW = {"Task failed with exception", "Retry policy decision"}


def read_records(
    api: AirflowApi, dag_id: str, run_id: str, names: Collection[str] = TOLD
) -> dict[str, dict[str, Any]]:
    """Read what the tasks of a run handed on, or others in their place; empty for one that did not.

    Args:
        api: Airflow.
        dag_id: The DAG.
        run_id: Its run.
        names: The tasks.
    """

    def read(name: str) -> dict[str, Any]:
        found = (api.get_record(dag_id, run_id, task, key) for task, key in PLACES[name])
        return next(filter(None, found), {})

    return {name: read(name) for name in names}


def has_verdict(records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a run came to a verdict and did what it says."""
    return all(records[name] for name in ("judge", "promote"))


def print_result(records: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Print rows, metrics, gates and verdict of a run that succeeded."""
    ingested, prepared, evaluated = (records[name] for name in ("ingest", "prepare", "evaluate"))
    verdict, promoted, curve = (records[name] for name in ("judge", "promote", "draw_curve"))
    raw = _data(ingested.get("raw"))
    if raw:
        how = "reused: the source is unchanged" if raw.get("is_reused") else "read anew"
        console.print(f"table    {raw['rows']:,} rows, {how}")
    _print_metrics(evaluated, console)
    show = partial(console.print, soft_wrap=True)
    for gate in (_data(gate) for gate in verdict.get("gates", [])):
        mark = "[green]yes[/green]" if gate.get("is_passed") else "[red]no[/red] "
        mark = mark if gate.get("is_made", True) else "–  "
        show(f"  {mark}  {_escape(gate.get('name'))}: {_escape(gate.get('detail'))}")
    show(f"verdict  {verdict.get('kind')}: {_escape(verdict.get('reason'))}")
    for warning in verdict.get("warnings", []):
        show(f"[yellow]warning[/yellow]  {_escape(warning)}")
    for note in (*verdict.get("notes", []), *prepared.get("warnings", [])):
        show(f"note     {_escape(note)}")
    if curve:
        console.print(f"curve    {_escape(curve.get('sentence'))}")
    if promoted.get("is_promoted"):
        show(f"champion version {promoted.get('version')}")
    else:
        show(f"champion unchanged: {_escape(promoted.get('reason'))}")


def _print_metrics(evaluated: Mapping[str, Any], console: Console) -> None:
    models = {
        name: _data(_data(evaluated.get(name)).get("metrics"))
        for name in ("test", "champion", "baseline")
        if evaluated.get(name)
    }
    table = Table(box=None, pad_edge=False)
    table.add_column("test metric")
    heads = {"test": "candidate"}
    for name in models:
        table.add_column(heads.get(name, name), justify="right")
    for metric in models.get("test", {}):
        values = (models[name].get(metric) for name in models)
        table.add_row(metric, *(f"{value:.4f}" if value is not None else "–" for value in values))
    console.print(table)


def print_failure(api: AirflowApi, dag_id: str, run_id: str, console: Console) -> None:
    """Print the end of the log of every task that failed."""
    failed = [
        task
        for task in api.list_tasks(dag_id, run_id)
        if task.get("state") == "failed" and task.get("map_index", -1) < 0
    ]
    # `close_run` fails with every run that does; it tells something only if no other task does.
    causes = [task for task in failed if task["task_id"] != "close_run"] or failed
    if not causes:
        console.print("no task failed: somebody marked the run in Airflow")
    for task in causes:
        name = str(task["task_id"])
        console.print(f"[red]{name} failed[/red]; the end of its log:")
        lines = api.get_log(dag_id, run_id, name, int(task.get("try_number") or 1))
        told = [line for line in _after_startup(lines) if line and not line.startswith("::")]
        # An exception often says again what was logged before it.
        news = [line for n, line in enumerate(told) if not any(line in x for x in told[n + 1 :])]
        for line in news[-12:]:
            console.print(f"  {_escape(line)}", soft_wrap=True)


def _after_startup(lines: list[str]) -> list[str]:
    """Leave out what Airflow itself logs before and after a task."""
    start = next((n + 1 for n, line in enumerate(lines) if line.startswith(STARTED)), 0)
    return [line for line in lines[start:] if line not in OF_AIRFLOW]


def print_addresses(
    settings: Settings, api: AirflowApi, ids: tuple[str, str], report: str, console: Console
) -> None:
    """Print where the run, its MLflow run and its report are.

    Args:
        settings: Where Airflow and MLflow are.
        api: Airflow.
        ids: DAG and run.
        report: Where the report lies; asked for if that is not known.
        console: Where it shows.
    """
    dag_id, run_id = ids
    show = partial(console.print, soft_wrap=True)
    show(f"Airflow  {run_url(settings, dag_id, run_id)}")
    url = api.get_link(dag_id, run_id, "ingest")
    show(f"MLflow   {url or settings.mlflow_public}")
    report = report or api.get_link(dag_id, run_id, "close_run", "Report")
    if "/runs/" in url:
        runs = url.partition("/runs/")[0]
        show(f"compare  {runs}/runs?{MODE}&viewStateShareKey={VIEW_KEY}")
    if report:
        show(f"report   {report}")


def run_url(settings: Settings, dag_id: str, run_id: str) -> str:
    """Give the address of a run's page in the Airflow UI."""
    return f"{settings.airflow}/dags/{dag_id}/runs/{run_id}"


def _data(value: Any) -> dict[str, Any]:
    """Unwrap a nested record: Airflow stores each with its class beside its data."""
    if isinstance(value, dict):
        inner = value.get("__data__", value)
        return inner if isinstance(inner, dict) else {}
    return {}


def _escape(value: object) -> str:
    return str(value).replace("[", r"\[")
