import numpy as np
import pandas as pd
import pytest

from include.records import FeatureSchema
from include.specs import PipelineSpec
from include.steps.evaluate.part_metrics import (
    ScoredRows,
    measure_test_slices,
)
from tests.builders import BASE_SPEC, make_spec

SCHEMA = FeatureSchema(inputs=(), task="classification", target="repaid", classes=("no", "yes"))


def make_rows(rows: int = 40) -> ScoredRows:
    y = np.arange(rows) % 2
    shares = np.stack([1 - 0.8 * y, 0.8 * y], axis=1)
    frame = pd.DataFrame({"job": ["a", "b"] * (rows // 2), "age": np.arange(rows)})
    return ScoredRows(frame, y, shares)


def spec_with_private_job() -> PipelineSpec:
    columns = [
        {**column, "private": "hash"} if column["name"] == "job" else column
        for column in BASE_SPEC["columns"]
    ]
    return make_spec(columns=columns, evaluation={"slices": ["job", "age"]})


def test_private_columns_are_not_shown_as_slices(caplog: pytest.LogCaptureFixture) -> None:
    slices = measure_test_slices(spec_with_private_job(), SCHEMA, make_rows())
    assert {each.column for each in slices} == {"age"}
    assert "no slices by column job: it is private" in caplog.text
