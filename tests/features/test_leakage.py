from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from sklearn import datasets

from include.errors import LeakageError
from include.features.cleaning import plan_rows
from include.features.joint_leaks import find_joint_leaks, warn_of_joint_leaks
from include.features.leak_signs import explain
from include.features.leakage import (
    TEXT_LENGTH,
    check_columns,
    check_leakage,
    find_leaks,
    sample_training_rows,
)
from include.specs import PipelineSpec
from include.specs.columns import CategoryColumn, Column, NumberColumn
from include.specs.data import TargetSpec
from tests.builders import make_frame, make_spec, read_in

ROWS = 400
RANDOM = np.random.default_rng(0)
CLASSES = RANDOM.integers(0, 2, ROWS)
MANY = RANDOM.integers(0, 5, ROWS)
NUMBERS = RANDOM.normal(size=ROWS)


def make_pair(kind: str, task: str, **cleaning: Any) -> PipelineSpec:
    target = {"kind": "number"} if task == "regression" else {"kind": "category"}
    return make_spec(
        target={"column": "y", "task": task},
        columns=[{"name": "x", "kind": kind, "nulls": 1}, {"name": "y", **target}],
        cleaning=cleaning,
        promotion={},
    )


@pytest.mark.parametrize(
    ("kind", "task", "feature", "target"),
    [
        ("integer", "classification", CLASSES, CLASSES),
        ("integer", "classification", np.arange(ROWS), np.sort(CLASSES)),
        ("number", "classification", 3 - CLASSES + NUMBERS / 1e3, CLASSES),
        ("number", "classification", np.where(CLASSES, NUMBERS, np.nan), CLASSES),
        ("category", "classification", np.array(["p", "q"])[CLASSES], CLASSES),
        ("boolean", "classification", CLASSES == 1, CLASSES),
        (
            "datetime",
            "classification",
            pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(CLASSES * 500 + MANY, "D"),
            CLASSES,
        ),
        ("number", "classification", MANY * 10 + NUMBERS / 10, MANY),
        ("integer", "classification", np.array([3, 1, 4, 0, 2])[MANY], MANY),
        ("category", "classification", np.array(list("abcdefghij"))[MANY * 2 + CLASSES], MANY),
        ("number", "classification", np.where(CLASSES, 1.0, np.nan), CLASSES),
        ("text", "classification", np.array(["it is p", "it is q"])[CLASSES], CLASSES),
        ("text", "classification", np.where(CLASSES, [f"n{n}" for n in range(ROWS)], ""), CLASSES),
        ("text", "regression", [f" {number:.3f}" for number in NUMBERS], NUMBERS),
        ("number", "regression", NUMBERS * 2.54 + 1, NUMBERS),
        ("number", "regression", np.exp(NUMBERS), NUMBERS),
        ("category", "regression", np.array(list("abcde"))[MANY], MANY * 7.0 + NUMBERS / 100),
    ],
    ids=[
        "copy",
        "id in a sorted file",
        "shifted copy",
        "gaps",
        "renamed",
        "boolean",
        "time",
        "ranges",
        "codes",
        "finer category",
        "constant or gap",
        "text",
        "text or blank",
        "number as text",
        "other unit",
        "monotone",
        "category of numbers",
    ],
)
def test_a_feature_that_determines_the_target_is_found(
    kind: str, task: str, feature: Any, target: Any
) -> None:
    if task == "classification":
        target = np.asarray(target).astype(str)
    sample = pd.DataFrame({"x": feature, "y": target})
    with pytest.raises(LeakageError, match=r"target 'y'. Received: 'x' \(.*kind: ignore"):
        check_leakage(make_pair(kind, task), sample)


@pytest.mark.parametrize(
    ("kind", "task", "feature", "target"),
    [
        ("number", "classification", CLASSES + NUMBERS / 2, CLASSES),
        ("number", "classification", NUMBERS, CLASSES),
        ("category", "classification", [f"id{n}" for n in range(ROWS)], CLASSES),
        (
            "category",
            "classification",
            np.where(RANDOM.random(ROWS) < 0.05, MANY, CLASSES).astype(str),
            CLASSES,
        ),
        ("number", "regression", NUMBERS + RANDOM.normal(size=ROWS) / 5, NUMBERS),
        ("number", "regression", np.zeros(ROWS), NUMBERS),
        ("number", "classification", np.full(ROWS, np.nan), CLASSES),
        ("text", "classification", [f"note {n}" for n in range(ROWS)], CLASSES),
        ("text", "classification", np.array(["dry", "wet"])[MANY % 2], CLASSES),
    ],
    ids=[
        "strong",
        "unrelated",
        "many values",
        "nearly",
        "correlated",
        "constant",
        "empty",
        "text",
        "repeated text",
    ],
)
def test_a_good_feature_is_no_leak(kind: str, task: str, feature: Any, target: Any) -> None:
    if task == "classification":
        target = np.asarray(target).astype(str)
    sample = pd.DataFrame({"x": feature, "y": target})
    assert check_leakage(make_pair(kind, task), sample) == []


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_easy_data_sets_have_no_leak(name: str) -> None:
    data = getattr(datasets, f"load_{name}")()
    features = [f"x{place}" for place in range(data.data.shape[1])]
    is_regression = name == "diabetes"
    spec = make_spec(
        target={"column": "y", "task": "regression" if is_regression else "classification"},
        columns=[
            *({"name": column, "kind": "number"} for column in features),
            {"name": "y", "kind": "number" if is_regression else "integer"},
        ],
        promotion={},
    )
    sample = pd.DataFrame(data.data, columns=features).assign(y=data.target)
    assert find_leaks(spec, sample) == []


@pytest.mark.parametrize("kind", ["category", "text", "integer"])
@pytest.mark.parametrize(
    "sizes", [(500, 491, 9), (992, 8)], ids=["a rare class", "all but one rare"]
)
def test_a_copy_is_found_though_a_class_is_rare(kind: str, sizes: tuple[int, ...]) -> None:
    classes = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    copy = classes * 7 if kind == "integer" else np.array(["p", "q", "r"])[classes]
    sample = pd.DataFrame({"x": copy, "y": classes.astype(str)})
    with pytest.raises(LeakageError, match="Received: 'x'"):
        check_leakage(make_pair(kind, "classification"), sample)


@pytest.mark.parametrize("sizes", [(500, 491, 9), (992, 8)], ids=["a rare class", "two"])
def test_a_good_feature_is_no_leak_though_a_class_is_rare(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    classes = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    sample = pd.DataFrame({"x": classes + random.normal(size=1_000), "y": classes.astype(str)})
    assert check_leakage(make_pair("number", "classification"), sample) == []


def test_only_the_beginning_of_a_text_is_held() -> None:
    spec = make_pair("text", "classification")
    frame = pd.DataFrame(
        {
            "x": pd.Series([f"{n:03d}" + "ä" * 1_000 for n in range(ROWS)], dtype="str"),
            "y": pd.Series(CLASSES.astype(str), dtype="str"),
            "row_id": np.arange(ROWS),
        }
    )
    plan = plan_rows(spec, read_in(frame, ROWS), has_parts=False)
    assert sample_training_rows(spec, plan)["x"].str.len().unique().tolist() == [TEXT_LENGTH]


def test_a_leak_only_warns_if_asked_to() -> None:
    sample = pd.DataFrame({"x": CLASSES, "y": CLASSES.astype(str)})
    warnings = check_leakage(make_pair("integer", "classification", leakage="warn"), sample)
    assert warnings == ["column 'x' alone determines the target: area under the ROC curve 1.0000"]


def test_lag_features_of_a_slow_series_are_no_leak() -> None:
    slow = np.arange(ROWS, dtype=float)
    spec = make_pair("number", "regression", lags=[{"column": "y", "lags": [1]}])
    sample = pd.DataFrame({"x": NUMBERS, "y": slow, "y_lag_1": slow - 1})
    assert check_leakage(spec, sample) == []


def test_few_rows_say_nothing() -> None:
    sample = make_frame(20).assign(income=lambda frame: (frame["repaid"] == "yes") * 1.0)
    assert check_leakage(make_spec(), sample) == []


@pytest.mark.parametrize(("parts", "is_leak"), [(["month"], True), ([], False)])
def test_a_time_put_together_from_the_target_is_no_feature(parts: list[str], is_leak: bool) -> None:
    columns = [
        {"name": "at", "kind": "datetime", "from_parts": ["year", "month", "day"], "parts": parts},
        {"name": "heat", "kind": "number"},
        {"name": "month", "kind": "category"},
    ]
    expected = (
        pytest.raises(LeakageError, match="target 'month'.*Received: column 'at'")
        if is_leak
        else nullcontext()
    )
    with expected:
        check_columns(make_composed_spec(columns))


def make_composed_spec(columns: list[dict[str, Any]]) -> PipelineSpec:
    """Build a spec as no file gives it, should files with such a time be refused before."""
    adapter = TypeAdapter(tuple[Column, ...])
    return PipelineSpec.model_construct(
        target=TargetSpec(column="month", task="classification"),
        columns=adapter.validate_python(tuple(columns)),
    )


def test_a_feature_that_is_the_negated_target_is_found() -> None:
    target = np.random.default_rng(0).normal(size=200)
    column = NumberColumn(name="negated", kind="number")
    assert explain(column, pd.Series(-target), None, target)


def test_columns_that_together_make_the_target_are_found() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.lognormal(size=300) for name in ("a", "b", "c", "d")})
    columns = [{"name": name, "kind": "number"} for name in (*frame, "y")]
    spec = make_spec(target={"column": "y", "task": "regression"}, columns=columns, promotion={})
    made = {
        "sum": frame["a"] + 3 * frame["c"],
        "difference": frame["a"] - frame["d"],
        "product": frame["b"] * frame["c"],
        "ratio": frame["b"] / frame["d"],
        "sum in parts": (frame["a"] + frame["b"]) / frame["c"],
    }
    found = {how: find_joint_leaks(spec, frame.assign(y=y)) for how, y in made.items()}
    assert {how: set(leaks[0][0]) for how, leaks in found.items()} == {
        "sum": {"a", "c"},
        "difference": {"a", "d"},
        "product": {"b", "c"},
        "ratio": {"b", "d"},
        "sum in parts": {"a", "b", "c"},
    }
    (warning,) = warn_of_joint_leaks(spec, frame.assign(y=made["sum"]))
    assert "together they are the target" in warning
    assert "give one of them `kind: ignore`" in warning
    noisy = frame["a"] + frame["c"] + random.normal(0, 0.2, 300)
    assert find_joint_leaks(spec, frame.assign(y=noisy)) == []


def test_one_far_row_explains_nothing_of_the_others() -> None:
    random = np.random.default_rng(0)
    target = random.normal(size=200)
    names = np.where(np.arange(200) < 10, "far", random.choice(["n", "s"], 200))
    target[:10] += 1e6
    column = CategoryColumn(name="k", kind="category")
    assert explain(column, pd.Series(names), None, target) == ""


def test_columns_that_only_rise_with_the_target_are_no_leak_and_its_own_parts_are() -> None:
    random = np.random.default_rng(0)
    trend = np.linspace(100, 150, 120)
    names = [f"c{place}" for place in range(12)]
    frame = pd.DataFrame({name: trend + random.normal(0, 2, 120) for name in names})
    columns = [{"name": name, "kind": "number"} for name in (*names, "y")]
    spec = make_spec(target={"column": "y", "task": "regression"}, columns=columns, promotion={})

    like_all = frame.mean(axis=1) + random.normal(0, 0.3, 120)
    assert find_joint_leaks(spec, frame.assign(y=like_all)) == []
    ((found, how),) = find_joint_leaks(spec, frame.assign(y=frame["c3"] - frame["c7"]))
    assert found == ("c3", "c7")
    assert how.endswith(": 1 c3 - 1 c7")
