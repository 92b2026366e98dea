"""Task `maintain`: what nobody needs any more goes, and what was left open is closed."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from include.errors import InfrastructureError
from include.records import MaintainRecord
from include.settings import Settings
from include.steps.maintain.left_runs import close_left_runs, find_late_runs
from include.steps.maintain.leftovers import find_leftover_files
from include.steps.maintain.retention import find_old
from include.steps.maintain.waste import Waste

logger = logging.getLogger(__name__)

__all__ = ["clean", "close_left_runs", "find_late_runs"]


def clean(
    settings: Settings,
    *,
    with_old: bool,
    dry_run: bool = False,
    logs: str = "",
    tell: Callable[[Waste], None] | None = None,
) -> MaintainRecord:
    """Remove what dead processes left and, if asked, what is older than is kept.

    Whatever cannot be removed keeps nothing else from being removed.

    Args:
        settings: Places, ages and counts.
        with_old: Whether runs, tables, downloads and logs beyond their age go as well.
        dry_run: Remove nothing, only count.
        logs: Directory of Airflow's task logs on this machine; none are removed unless given.
        tell: Called with everything that goes.

    Raises:
        InfrastructureError: Something could not be removed; the rest is.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    now = datetime.now(UTC)
    counts: dict[str, int] = {}
    total, failed = 0, []
    sources = [find_leftover_files(settings, now)]
    if with_old:
        sources.append(find_old(settings, now, logs))
    for waste in (each for source in sources for each in source):
        try:
            if not dry_run:
                waste.remove()
        except Exception as error:
            logger.warning("%s stays: %s", waste.name, error)
            failed.append(f"{waste.name}: {type(error).__name__}: {error}"[:300])
            continue
        counts[waste.kind] = counts.get(waste.kind, 0) + 1
        total += waste.size_bytes
        if tell is not None:
            tell(waste)
    logger.info("%s bytes %s: %s", total, "would go" if dry_run else "removed", counts)
    if failed:
        raise InfrastructureError(
            f"what is no longer needed must be removable. Received: {len(failed)} that are not, "
            f"such as {failed[0]}. See who owns it; the next round tries again."
        )
    return MaintainRecord(removed=counts, size_bytes=total, is_dry_run=dry_run)
