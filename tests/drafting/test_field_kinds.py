"""Files in the shapes of public reports: none may be drafted in a way that trains silently wrong.

Each is read by ingest as it was drafted: no cell is refused but those that the draft names.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.drafting.draft import draft_pipeline
from include.drafting.file_form import FormHints
from include.drafting.order import Hints
from include.settings import load_settings
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.steps.ingest import build_reading_plan
from include.tables.store import TableStore

ROWS = 240
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(50, 10, ROWS)
LABELS = RANDOM.choice(["no", "yes"], ROWS)
DAYS = pd.Series(pd.date_range("2023-01-01", periods=ROWS))
SHUFFLED = RANDOM.permutation(ROWS)
ORDERS = [f"A{n:05}" for n in SHUFFLED]
SECONDS = 1_650_000_000 + 3600 * np.arange(ROWS)


def draft(
    data_root: Path, content: pd.DataFrame | str | bytes, name: str = "t.csv", **hints: Any
) -> tuple[PipelineSpec, str]:
    source = data_root / "sources" / "drafted" / name
    source.parent.mkdir(exist_ok=True)
    if isinstance(content, pd.DataFrame):
        content.to_csv(source, index=False)
    else:
        source.write_bytes(content.encode() if isinstance(content, str) else content)
    path = draft_pipeline("drafted", source, "y", data_root, **hints)
    return load_pipeline_spec(path), path.read_text(encoding="utf-8")


def count_ingested(spec: PipelineSpec) -> tuple[int, int]:
    """Count the rows that ingest reads and rejects."""
    settings = load_settings()
    plan = build_reading_plan(spec, settings, str)
    record = take_snapshot(TableStore(settings.data), spec.name, spec.source, plan)
    return record.raw.rows, record.rejected_rows


def table(target: Any = None, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({**columns, "x": X.round(2), "y": X * 2 if target is None else target})


def noise(scale: float = 20) -> Any:
    return RANDOM.normal(100, scale, ROWS).round(2)


def panel(stores: list[Any], days: int, order: str) -> pd.DataFrame:
    rows = [(store, day) for store in stores for day in range(days)]
    frame = pd.DataFrame(rows, columns=["store", "day"])
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D")
    frame["y"] = RANDOM.normal(100, 20, len(frame)).round(2)
    return frame.sort_values("day") if order == "time" else frame


SPLITS: dict[str, tuple[pd.DataFrame, str, str]] = {
    "newest first": (table(noise(), at=DAYS[::-1].to_numpy()), "time", "at"),
    "shuffled days": (table(noise(), at=DAYS[SHUFFLED].to_numpy()), "time", "at"),
    "panel by store": (panel([1, 2, 3, 4], 60, "store"), "time", "day"),
    "panel by time": (panel(["a", "b", "c"], 80, "time"), "time", "day"),
    "months": (table(noise(), at=pd.period_range("1990-01", periods=ROWS, freq="M")), "time", "at"),
    "months in digits": (
        table(noise(), at=[f"{1990 + n // 12}{n % 12 + 1:02d}" for n in range(ROWS)]),
        "time",
        "at",
    ),
    "seconds": (table(noise(), timestamp=SECONDS), "time", "timestamp"),
    "milliseconds": (table(noise(), ts=SECONDS * 1000), "time", "ts"),
    "microseconds": (table(noise(), created_at=SECONDS * 10**6), "time", "created_at"),
    "nanoseconds": (table(noise(), time=SECONDS * 10**9), "time", "time"),
    "seconds newest first": (table(noise(), epoch=SECONDS[::-1]), "time", "epoch"),
    "patients": (table(LABELS, patient_id=1000 + np.arange(ROWS) // 6), "group", "patient_id"),
    "users": (table(LABELS, userId=[f"u{n // 4}" for n in range(ROWS)]), "group", "userId"),
    "shops": (table(noise(), shop=[f"S{n % 40}" for n in range(ROWS)]), "group", "shop"),
    "long ids": (table(LABELS, who=[10**18 + n // 5 for n in range(ROWS)]), "group", "who"),
    "orders": (table(LABELS, order_id=ORDERS), "stratified", "order_id"),
    "orders, a number": (table(noise(), order_id=ORDERS), "hash", "order_id"),
    "no order": (table(noise(), k=RANDOM.integers(0, 9, ROWS)), "hash", "row_id"),
}


@pytest.mark.parametrize(("frame", "method", "by"), SPLITS.values(), ids=list(SPLITS))
def test_the_split_is_what_the_rows_are(data_root: Path, frame, method, by):
    spec, _ = draft(data_root, frame)
    assert (spec.split.method, spec.split.by) == (method, by)
    assert count_ingested(spec) == (len(frame), 0)


@pytest.mark.parametrize("name", ["panel by store", "panel by time"])
def test_the_series_of_a_panel_group_its_lags(data_root: Path, name):
    spec, text = draft(data_root, SPLITS[name][0])
    assert spec.cleaning.group_by == "store"
    assert spec.cleaning.lags[0].lags == (1, 2, 3, 7)
    assert spec.cleaning.horizon == 1
    assert "predicts 1 row ahead" in text


def test_two_names_of_one_series_are_told(data_root: Path):
    frame = panel(list(range(12)), 40, "time")
    frame["item"] = frame["store"].mod(4).map("i{}".format)
    frame["store"] = frame["store"].floordiv(4).map("s{}".format)
    spec, text = draft(data_root, frame)
    assert (spec.split.method, spec.cleaning.group_by, spec.cleaning.lags) == ("time", None, ())
    assert "CHECK: store (3) and item (4) together name 12 series" in text


def test_a_class_that_comes_late_is_told_with_what_to_do(data_root: Path):
    target = np.where(np.arange(ROWS) > 220, "new", LABELS)
    _, text = draft(data_root, table(target, at=DAYS))
    assert "NOT YET: target 'y': expected training rows of every class. Received: none of " in text


@pytest.mark.parametrize(
    ("target", "scale"),
    [(RANDOM.lognormal(8, 2, ROWS).round(2), "log"), (noise() * 100, "standard")],
    ids=["long-tailed", "even"],
)
def test_a_long_tailed_target_is_learned_as_a_logarithm(data_root: Path, target, scale):
    spec, text = draft(data_root, table(target))
    assert spec.target_column.scale == scale
    assert ("learned as a logarithm" in text) == (scale == "log")


def with_cell(values: Any, place: int, text: str) -> list[str]:
    texts = [str(value) for value in values]
    texts[place] = text
    return texts


MISFITS: dict[str, tuple[Any, int, str, str]] = {
    "total among days": (DAYS.dt.date, ROWS - 1, "Grand Total", "datetime"),
    "units row": (X.round(2), 0, "mm/day", "number"),
    "word among numbers": (SHUFFLED % 90, 7, "see note", "integer"),
    "word among answers": (LABELS, 9, "unclear", "boolean"),
    "word among prices": ([f"${n}.50" for n in SHUFFLED], 5, "free", "number"),
}


@pytest.mark.parametrize(("values", "place", "odd", "kind"), MISFITS.values(), ids=list(MISFITS))
def test_one_cell_costs_no_column_its_kind_and_is_named(data_root: Path, values, place, odd, kind):
    spec, text = draft(data_root, table(noise(), odd=with_cell(values, place, odd)))
    assert (spec.column_by_name["odd"].kind, spec.column_by_name["odd"].quarantine) == (kind, True)
    assert f"line {place + 2}: '{odd}'" in text
    assert count_ingested(spec) == (ROWS - 1, 1)


VALUES: dict[str, tuple[Any, str, Callable[[Any], bool]]] = {
    "leading zeros": ([f"{n % 30:05d}" for n in range(ROWS)], "category", lambda _: True),
    "19 digits": ([10**18 + 7 * n for n in SHUFFLED], "id", lambda one: one.unique),
    "letters in other case": (RANDOM.choice(["Male", "male", "MALE"], ROWS), "category", bool),
    "far number": (np.where(SHUFFLED < 20, -9999, X.round(1)), "number", lambda c: c.min > -99),
    "nines": (np.where(SHUFFLED < 9, 999, X.round()), "number", lambda c: c.max < 200),
    "repeated word": (np.where(SHUFFLED < 9, "unknown", X.round(1)), "number", lambda c: c.nulls),
    "frequent None": (RANDOM.choice(["None", "a", "b"], ROWS), "category", lambda c: c.missing),
    "nearly empty": (np.where(SHUFFLED < 9, X.round(1), np.nan), "number", lambda c: c.nulls < 1),
    "thousands or decimals": (
        [f"{n}.{n + 100}" if n % 3 else str(n) for n in range(1, ROWS + 1)],
        "integer",
        lambda c: c.thousands == ".",
    ),
    "three digits only": ([f"{n}.{n + 100}" for n in range(1, ROWS + 1)], "number", bool),
    "durations": ([f"{n % 24:02d}:{n % 60:02d}" for n in range(ROWS)], "ignore", bool),
}


@pytest.mark.parametrize(("values", "kind", "holds"), VALUES.values(), ids=list(VALUES))
def test_values_keep_their_meaning(data_root: Path, values, kind, holds, request):
    spec, text = draft(data_root, table(noise(), odd=values))
    column = spec.column_by_name["odd"]
    assert column.kind == kind
    assert holds(column)
    undoubted = {"leading zeros", "19 digits", "nearly empty"}
    assert ("CHECK" in text) == (request.node.callspec.id not in undoubted)
    assert count_ingested(spec) == (ROWS, 0)


TARGETS: dict[str, tuple[Any, str, list[str] | None]] = {
    "class called None": (RANDOM.choice(["None", "b"], ROWS), "classification", ["None", "b"]),
    "class called NA": (with_cell(LABELS, 5, "NA"), "classification", ["NA", "no", "yes"]),
    "numbered classes": (np.arange(ROWS) % 24, "classification", [str(n) for n in range(24)]),
    "float codes": (np.where(LABELS == "no", 0.0, 1.0), "classification", ["0", "1"]),
    "counts": (RANDOM.poisson(40, ROWS), "regression", None),
    "far numbers": (np.where(SHUFFLED < 12, -9999.0, noise()), "regression", None),
    "thousands": ([f"{n:,}" for n in RANDOM.integers(90, 9_000, ROWS)], "regression", None),
}


@pytest.mark.parametrize(("target", "task", "classes"), TARGETS.values(), ids=list(TARGETS))
def test_the_target_is_what_it_says(data_root: Path, target, task, classes):
    spec, _ = draft(data_root, table(target))
    assert spec.target.task == task
    if classes:
        assert list(spec.target_column.values) == classes
    else:
        assert spec.target_column.min > -2_000
    assert count_ingested(spec) == (ROWS, 0)


def test_columns_whose_sum_is_the_target_are_left_out(data_root: Path):
    casual, registered = RANDOM.integers(0, 900, ROWS), RANDOM.integers(0, 3000, ROWS)
    spec, text = draft(data_root, table(casual + registered, casual=casual, registered=registered))
    kinds = [spec.column_by_name[name].kind for name in ("casual", "registered", "x")]
    assert kinds == ["ignore", "ignore", "number"]
    assert "together they are the target" in text


def test_the_only_other_column_stays_a_feature(data_root: Path):
    frame = pd.DataFrame({"years": np.arange(60), "y": 1000 + 70 * np.arange(60)})
    spec, text = draft(data_root, frame)
    assert spec.column_by_name["years"].kind == "integer"
    assert spec.cleaning.leakage == "warn"
    assert "LEAK?" in text


def test_equal_rows_are_kept_and_said(data_root: Path):
    frame = pd.DataFrame({"x": np.arange(ROWS) % 7, "y": LABELS})
    spec, text = draft(data_root, frame)
    assert spec.cleaning.duplicates == "keep"
    assert "rows equal another in every column and are kept" in text


WRITTEN = {
    "Excel's line": ("t.csv", "sep=;\n", ";"),
    "blanks": ("t.csv", "", " "),
    "single quotes": ("t.csv", "", "','"),
}


@pytest.mark.parametrize(("name", "head", "mark"), WRITTEN.values(), ids=list(WRITTEN))
def test_a_file_is_read_as_it_is_written(data_root: Path, name, head, mark):
    quote = "'" if mark == "','" else ""
    rows = [("a", "y"), *((n % 7, LABELS[n]) for n in range(ROWS))]
    text = head + "".join(f"{quote}{a}{mark}{y}{quote}\n" for a, y in rows)
    spec, _ = draft(data_root, text, name)
    assert {column.name: column.kind for column in spec.columns} == {
        "a": "integer",
        "y": "category",
    }
    assert count_ingested(spec) == (ROWS, 0)


def test_what_a_person_knows_better_is_taken(data_root: Path):
    frame = table(RANDOM.integers(0, 5, ROWS), at=DAYS, k=np.arange(ROWS) % 30)
    hints = Hints(task="regression", group="k")
    text = frame.to_csv(index=False, sep=";").encode("cp1252")
    spec, _ = draft(data_root, text, hints=hints, form_hints=FormHints("cp1252", ";"))
    assert (spec.target.task, spec.split.method, spec.split.by) == ("regression", "group", "k")
    assert (spec.source.encoding, spec.source.separator) == ("cp1252", ";")


def test_a_duration_of_parquet_is_read_in_seconds(data_root: Path, tmp_path: Path):
    frame = table(noise(), lasted=pd.to_timedelta(RANDOM.integers(60, 9000, ROWS), unit="s"))
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, index=False)
    spec, _ = draft(data_root, path.read_bytes(), "t.parquet")
    assert spec.column_by_name["lasted"].kind == "integer"
    assert count_ingested(spec) == (ROWS, 0)
