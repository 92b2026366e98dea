"""Check a file against a pipeline's contract, without Airflow and without leaving anything."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from pydantic import SecretStr

from include.quality.gate import run_gate
from include.quality.suites import choose_suite
from include.records import QualityReport
from include.settings import Settings
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.steps.ingest import build_reading_plan, connection_from_environment
from include.tables.local_files import open_local_files
from include.tables.store import TableStore


def check_against(spec: PipelineSpec, file: Path, settings: Settings) -> QualityReport:
    """Read a file as the pipeline would, and check every rule on it.

    A file without the target is checked by the suite of rows to score.

    Args:
        spec: The pipeline; how its own file is read holds for this one, too.
        file: A local file.
        settings: Where things are; nothing is written there.

    Raises:
        SourceError: The file cannot be read.
        SchemaError: Its columns or types are not those of the contract.
    """
    with TemporaryDirectory(prefix="gatehouse-check-") as scratch:
        # Nothing stays, so a key of the moment hashes as well as the real one.
        key = SecretStr(settings.hash_key.get_secret_value() or "for this check only")
        own = settings.model_copy(update={"data_root": scratch, "hash_key": key})
        plan = build_reading_plan(
            spec,
            own,
            connection_from_environment,
            optional=frozenset({spec.target.column}),
        )
        found = take_snapshot(
            TableStore(own.data), spec.name, spec.read_file(str(file.resolve())), plan
        )
        with open_local_files(found.raw) as files:
            suite = choose_suite(spec, pq.read_schema(files[0]).names)
            return run_gate(spec, files, suite=suite, rejected=found.rejected_rows).report
