"""Task `ingest`: bring the source in as a raw table, or find that it is already here."""

import logging
import os
from collections.abc import Callable

from include.errors import GatehouseError
from include.records import IngestRecord, RunContext
from include.settings import Settings, load_settings
from include.sources.downloads import Downloads
from include.sources.opening import SourcePlaces
from include.sources.snapshot import take_snapshot
from include.sources.sql import to_sqlalchemy_url
from include.sources.stacking import ReadingPlan
from include.specs import PipelineSpec
from include.steps.least_room import check_least_room
from include.tables.store import TableStore
from include.tracking.names import in_group
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)


def ingest(
    spec: PipelineSpec,
    run: RunContext,
    *,
    connect: Callable[[str], str] | None = None,
    for_training: bool = False,
) -> IngestRecord:
    """Store the source's rows, cast by the contract and with personal data made unreadable.

    Rows that cannot be read are set aside with line and reason; whether there are too many of
    them is for `validate` to say.

    Args:
        spec: The pipeline.
        run: The run; with `force` an unchanged source is read again.
        connect: Gives the SQLAlchemy URL of a connection id; AIRFLOW_CONN_<ID> unless given.
        for_training: Refuse at once a network that could never fit here.

    Raises:
        RoomError: It could not.
        DataError: The source cannot be read, or is not what the contract says.
        InfrastructureError: A server does not answer.
    """
    if for_training:
        check_least_room(spec)
    settings = load_settings()
    log = open_run(settings, run)
    plan = build_reading_plan(spec, settings, connect or connection_from_environment)
    record = take_snapshot(TableStore(settings.data), spec.name, spec.source, plan, force=run.force)
    log.log_params(
        {
            "source": record.source,
            "rows": record.raw.rows,
            "table": record.raw.key,
            "source_digest": record.source_digest,
        }
    )
    counts = {"rows": record.raw.rows, "rejected_rows": record.rejected_rows}
    log.log_metrics(in_group("data", counts))
    log.log_table(record.raw, f"{spec.name}/raw", "raw")
    for note in record.notes:
        logger.info("%s", note)
    if record.dropped_columns:
        logger.warning("columns not in the contract, dropped: %s", list(record.dropped_columns))
    logger.info(
        "ingest: %d rows × %d columns, %d rejected, %d bytes, from %s, table %s",
        record.raw.rows,
        record.raw.columns,
        record.rejected_rows,
        record.raw.size_bytes,
        record.source,
        record.raw.key,
    )
    return record


def build_reading_plan(
    spec: PipelineSpec,
    settings: Settings,
    connect: Callable[[str], str],
    *,
    optional: frozenset[str] = frozenset(),
) -> ReadingPlan:
    """Say what is read of a pipeline's source, and where sources lie.

    Args:
        spec: The pipeline.
        settings: Where things are.
        connect: Gives the SQLAlchemy URL of a connection id.
        optional: Columns that the source may lack, such as the target when scoring.
    """
    return ReadingPlan(
        contract=spec.columns,
        columns=spec.stored_columns,
        places=SourcePlaces(
            sources=settings.sources,
            downloads=Downloads(
                f"{settings.data}/downloads",
                is_private=any(column.private for column in spec.columns),
            ),
            connect=connect,
        ),
        hash_key=settings.hash_key.get_secret_value(),
        row_limit=spec.row_limit,
        optional=optional,
    )


def connection_from_environment(connection_id: str) -> str:
    """Look a connection up as Airflow does outside its database: AIRFLOW_CONN_<ID>.

    Raises:
        GatehouseError: The variable is not set.
    """
    name = f"AIRFLOW_CONN_{connection_id.upper()}"
    value = os.environ.get(name)
    if not value:
        raise GatehouseError(
            f"expected a connection {connection_id!r}. Received: none. Create it in Airflow "
            f"(Admin, Connections) or set {name}."
        )
    return to_sqlalchemy_url(value)
