"""What `doctor` says of Airflow: how long DAG files take, and how much tasks hand on."""

import json

import pytest
from airflow.models import import_all_models
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, insert

from include.errors import GatehouseError
from include.orchestration import airflow_checks
from include.orchestration.airflow_checks import MAX_XCOM_BYTES, check_dag_files, check_xcom
from include.settings import Settings

pytestmark = pytest.mark.xdist_group("airflow")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path)


def hand_on(settings: Settings, **values: object) -> None:
    """Write XComs into a table as Airflow makes it, one for each named task."""
    path = settings.home / "airflow" / "airflow.db"
    path.parent.mkdir()
    engine = create_engine(f"sqlite:///{path}")
    import_all_models()  # the tables that this one refers to
    XComModel.__table__.create(engine)
    with engine.begin() as connection:
        for task_id, value in values.items():
            names = {"dag_id": "train__x", "task_id": task_id, "run_id": "one", "key": "k"}
            connection.execute(insert(XComModel).values(**names, dag_run_id=1, value=value))
    engine.dispose()


def test_a_task_whose_database_airflow_took_away_can_time_the_dag_files(settings, monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "maintain")
    count, _, said = check_dag_files(settings).partition(" ")
    assert int(count) >= 2 + 4 * len(list(settings.pipelines_dir.glob("*.yaml")))
    assert said.startswith("DAGs, the slowest file in ")
    monkeypatch.setattr(airflow_checks, "MAX_PARSE_SECONDS", 0.0)
    with pytest.raises(GatehouseError, match=r"within 0 s. Received: \w+.py took .* Split"):
        check_dag_files(settings)


def test_the_largest_xcom_is_named_by_its_task(settings):
    hand_on(settings, ingest={"rows": 3}, judge={"why": "ä" * 100}, promote=None)
    size = len(json.dumps({"why": "ä" * 100}).encode())
    assert check_xcom(settings) == f"the largest, {size} bytes, is from the task judge of train__x"


def test_an_xcom_that_is_too_large_is_told_with_its_cure_and_without_its_value(settings):
    hand_on(settings, ingest={"rows": "s3cr3t" * MAX_XCOM_BYTES})
    with pytest.raises(GatehouseError, match="the task ingest of train__x. Let it write") as raised:
        check_xcom(settings)
    assert "s3cr3t" not in str(raised.value)


def test_where_nothing_was_handed_on_or_airflow_is_elsewhere_that_is_said(settings):
    assert "not local" in check_xcom(settings)
    hand_on(settings)
    assert check_xcom(settings) == "no task has handed on anything yet"
