"""What there is to know of a pipeline at a glance: champion, last verdict, next run, what waits."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from include.errors import GatehouseError
from include.settings import Settings
from include.specs.pipeline import PipelineSpec
from include.stack.airflow_api import AirflowApi
from include.tracking.lookup import FoundRun, find_champion_version, list_runs
from include.tracking.names import deciding_name, in_group

VERDICT = "gatehouse.verdict"


class Overview(NamedTuple):
    """One pipeline; what cannot be told, because a service is away, is empty."""

    name: str
    champion: str = ""
    champion_since: str = ""
    last_run: str = ""
    last_run_at: str = ""
    next_run: str = ""
    is_paused: bool = True
    waiting: tuple[str, ...] = ()


def look_at(settings: Settings, specs: Iterable[PipelineSpec]) -> tuple[list[Overview], list[str]]:
    """Look at pipelines; a service that is away leaves gaps, and a line that says so.

    Args:
        settings: Where Airflow and MLflow are.
        specs: The pipelines.

    Returns:
        What was found, and what could not be asked.
    """
    known = {spec.name: Overview(spec.name) for spec in specs}
    missing = []
    for ask in (_ask_mlflow, _ask_airflow):
        try:
            for name, changes in ask(settings, list(known)):
                known[name] = known[name]._replace(**changes)
        except GatehouseError as error:
            missing.append(str(error))
    return list(known.values()), missing


def list_metrics(spec: PipelineSpec) -> dict[str, str]:
    """Name the metrics that tell runs of a pipeline apart, as people and as MLflow call them."""
    required = dict.fromkeys(spec.promotion.require, 0.0)
    tested = dict(zip(required, in_group("test", required), strict=True))
    return {spec.compare_metric: deciding_name(spec.compare_metric)} | {
        name: key for name, key in tested.items() if name != spec.compare_metric
    }


def describe_run_row(run: FoundRun, spec: PipelineSpec) -> dict[str, Any]:
    """Give a run as a row of a table, or an object of JSON."""
    numbers = {name: run.metrics.get(key) for name, key in list_metrics(spec).items()}
    return {
        "run": f"{spec.name}{run.name.partition(' ')[0]}",
        "started": f"{run.started:%Y-%m-%d %H:%M}",
        "state": run.name.partition(" ")[2].split(" ")[0] or run.status.lower(),
        **numbers,
        "epochs": run.metrics.get("train/epochs"),
        "learning_rate": run.params.get("training.learning_rate"),
        "note": run.tags.get("gatehouse.note", ""),
        "by": run.tags.get("mlflow.user", ""),
        "url": run.url,
    }


def tell_next_run(found: Overview) -> str:
    """Say when a pipeline runs by itself, and whether its schedule is on."""
    if not found.next_run:
        return "by hand"
    paused = ", paused" if found.is_paused else ""
    return f"{found.next_run[:16].replace('T', ' ')} ({tell_age(found.next_run)}{paused})"


def tell_age(moment: str, now: datetime | None = None) -> str:
    """Say how long ago, or in what time, a moment is.

    Example:
        >>> now = datetime(2026, 1, 2, 12, tzinfo=UTC)
        >>> tell_age("2026-01-01 10:00 UTC", now), tell_age("2026-01-02T12:30:00Z", now)
        ('1 d ago', 'in 30 min')
        >>> tell_age("", now)
        ''
    """
    if not moment:
        return ""
    at = datetime.fromisoformat(moment.replace(" UTC", "+00:00"))
    seconds = int((at - (now or datetime.now(UTC))).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= size:
            count = f"{abs(seconds) // size} {unit}"
            return f"in {count}" if seconds > 0 else f"{count} ago"
    return "now"


def _ask_mlflow(settings: Settings, names: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in names:
        champion = find_champion_version(settings, name)
        last = next(iter(list_runs(settings, name, last=1)), None)
        changes: dict[str, Any] = {}
        if champion is not None:
            changes |= {"champion": champion.version, "champion_since": champion.since}
        if last is not None:
            changes |= {"last_run": last.name, "last_run_at": last.started.isoformat()}
        yield name, changes


def _ask_airflow(settings: Settings, names: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    with AirflowApi(settings) as api:
        waiting = api.list_waiting()
        for name in names:
            dag = api.get_dag(f"train__{name}") or {}
            yield (
                name,
                {
                    "next_run": str(dag.get("next_dagrun_run_after") or ""),
                    "is_paused": bool(dag.get("is_paused", True)),
                    "waiting": tuple(
                        url for dag_id, url in waiting if dag_id.partition("__")[2] == name
                    ),
                },
            )
