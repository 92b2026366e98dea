"""What the tests are run with."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OF_A_STACK = {
    "GATEHOUSE_PIPELINES_DIR": "/nowhere",
    "AIRFLOW__CORE__DAGS_FOLDER": "/nowhere",
    "MLFLOW_TRACKING_URI": "http://nowhere",
}


def test_what_the_caller_set_for_a_stack_reaches_no_test():
    said = subprocess.run(
        [sys.executable, "-c", "import os, tests.conftest; print(*os.environ)"],
        cwd=ROOT,
        env={**os.environ, **OF_A_STACK},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not OF_A_STACK.keys() & set(said.stdout.split())
