"""The DAGs of the project, loaded once as Airflow loads them."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def dag_bag():
    """Load every file in dags/ with Airflow's own loader."""
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


@pytest.fixture(scope="session")
def digits_dag(dag_bag):
    """Give the DAG that trains digits."""
    return dag_bag.dags["train__digits"]
