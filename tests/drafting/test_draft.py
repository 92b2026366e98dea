"""What is guessed of a file somebody brings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.drafting.draft import draft_pipeline, list_doubts
from include.drafting.yaml_text import write_comment
from include.errors import SourceError, SpecError
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from tests.builders import make_frame


def draft(tmp_path: Path, frame: pd.DataFrame, target: str) -> PipelineSpec:
    source = tmp_path / "table.csv"
    frame.to_csv(source, index=False)
    return load_pipeline_spec(draft_pipeline("drafted", source, target, tmp_path))


def test_every_kind_of_column_is_recognised(tmp_path: Path):
    frame = make_frame(400).drop(columns="row_id")
    words = ["the parcel came late and wet", "all fine with it, thank you", "never again from here"]
    frame["comment"] = [f"{words[n % 3]} {n}" for n in range(len(frame))]
    frame["mail"] = [f"p{n}@example.org" for n in range(len(frame))]
    frame["empty"] = None
    frame["constant"] = 1
    frame["copy"] = frame["repaid"].map({"no": "N0", "yes": "Y1"})
    spec = draft(tmp_path, frame, "repaid")
    kinds = {column.name: column.kind for column in spec.columns}
    assert kinds == {
        "loan_id": "id",
        "age": "integer",
        "income": "number",
        "married": "boolean",
        "job": "category",
        "opened": "datetime",
        "repaid": "category",
        "comment": "text",
        "mail": "text",
        "empty": "ignore",
        "constant": "ignore",
        "copy": "ignore",
    }
    assert spec.column_by_name["mail"].private == "drop"
    assert spec.column_by_name["age"].nulls >= frame["age"].isna().mean()
    assert spec.target.task == "classification"
    text = (tmp_path / "drafted.yaml").read_text(encoding="utf-8")
    assert "LEAK?" in text
    assert "PERSONAL?" in text


def test_the_bounds_hold_what_was_seen(tmp_path: Path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(0, 1e-3, 300), "y": random.normal(-5e6, 1e5, 300)})
    spec = draft(tmp_path, frame, "y")
    for column in spec.columns:
        assert column.min <= frame[column.name].min()
        assert column.max >= frame[column.name].max()
    assert spec.target.task == "regression"


def test_parts_of_a_time_become_a_time_that_splits(tmp_path: Path):
    hours = pd.date_range("2024-01-01", periods=300, freq="h")
    frame = pd.DataFrame(
        {"year": hours.year, "month": hours.month, "day": hours.day, "hour": hours.hour}
    )
    frame["load"] = np.random.default_rng(0).normal(100, 10, 300)
    spec = draft(tmp_path, frame, "load")
    assert spec.column_by_name["time"].from_parts == ("year", "month", "day", "hour")
    assert (spec.split.method, spec.split.by) == ("time", "time")


def test_markers_of_missing_values_are_found(tmp_path: Path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": random.choice(["1", "NA", "3"], 60), "y": random.choice(["a", "b", "?"], 60)}
    )
    spec = draft(tmp_path, frame, "y")
    assert {"?", "NA"} <= set(spec.source.missing)
    assert spec.cleaning.missing_target == "drop"


def test_hostile_names_and_values_still_give_a_file_that_loads(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "<img src=x onerror=alert(1)>": range(50),
            "a: {b} # c": [f"v\n{n % 3}" for n in range(50)],
            "no": ["yes", "no"] * 25,
            "y": range(50),
        }
    )
    spec = draft(tmp_path, frame, "y")
    assert {column.name for column in spec.columns} == set(frame.columns)


def test_a_value_is_shortened_where_that_is_seen(tmp_path: Path):
    long = {"a": "x" * 300, "b": "y" * 300}
    frame = pd.DataFrame({"words": ["a", "b"] * 200, "size": range(400), "y": ["u", "w"] * 200})
    draft(tmp_path, frame.assign(words=frame["words"].map(long), y=["u", "u", "w", "w"] * 100), "y")
    text = next(tmp_path.rglob("drafted.yaml")).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "name: words" in line)
    assert f"{'x' * 59}… (200), {'y' * 59}… (200)" in line
    assert write_comment("'$1,078,802', " * 100).endswith("…")


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path):
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,2\n2,3\n", encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text("precious", encoding="utf-8")
    with pytest.raises(SpecError, match="must not be there yet"):
        draft_pipeline("mine", source, "b", tmp_path)
    assert mine.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("", "a", "a file with rows"),
        ("a,b\n", "a", "must hold rows"),
        ("a,b\n1,2\n", "c", "--target must name a column"),
    ],
    ids=["empty", "header only", "no such target"],
)
def test_a_file_that_cannot_be_profiled_says_why(tmp_path: Path, content, target, message):
    source = tmp_path / "t.csv"
    source.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        draft_pipeline("new", source, target, tmp_path)
    assert not (tmp_path / "new.yaml").exists()


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            {"false": 3_900, "true": 100},
            "CHECK: 'true' is 100 of 4,000 rows (2.5 %), about 15 of them to test on, and always "
            "answering 'false' is right in 97.5 %: look at average_precision",
        ),
        (
            {"0": 1_980, "1": 20},
            "CHECK: '1' is 20 of 2,000 rows (1 %), about 3 of them to test on, too few to tell",
        ),
        ({"a": 3_000, "b": 2_900, "c": 150}, "CHECK: 'c' is 150 of 6,050"),
        ({"false": 1_900, "true": 100}, ""),
        ({"a": 500, "b": 500, "c": 100}, ""),
    ],
    ids=["rare", "too few to test on", "one of three", "not so rare", "three, not so rare"],
)
def test_a_rare_class_is_said(tmp_path: Path, counts, said):
    random = np.random.default_rng(0)
    y = random.permutation(np.repeat(list(counts), list(counts.values())))
    spec = draft(tmp_path, pd.DataFrame({"x": random.normal(size=len(y)), "y": y}), "y")
    assert spec.compare_metric == "log_loss"
    doubts = list_doubts((tmp_path / "drafted.yaml").read_text(encoding="utf-8"))
    about = [line for line in doubts if line.startswith("y: ")]
    assert bool(about) is bool(said)
    assert all(said in line for line in about)
