"""What a candidate is made from, written down so that `reproduce` can make it again."""

import json
import platform
import subprocess
from importlib.metadata import version
from typing import Final

from include.records import Origin, TableRef
from include.records.names import FINGERPRINT
from include.settings import PROJECT_ROOT
from include.specs import PipelineSpec
from include.tables.code import find_code
from include.tables.run_files import RunFiles
from include.tables.store import read_manifest

# fmt: off
LIBRARIES: Final = (
    "numpy", "pandas", "pyarrow", "keras", "jax", "jaxlib", "scikit-learn", "scipy", "duckdb",
    "great-expectations",
)
# fmt: on
# What makes rows into weights and metrics.
CHAIN: Final = (
    *("include.steps.ingest", "include.steps.validate", "include.steps.prepare"),
    *("include.steps.train", "include.steps.evaluate.part_metrics"),
)


def describe_origin(spec: PipelineSpec, files: RunFiles, features: TableRef) -> Origin:
    """Describe what a candidate was made from.

    Args:
        spec: The pipeline with the run's parameters written in.
        files: Files of the run, whose first task noted the code.
        features: The table that it was trained on.
    """
    noted = json.loads(files.read_bytes(FINGERPRINT)) if files.exists(FINGERPRINT) else {}
    return Origin(
        spec=spec,
        features=read_manifest(features)["content"],
        code=noted.get("code") or find_code(*CHAIN),
        revision=read_revision(),
        libraries=list_libraries(),
    )


def list_libraries() -> dict[str, str]:
    """List the versions of what decides the numbers."""
    found = {name: version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found}


def read_revision() -> str:
    """Read which commit is checked out; empty where there is no git."""
    try:
        command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
