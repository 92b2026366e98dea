"""Run one step and record what it took: wall time, CPU time, peak memory, rows, bytes.

The figures go to MLflow as `cost/<step>_…` and to the run's directory, where the report reads
them.
"""

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel

from include.errors import GatehouseError
from include.records import Record, RunContext, StepCost, StepFailure, TableRef
from include.records.names import FAILURE, cost_file
from include.settings import load_settings
from include.specs import PipelineSpec

if TYPE_CHECKING:
    from include.tables.run_files import RunFiles

logger = logging.getLogger(__name__)
# Each of these logs a line for what our own lines already say.
CHATTY = ("httpx", "jax._src.xla_bridge", "mlflow.store.model_registry.abstract_store")
MAX_BYTES = 8192
R = TypeVar("R", bound=Record)


def run_step(
    step: Callable[..., R],
    spec: PipelineSpec,
    run: RunContext,
    *records: Record | None,
    on_open: Callable[[str], None] | None = None,
    cost_name: str = "",
    **extras: Any,
) -> R:
    """Call a step and record its cost.

    Args:
        step: The step's function.
        spec: The pipeline, with this run's parameters written in.
        run: The run it works for.
        records: What earlier steps handed on.
        on_open: Told the address of the MLflow run before the step begins.
        cost_name: Names the cost, for a step that a run takes several times; the step's own
            name unless given.
        extras: Further arguments of the step, such as `on_progress`.

    Raises:
        GatehouseError: What the step returns is no short record.
    """
    from include.steps.killed_tries import note_try
    from include.tables.run_files import RunFiles
    from include.tables.storage_errors import explain_storage_errors
    from include.tracking.names import in_group
    from include.tracking.runs import hold_run

    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    settings = load_settings()
    name = cost_name or step.__name__
    with explain_storage_errors(settings.data), hold_run(settings, run, step.__name__) as log:
        if on_open is not None:
            on_open(log.url)
        memory_before = memory_bytes("VmRSS:")
        started, cpu_before = time.monotonic(), _cpu_seconds()
        try:
            with (
                explain_storage_errors(settings.data),
                note_try(RunFiles(settings.data, run), name),
            ):
                result = check_size(step(spec, run, *records, **extras))
        except Exception as error:
            _note_failure(RunFiles(settings.data, run), name, error)
            raise
        table = next(_tables(result), None)
        cost = StepCost(
            step=name,
            wall_seconds=round(time.monotonic() - started, 3),
            cpu_seconds=round(_cpu_seconds() - cpu_before, 3),
            peak_memory_bytes=memory_bytes("VmHWM:"),
            start_memory_bytes=memory_before,
            is_reused=table is not None and table.is_reused,
            rows=table.rows if table else 0,
            size_bytes=table.size_bytes if table else 0,
        )
        files = RunFiles(settings.data, run)
        files.write_bytes(cost_file(name), cost.model_dump_json().encode())
        figures = cost.model_dump(include={"wall_seconds", "cpu_seconds", "peak_memory_bytes"})
        log.log_metrics(
            in_group("cost", {f"{name}_{key}": value for key, value in figures.items()})
        )
    logger.info("%s took %.1f s, peak %d MB", name, cost.wall_seconds, cost.peak_memory_bytes >> 20)
    return result


def _note_failure(files: "RunFiles", step: str, error: Exception) -> None:
    """Leave why a step failed where the report finds it, unless storage is what fails.

    What a library says may hold more than a report should, so of its errors the kind is told.
    """
    is_ours = isinstance(error, GatehouseError)
    text = str(error) if is_ours else f"{type(error).__name__}; the task's log in Airflow says more"
    with suppress(OSError):
        failure = StepFailure(step=step, error=text[:MAX_BYTES])
        files.write_bytes(FAILURE, failure.model_dump_json().encode())


def check_size(record: R) -> R:
    """Refuse what would not travel: what is long belongs into the run's directory.

    Raises:
        GatehouseError: It is no record, or larger than 8 KB.
    """
    if not isinstance(record, Record):
        raise GatehouseError(
            f"a step must return a record. Received: {type(record).__name__}. Write its rows into "
            "a table or a file of the run, and hand on its place."
        )
    size = len(record.model_dump_json().encode())
    if size > MAX_BYTES:
        raise GatehouseError(
            f"a record must stay below {MAX_BYTES} bytes. Received: {type(record).__name__} of "
            f"{size}. Write what is long into a file of the run, and hand on its place."
        )
    return record


def memory_bytes(which: Literal["VmHWM:", "VmRSS:"]) -> int:
    """Resident memory of this process in bytes: the largest so far, or what it is now.

    Linux says it of the program itself; what `getrusage` says, where there is no `/proc`, is
    always the largest, and holds the process it was forked from as well.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))
    except (OSError, StopIteration, ValueError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _tables(record: BaseModel) -> Iterator[TableRef]:
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, TableRef):
            yield value
