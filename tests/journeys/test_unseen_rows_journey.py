"""New rows on the real stack: scored once, also when a worker is killed in the middle of it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from tests.journeys.faults import instance, kill_task, running_try
from tests.journeys.journey import Journey

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("train__digits"),
]
DAG = "score__digits"


def write_images(journey: Journey, name: str, copies: int = 1) -> int:
    images = np.tile(load_digits().images.reshape(-1, 64), (copies, 1)).astype("float32")
    rows = pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 64)
    place = journey.sources / "incoming" / "digits"
    place.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": rows}), place / name)
    return len(images)


def read_scores(journey: Journey) -> pd.DataFrame:
    files = list((journey.sources.parent / "predictions" / "digits").rglob("*.parquet"))
    return pd.concat([pq.ParquetFile(file).read().to_pandas() for file in files])


def test_new_rows_are_scored_once_also_by_a_worker_that_is_killed(journey: Journey):
    if not journey.champion("digits"):
        assert journey.train("digits").state == "success"
    journey.api.unpause(DAG)
    first = write_images(journey, "monday.parquet")
    run = journey.finish(DAG, journey.api.trigger(DAG, {}))
    assert run.state == "success", run.tasks
    told = journey.api.get_record(DAG, run.run_id, "deliver")
    assert (told["inputs"], told["rows"]) == (1, first)

    second = write_images(journey, "tuesday.parquet", copies=30)
    run_id = journey.api.trigger(DAG, {})
    journey.wait(lambda: running_try(journey, DAG, run_id, "predict_shard"), "it predicts", 120)
    journey.wait(lambda: instance(journey, DAG, run_id, "predict_shard")["pid"], "it works", 20)
    kill_task(journey, DAG, run_id, "predict_shard")
    run = journey.finish(DAG, run_id)
    assert run.state == "success", run.tasks
    assert run.tries["predict_shard"] == 2

    nothing = journey.finish(DAG, journey.api.trigger(DAG, {}))
    assert nothing.state == "success"
    assert set(nothing.tasks.values()) == {"skipped", "success"}
    scores = read_scores(journey)
    assert len(scores) == first + second
    assert not scores.duplicated(["input", "row_id"]).any()
    monday = scores[scores["input"] == "monday.parquet"].sort_values("row_id")
    assert (monday["prediction"].astype(int) == load_digits().target).mean() > 0.95
