from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.features.preprocessor import Preprocessor, fit_preprocessor
from include.steps.evaluate.champion_reading import explain_unreadable
from tests.builders import BASE_SPEC, make_frame, make_spec

ROWS = make_frame(200).fillna({"job": "clerk"})
SPEC = make_spec()


def fit(frame: pd.DataFrame, spec: Any = SPEC) -> Preprocessor:
    return fit_preprocessor(spec, lambda: [frame])


def recode(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(job=frame["job"].str.upper())


def test_rows_of_the_same_form_are_read() -> None:
    assert explain_unreadable(fit(ROWS), fit(ROWS), make_frame(300, seed=2)) == ""


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROWS.drop(columns="age"), "column 'age' is not there"),
        (ROWS.assign(income=float("nan")), "column 'income' has no value in any row"),
        (recode(ROWS), "'job' has other values than it knows in 100% of the rows, such as"),
    ],
    ids=["renamed", "emptied", "recoded"],
)
def test_what_the_champion_cannot_read_is_named(rows: pd.DataFrame, words: str) -> None:
    assert words in explain_unreadable(fit(ROWS), fit(recode(ROWS)), rows)


def test_a_category_that_became_a_number_is_named() -> None:
    numbers = ROWS.assign(job=np.arange(len(ROWS), dtype=float))
    columns = [
        {**each, "kind": "number"} if each["name"] == "job" else each
        for each in BASE_SPEC["columns"]
    ]
    found = explain_unreadable(fit(ROWS), fit(numbers, make_spec(columns=columns)), numbers)
    assert "'job' has other values than it knows in 100% of the rows, such as '0.0'" in found


def test_a_few_new_values_are_for_the_comparison_to_weigh() -> None:
    rows = ROWS.assign(job=ROWS["job"].where(ROWS.index % 4 > 0, "pilot"))
    assert explain_unreadable(fit(ROWS), fit(rows), rows) == ""
