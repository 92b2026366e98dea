"""Names as MLflow accepts them, made from names that users chose."""

import posixpath
import re
import zlib
from typing import Final

from include.records import RunContext

MAX_NAME: Final = 240
RUN_PREFIX: Final = re.compile(r"^(manual|scheduled|backfill|asset_triggered)__")
# Fractions of a second, the offset, and the checksum of what a run of `gatehouse run` was given.
RUN_NOISE: Final = re.compile(r"\.\d{6}|[+-]\d\d:\d\d$|__[0-9a-f]{8}(?=-\d+$|$)")


def entity_name(name: str) -> str:
    """Write a name of a metric, parameter or tag with the characters that MLflow allows.

    A name that had to change ends in a checksum of the original, so that two of them never fall
    together and the same one is the same in every run.

    Example:
        >>> entity_name("test.accuracy")
        'test.accuracy'
        >>> entity_name("accuracy sex=<b>")
        'accuracy sex__b_ 4cba34d3'
    """
    allowed = re.sub(r"[^/\w.\- :]", "_", name, flags=re.ASCII)
    path = posixpath.normpath(allowed[:MAX_NAME]).lstrip("/.") or "_"
    if path == name:
        return name
    return f"{path} {zlib.crc32(name.encode('utf-8', 'replace')):08x}"


def run_name(run: RunContext) -> str:
    """Name a run for people: the pipeline and what is telling in Airflow's run id.

    Example:
        >>> run = RunContext(
        ...     pipeline="digits", dag_id="train__digits",
        ...     run_id="scheduled__2026-01-05T03:00:00.000000+00:00",
        ... )
        >>> run_name(run)
        'digits 2026-01-05T03:00:00'
        >>> run_name(run.model_copy(update={"run_id": "manual__2026-01-05T03:00Z__44136fa3-2"}))
        'digits 2026-01-05T03:00Z-2'
    """
    telling = RUN_NOISE.sub("", RUN_PREFIX.sub("", run.run_id))
    return f"{run.pipeline} {telling[:60]}"
