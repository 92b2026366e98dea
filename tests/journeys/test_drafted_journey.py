"""From a file of every kind to an answer over HTTP, by the command line alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from tests.journeys.journey import Journey, make_client
from tests.mlflow_fixture import free_port, wait_for

pytestmark = pytest.mark.timeout(900)
ROWS = 600


def make_parcels() -> pd.DataFrame:
    """Make rows as a person's file has them: marks, units, a time in its own format, a text.

    What was paid is long-tailed, so that its logarithm is learned.
    """
    random = np.random.default_rng(4)
    weight = random.uniform(1, 9, ROWS)
    minutes = np.sort(random.integers(0, 400 * 24 * 60, ROWS))
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(minutes, unit="m")
    paid = np.exp(0.9 * weight + random.normal(0, 0.2, ROWS))
    words = np.where(weight > 5, "came late and wet", "all fine with it")
    frame = pd.DataFrame(
        {
            "parcel": [f"P{number:05d}" for number in range(ROWS)],
            "weight": [f"{value:.2f} kg" for value in weight],
            "price": random.lognormal(3, 1, ROWS).round(2),
            "pieces": random.integers(1, 90, ROWS).astype(str),
            "insured": random.choice(["yes", "no"], ROWS),
            "way": random.choice(["road", "rail", "air"], ROWS),
            "sent": days.strftime("%d.%m.%Y %H:%M"),
            "remark": [f"{word} {number}" for number, word in enumerate(words)],
            "picture": [json.dumps(random.integers(0, 9, 4).tolist()) for _ in range(ROWS)],
            "paid": [f"€{value:,.2f}" for value in paid],
        }
    )
    frame.loc[::11, ["pieces", "way"]] = "?"
    return frame


def gatehouse(journey: Journey, *arguments: str) -> "subprocess.Popen[str]":
    """Call the command line as a person does, beside the journeys' stack."""
    settings = journey.settings
    return subprocess.Popen(
        [sys.executable, "-m", "include.cli", *arguments],
        env={
            **os.environ,
            "GATEHOUSE_HOME": str(settings.home),
            "GATEHOUSE_PIPELINES_DIR": str(settings.pipelines_dir),
            "GATEHOUSE_AIRFLOW_PORT": str(settings.airflow_port),
            "GATEHOUSE_MLFLOW_PORT": str(settings.mlflow_port),
            "GATEHOUSE_MLFLOW_URL": settings.mlflow,
            "COLUMNS": "300",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def call(journey: Journey, *arguments: str, timeout: float = 120) -> str:
    """Call the command line to its end; gives what it said."""
    process = gatehouse(journey, *arguments)
    said, _ = process.communicate(timeout=timeout)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def frame(journey: Journey, tmp_path: Path) -> pd.DataFrame:
    """Draft a pipeline from the file; gives its rows."""
    frame = make_parcels()
    frame.to_csv(tmp_path / "parcels.csv", index=False)
    source = str(tmp_path / "parcels.csv")
    call(journey, "new", "parcels", "--from", source, "--target", "paid")
    return frame


@pytest.fixture
def served(journey: Journey, frame: pd.DataFrame) -> Iterator[httpx.Client]:
    """Train the draft until it is promoted, and serve it; gives a client."""
    said = call(journey, "run", "parcels", timeout=420)
    assert "champion version 1" in said, said
    port = free_port()
    process = gatehouse(journey, "serve", "parcels", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    assert wait_for(f"{url}/ping", process, seconds=180)
    with make_client(url) as client:
        yield client
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)


def test_a_file_of_every_kind_is_drafted_trained_promoted_and_served(
    journey: Journey, frame: pd.DataFrame, served: httpx.Client
):
    drafted = (journey.settings.pipelines_dir / "parcels.yaml").read_text(encoding="utf-8")
    kinds = ("id", "number", "integer", "boolean", "category", "datetime", "text", "tensor")
    missing = [kind for kind in kinds if f"kind: {kind}" not in drafted]
    assert not missing, drafted
    assert "%d.%m.%Y" in drafted
    assert "unit: kg" in drafted
    target = drafted.partition("{name: paid, ")[2].partition("}")[0]
    assert all(one in target for one in ('thousands: ","', 'unit: "€"', "scale: log")), drafted
    rows = frame.drop(columns="paid").tail(40).to_dict("records")
    answer = served.post("/invocations", json={"dataframe_records": rows})
    assert answer.is_success, answer.text
    found = np.array([row["prediction"] for row in answer.json()["predictions"]], dtype=float)
    paid = frame["paid"].tail(40).str.replace("[€,]", "", regex=True).astype(float)
    # In the target's own unit, not as a logarithm.
    assert np.median(np.abs(np.log(found / paid))) < 0.7, found
