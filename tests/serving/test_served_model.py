"""A promoted model behind MLflow's own server, asked in every form of JSON that it takes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from include.settings import Settings
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run, make_spec
from tests.bundle_builders import SmallBundle, make_bundle
from tests.mlflow_fixture import free_port

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
SPEC = make_spec(
    columns=[
        {"name": "image", "kind": "tensor", "shape": [2, 2], "scale": 16},
        {"name": "age", "kind": "integer"},
        {"name": "income", "kind": "number", "nulls": 0.2},
        {"name": "married", "kind": "boolean", "nulls": 0.2},
        {"name": "job", "kind": "category", "nulls": 0.2},
        {"name": "opened", "kind": "datetime", "nulls": 0.2},
        {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
    ]
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    frame = make_frame(40)
    images = np.random.default_rng(0).integers(0, 16, (len(frame), 4))
    frame = frame.assign(image=[image.tolist() for image in images])
    frame["age"] = frame["age"].fillna(40).astype("int64")
    return make_bundle(tmp_path_factory.mktemp("bundle"), spec=SPEC, frame=frame)


@pytest.fixture(scope="module")
def served(
    small: SmallBundle, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Serve models:/served@champion as a person would, knowing nothing of the project."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(mlflow_url=mlflow_server, home=home)
    log = open_run(settings, make_run(run_id="manual__served"))
    uri = small.log_to(log)
    version = register_model(settings, "served", bundle_uri=uri, run_id=log.run_id, tags={})
    move_champion(settings, "served", version, expected_current=None)
    url = f"http://127.0.0.1:{free_port()}"
    with (home / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "models", "serve"),
                *("-m", "models:/served@champion", "--env-manager", "local"),
                *("--host", "127.0.0.1", "--port", url.rsplit(":", 1)[1], "--workers", "1"),
            ],
            cwd=home,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": os.environ.get("HOME", str(home)),
                "MLFLOW_TRACKING_URI": mlflow_server,
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_for(url, process, home / "serve.log")
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 150
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/ping", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    pytest.fail(f"mlflow models serve did not start:\n{log.read_text()[-3000:]}")


def _as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for _, row in frame.iterrows():
        values = {name: None if _is_missing(row[name]) else row[name] for name in frame}
        values["image"] = np.reshape(row["image"], (2, 2)).tolist()
        values["opened"] = None if values["opened"] is None else values["opened"].isoformat()
        rows.append(values)
    return rows


def _is_missing(value: Any) -> bool:
    return not isinstance(value, list) and bool(pd.isna(value))


def _ask(url: str, body: dict[str, Any]) -> pd.DataFrame:
    answer = httpx.post(f"{url}/invocations", json=body, timeout=60)
    assert answer.status_code == httpx.codes.OK, answer.text
    return pd.DataFrame(answer.json()["predictions"])


@pytest.mark.parametrize("form", ["dataframe_records", "dataframe_split", "inputs"])
def test_every_form_of_json_gives_the_predictions_of_the_run(served, small, form):
    names = [column.name for column in small.bundle.columns]
    rows = _as_json(small.frame[names])
    body: dict[str, Any] = {
        "dataframe_records": rows,
        "dataframe_split": {"columns": names, "data": [list(row.values()) for row in rows]},
        "inputs": {name: [row[name] for row in rows] for name in names},
    }

    answer = _ask(served, {form: body[form]})

    shares = [f"probability_{name}" for name in small.bundle.features.classes]
    np.testing.assert_allclose(answer[shares], small.predictions, atol=1e-5)


def test_one_row_of_missing_values_is_missing_and_not_a_text_or_false(served, small):
    row = {
        **_as_json(small.frame[[column.name for column in small.bundle.columns]].head(1))[0],
        **dict.fromkeys(["income", "married", "job", "opened"]),
    }
    from include.serving.scoring_model import ScoringModel

    expected = ScoringModel.load(small.directory).predict(
        small.frame.head(1).assign(income=None, married=None, job=None, opened=pd.NaT)
    )

    answer = _ask(served, {"dataframe_records": [row]})

    shares = list(expected)[1:]
    np.testing.assert_allclose(answer[shares], expected[shares], atol=1e-5)


def test_the_logged_example_is_answered(served, small, mlflow_server):
    import mlflow

    mlflow.set_tracking_uri(mlflow_server)
    path = mlflow.artifacts.download_artifacts("models:/served/1/serving_input_example.json")
    answer = httpx.post(
        f"{served}/invocations",
        content=Path(path).read_bytes(),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )

    assert answer.status_code == httpx.codes.OK, answer.text
    assert len(answer.json()["predictions"]) == 5


def test_a_missing_column_is_refused_by_name(served):
    answer = httpx.post(
        f"{served}/invocations", json={"dataframe_records": [{"age": 30}]}, timeout=60
    )

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "image" in answer.text
