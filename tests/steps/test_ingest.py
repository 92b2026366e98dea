import logging
from pathlib import Path

import pytest

from include.errors import GatehouseError, SourceError, TrackingUnavailableError
from include.settings import load_settings
from include.steps.ingest import connection_from_environment, ingest
from include.tables.store import read_frame
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run, make_spec
from tests.table_builders import put


@pytest.fixture
def loans(data_root: Path) -> Path:
    """Give a data root whose sources hold the rows of `make_frame`."""
    put(data_root, "loans.csv", make_frame(60).drop(columns="row_id").to_csv(index=False))
    return data_root


def test_ingest_stores_the_rows_and_tells_mlflow(
    loans: Path, mlflow_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spec, run = make_spec(), make_run(run_id="manual__ingest")
    first = ingest(spec, run)
    again = ingest(spec, run)
    assert (first.raw.rows, first.rejected, first.raw.is_reused) == (60, None, False)
    assert again.raw.is_reused
    assert len(first.model_dump_json()) < 8_000
    frame = read_frame(first.raw)
    expected = make_frame(60)
    assert frame["loan_id"].tolist() == expected["loan_id"].tolist()
    assert frame["income"].fillna(0).tolist() == expected["income"].fillna(0).tolist()
    assert f"ingest: 60 rows × {first.raw.columns} columns, 0 rejected" in caplog.text
    assert f"reused table raw/loans/{first.raw.key[:12]}…: source unchanged" in caplog.text
    log = open_run(load_settings(), run)
    logged = log.client.get_run(log.run_id)
    assert logged.data.params["table"] == first.raw.key
    assert logged.data.params["rows"] == "60"
    assert logged.inputs.dataset_inputs[0].dataset.digest == first.raw.key
    assert mlflow_server in load_settings().mlflow


def test_force_reads_an_unchanged_source_again(loans: Path, mlflow_server: str) -> None:
    assert mlflow_server
    ingest(make_spec(), make_run(run_id="manual__force"))
    assert not ingest(make_spec(), make_run(run_id="manual__force", force=True)).raw.is_reused


def test_without_mlflow_nothing_is_stored(loans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", "http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailableError, match="127.0.0.1:9"):
        ingest(make_spec(), make_run())
    assert not (loans / "tables").exists()


def test_a_missing_file_fails_at_once(data_root: Path, mlflow_server: str) -> None:
    assert data_root.exists()
    assert mlflow_server
    with pytest.raises(SourceError, match="loans.csv"):
        ingest(make_spec(), make_run(run_id="manual__missing"))


def test_connections_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "postgres://me@db/shop")
    assert connection_from_environment("shop") == "postgresql+psycopg2://me@db/shop"
    with pytest.raises(GatehouseError, match="AIRFLOW_CONN_OTHER"):
        connection_from_environment("other")
