"""From a checked table to features: what is held out leaves no trace in what is fitted."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from include.features.preparation import Preparation, fit_preparation
from include.features.splits import PART_NAMES
from include.specs import PipelineSpec
from include.values.hashing import hash_rows
from tests.builders import BASE_SPEC, make_frame, make_spec, read_in, repeat_rows
from tests.features.test_preprocessor import EVERY_KIND, make_every_kind

NUMBERS = st.fixed_dictionaries(
    {
        "fill": st.sampled_from(["mean", "median", "most_frequent"]),
        "scale": st.sampled_from(["standard", "minmax", "robust", "log"]),
        "outliers": st.sampled_from(["keep", "clip"]),
    }
)
# Another value than any training row has, for a column of every kind.
SPIES: dict[str, Any] = {
    "n": 1e6,
    "k": -99_999,
    "flag": True,
    "c": "spy",
    "e": "spy",
    "h": "spy",
    "words": "spy spy",
    "at": pd.Timestamp("1990-01-01", tz="UTC"),
}


def prepare(spec: PipelineSpec, frame: pd.DataFrame, batch: int) -> Preparation:
    return fit_preparation(spec, read_in(frame, batch), has_parts=False)


def make_loans_spec(*, cleaning: dict[str, Any] | None = None, **changes: Any) -> PipelineSpec:
    """Build a spec without an id, so that rows can be alike."""
    columns = [each for each in BASE_SPEC["columns"] if each["name"] != "loan_id"]
    return make_spec(columns=columns, cleaning={"leakage": "warn", **(cleaning or {})}, **changes)


def repeat_loans(rows: int, repeats: Sequence[int]) -> pd.DataFrame:
    """Build rows without an id, and some of them again at the end."""
    return repeat_rows(make_frame(rows).drop(columns="loan_id"), repeats)


def held_out_rows(preparation: Preparation) -> set[int]:
    kept = (
        part.column("row_id").to_pylist()
        for name, part in preparation.stream()
        if name in {"validation", "test"} and part.num_rows
    )
    return {row for rows in kept for row in rows}


@settings(max_examples=25)
@given(st.integers(80, 250), st.integers(0, 99), NUMBERS, st.integers(20, 300), st.booleans())
def test_nothing_of_a_held_out_row_reaches_the_fit(
    rows: int, seed: int, options: dict[str, str], batch: int, is_selecting: bool
) -> None:
    frame = make_every_kind(rows, seed)
    columns = [{**each, **(options if each["name"] == "n" else {})} for each in EVERY_KIND]
    spec = make_spec(
        target={"column": "y", "task": "classification"},
        columns=columns,
        promotion={},
        cleaning={"leakage": "warn", "duplicates": "keep"},
        **({"selection": {"keep": 4}} if is_selecting else {}),
    )
    before = prepare(spec, frame, batch)
    held_out = frame["row_id"].isin(held_out_rows(before))
    assert held_out.any()
    changed = frame.copy()
    for name, value in SPIES.items():
        changed.loc[held_out, name] = value

    after = prepare(spec, changed, batch)

    assert after.preprocessor.model_dump_json() == before.preprocessor.model_dump_json()


def test_a_batch_that_repeats_another_altogether_is_no_obstacle() -> None:
    spec = make_loans_spec(cleaning={"duplicates": "drop"})
    prepared = prepare(spec, repeat_loans(60, range(30)), 30)
    rows = [len(part) for name, part in prepared.stream() if name in PART_NAMES]
    assert sum(rows) == 60


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 79), min_size=1, max_size=60),
    st.sampled_from(["hash", "stratified"]),
    st.integers(10, 100),
)
def test_no_row_of_the_test_part_equals_one_that_trains(
    repeats: list[int], method: str, batch: int
) -> None:
    frame, spec = repeat_loans(80, repeats), make_loans_spec(split={"method": method})
    parts: dict[str, set[int]] = {"train": set(), "validation": set(), "test": set()}
    hashes = hash_rows(frame, tuple(name for name in frame if name != "row_id"))
    for name, rows in prepare(spec, frame, batch).stream():
        if name in parts:
            parts[name].update(hashes[rows.column("row_id").to_numpy()].tolist())
    assert parts["train"]
    assert parts["test"]
    assert not parts["train"] & (parts["validation"] | parts["test"])
