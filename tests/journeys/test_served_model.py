"""A promoted model behind MLflow's own server, asked in every form of JSON that it takes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.settings import Settings
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run, make_spec
from tests.bundle_builders import SmallBundle, make_bundle
from tests.journeys.journey import Journey, make_client
from tests.mlflow_fixture import free_port, wait_for

SPEC = make_spec(
    source={"kind": "file", "uri": "loans.csv", "missing": ["?", "NA", ""], "strip_suffix": "."},
    columns=[
        {"name": "image", "kind": "tensor", "shape": [2, 2], "scale": 16},
        {"name": "age", "kind": "integer", "min": 18, "max": 100},
        {"name": "income", "kind": "number", "nulls": 0.2},
        {"name": "married", "kind": "boolean", "nulls": 0.2},
        {"name": "job", "kind": "category", "nulls": 0.2},
        {"name": "opened", "kind": "datetime", "format": "%d.%m.%Y", "nulls": 0.2},
        {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
    ],
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    frame = make_frame(40)
    images = np.random.default_rng(0).integers(0, 16, (len(frame), 4))
    tensors = pa.array(list(images), pa.list_(pa.int64(), 4))
    frame = frame.assign(image=pd.arrays.ArrowExtensionArray(tensors))
    frame["age"] = frame["age"].fillna(40).astype("int64")
    return make_bundle(tmp_path_factory.mktemp("bundle"), spec=SPEC, frame=frame)


@pytest.fixture(scope="module")
def served(
    small: SmallBundle, journey: Journey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Serve models:/served@champion as a person would, knowing nothing of the project."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(mlflow_url=journey.settings.mlflow, home=home)
    log = open_run(settings, make_run(run_id="manual__served"))
    uri = small.log_to(log, "served")
    version = register_model(
        settings, "served", bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
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
                "MLFLOW_TRACKING_URI": settings.mlflow,
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if not wait_for(f"{url}/ping", process, seconds=150):
            log = (home / "serve.log").read_text()
            pytest.fail(f"mlflow models serve did not start:\n{log[-3000:]}")
        with make_client(url) as client:
            yield client
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for _, row in frame.iterrows():
        plain = row.drop("image")
        values = {name: None if pd.isna(value) else value for name, value in plain.items()}
        values["image"] = np.reshape(row["image"], (2, 2)).tolist()
        values["opened"] = None if values["opened"] is None else values["opened"].isoformat()
        rows.append(values)
    return rows


def _ask(served: httpx.Client, body: dict[str, Any]) -> pd.DataFrame:
    answer = served.post("/invocations", json=body)
    assert answer.status_code == httpx.codes.OK, answer.text
    return pd.DataFrame(answer.json()["predictions"])


@pytest.mark.parametrize("form", ["dataframe_records", "dataframe_split", "inputs"])
def test_every_form_of_json_gives_the_predictions_of_the_run(served, small, form):
    names = [column.name for column in small.bundle.columns]
    rows = _as_json(small.frame[names])
    body: dict[str, Any] = {
        "dataframe_records": rows,
        "dataframe_split": {
            "columns": names,
            "data": [[row[name] for name in names] for row in rows],
        },
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


ROW = {
    "image": [[1, 2], [3, 4]],
    "age": 31,
    "income": 1500.0,
    "married": False,
    "job": "nurse",
    "opened": "2024-02-03T00:00:00+00:00",
}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"married": "False"}, {}),
        ({"married": "no"}, {}),
        ({"married": 0}, {}),
        ({"married": "off"}, {}),
        ({"age": "0x1F"}, {}),
        ({"age": "31.0"}, {}),
        ({"age": 31.0}, {}),
        ({"income": "1500"}, {}),
        ({"job": " nurse "}, {}),
        ({"job": "nurse."}, {}),
        ({"opened": "03.02.2024"}, {}),
        ({"opened": "2024-02-03"}, {}),
        ({"image": "[1, 2, 3, 4]"}, {}),
        ({"income": "?"}, {"income": None}),
        ({"job": "?"}, {"job": None}),
        ({"married": " NA "}, {"married": None}),
    ],
    ids=str,
)
def test_one_meaning_has_one_answer(served, changes, same):
    answers = [_ask(served, {"dataframe_records": [{**ROW, **each}]}) for each in (changes, same)]

    pd.testing.assert_frame_equal(*answers)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("married", "banana", "expected true or false"),
        ("age", -5, "expected values between 18 and 100"),
        ("age", None, "expected no missing value"),
        ("age", 31.5, "expected a whole number"),
        ("income", "much", "expected a number"),
        ("opened", "02/03/2024", "expected a date written as %d.%m.%Y"),
        ("image", [1, 2, 3], "expected an array of shape [2, 2]"),
    ],
    ids=str,
)
def test_what_breaks_the_contract_is_refused_with_its_reason(served, name, value, words):
    rows = [ROW, {**ROW, name: value}]
    answer = served.post("/invocations", json={"dataframe_records": rows})

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert f"row 1, '{name}': {words}" in answer.json()["message"]


def test_the_logged_example_is_answered(served, small, journey):
    import mlflow

    mlflow.set_tracking_uri(journey.settings.mlflow)
    path = mlflow.artifacts.download_artifacts("models:/served/1/serving_input_example.json")
    answer = served.post(
        "/invocations",
        content=Path(path).read_bytes(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == httpx.codes.OK, answer.text
    assert len(answer.json()["predictions"]) == 5


def test_a_missing_column_is_refused_by_name(served):
    answer = served.post("/invocations", json={"dataframe_records": [{"age": 30}]})

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "image" in answer.text
