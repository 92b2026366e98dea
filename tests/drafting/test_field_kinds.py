"""Files in the shapes of public reports: none may be drafted in a way that trains silently wrong.

Each is read by ingest as it was drafted: no cell is refused but those that the draft names.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.drafting.draft import draft_pipeline
from include.drafting.file_form import FormHints
from include.drafting.order import Hints
from include.quality.gate import run_gate
from include.settings import load_settings
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.steps.ingest import build_reading_plan
from include.tables.local_files import open_local_files
from include.tables.store import TableStore, iter_batches

ROWS = 240
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(50, 10, ROWS)
LABELS = RANDOM.choice(["no", "yes"], ROWS)
DAYS = pd.Series(pd.date_range("2023-01-01", periods=ROWS))
SHUFFLED = RANDOM.permutation(ROWS)
KINDS = RANDOM.choice(["r", "g", "b"], ROWS)
FIRST, SECOND = RANDOM.integers(0, 2, ROWS), RANDOM.integers(0, 2, ROWS)
ORDERS = [f"A{n:05}" for n in SHUFFLED]
HOURS = pd.date_range("2024-01-01", periods=ROWS, freq="h")
BERLIN = pd.date_range("2024-10-20", periods=ROWS, freq="h", tz="Europe/Berlin")
LASTING = np.cumsum(RANDOM.normal(0, 1, ROWS)).round(2)
LIVES = (40, 25, 60, 10, 35, 20, 50)
UNIT = np.repeat(np.arange(len(LIVES)), LIVES)
CYCLE = np.concatenate([np.arange(life) for life in LIVES])
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


@pytest.fixture(autouse=True)
def _draws_of_its_own() -> None:
    """Draw the same for a test, whichever ran before it."""
    RANDOM.bit_generator.state = np.random.default_rng(4).bit_generator.state


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
    "days of the year": (table(noise(), at=DAYS.dt.strftime("%Y-%j")), "time", "at"),
    "days of the year in digits": (table(noise(), at=DAYS.dt.strftime("%Y%j")), "time", "at"),
    "days in six digits": (table(noise(), at=DAYS.dt.strftime("%y%m%d")), "time", "at"),
    "bills of a year": (
        table(noise(), bill_no=DAYS.dt.strftime("%Y-%j")[SHUFFLED].to_numpy()),
        "hash",
        "bill_no",
    ),
    "seconds": (table(noise(), timestamp=SECONDS), "time", "timestamp"),
    "milliseconds": (table(noise(), ts=SECONDS * 1000), "time", "ts"),
    "microseconds": (table(noise(), created_at=SECONDS * 10**6), "time", "created_at"),
    "nanoseconds": (table(noise(), time=SECONDS * 10**9), "time", "time"),
    "seconds newest first": (table(noise(), epoch=SECONDS[::-1]), "time", "epoch"),
    "years": (table(noise(), year=1780 + np.arange(ROWS)), "time", "year"),
    "months beside years": (
        table(noise(), year=2000 + np.arange(ROWS) // 12, month=np.arange(ROWS) % 12 + 1),
        "time",
        "year",
    ),
    "countries by year": (
        table(noise(), land=[f"C{n // 10}" for n in range(ROWS)], year=2010 + np.arange(ROWS) % 10),
        "time",
        "year",
    ),
    "time of day in a column of its own": (
        table(noise(), day=HOURS.strftime("%Y-%m-%d"), clock=HOURS.strftime("%H:%M")),
        "time",
        "day",
    ),
    "autumn hour": (table(noise(), at=BERLIN.strftime("%Y-%m-%d %H:%M")), "time", "at"),
    "offsets": (table(noise(), at=BERLIN.strftime("%Y-%m-%dT%H:%M:%S%z")), "time", "at"),
    "some two ways": (
        table(noise(), at=[f"{day:{['%d.%m.%Y', '%Y-%m-%d'][day.day % 2]}}" for day in DAYS]),
        "time",
        "at",
    ),
    "players": (table(LABELS, player=1 + np.arange(ROWS) // 6), "group", "player"),
    "records": (table(LABELS, MRN=[f"{n // 6}" for n in range(ROWS)]), "group", "MRN"),
    "German ids": (
        table(LABELS, Kundennummer=7 + np.arange(ROWS) // 4),
        "group",
        "Kundennummer",
    ),
    "ids read as floats": (
        table(LABELS, customer_id=1000.0 + np.arange(ROWS) // 6),
        "group",
        "customer_id",
    ),
    "patients": (table(LABELS, patient_id=1000 + np.arange(ROWS) // 6), "group", "patient_id"),
    "Spanish ids": (table(LABELS, id_paciente=1000 + np.arange(ROWS) // 6), "group", "id_paciente"),
    "Spanish names": (
        table(LABELS, paciente=[f"P{n // 6}" for n in range(240)]),
        "group",
        "paciente",
    ),
    "subjects of a trial": (table(LABELS, SUBJID=1000 + np.arange(ROWS) // 6), "group", "SUBJID"),
    "users": (table(LABELS, userId=[f"u{n // 4}" for n in range(ROWS)]), "group", "userId"),
    "shops": (table(noise(), shop=[f"S{n % 40}" for n in range(ROWS)]), "group", "shop"),
    "long ids": (table(LABELS, who=[10**18 + n // 5 for n in range(ROWS)]), "group", "who"),
    "orders": (table(LABELS, order_id=ORDERS), "stratified", "order_id"),
    "orders, a number": (table(noise(), order_id=ORDERS), "hash", "order_id"),
    "weeks of stores": (
        table(LABELS, store=list("abcd") * 60, week=np.arange(ROWS) // 4),
        "time",
        "week",
    ),
    "few years of many firms": (
        table(noise(), firm=np.arange(ROWS) // 6, year=1980 + np.arange(ROWS) % 6),
        "time",
        "year",
    ),
    "years in two digits": (
        table(noise(), county=np.arange(ROWS) // 8, year=60 + np.arange(ROWS) % 8),
        "time",
        "year",
    ),
    "years as fractions": (table(LASTING, time=1900 + np.arange(ROWS) / 12), "time", "time"),
    "hours by day of the year": (table(LASTING, yday=10 + np.arange(ROWS) // 24), "time", "yday"),
    "engines until they fail": (table(LASTING, unit=UNIT, cycle=CYCLE), "group", "unit"),
    "visits of patients": (
        table(noise(), patient=np.arange(ROWS) // 6, week=np.arange(ROWS) % 6),
        "group",
        "patient",
    ),
    "no order": (table(noise(), k=RANDOM.integers(0, 9, ROWS)), "hash", "row_id"),
    "stores read as floats": (panel([1.0, 2.0, 3.0, 4.0], 60, "store"), "time", "day"),
    "a few equal times": (
        table(noise(), at=DAYS[np.arange(ROWS) // 1.05].to_numpy(), sex=LABELS),
        "time",
        "at",
    ),
    "times until death, by sex": (
        table(LABELS, time=1 + SHUFFLED // 1.05 // 1, sex=np.arange(ROWS) % 2),
        "stratified",
        "row_id",
    ),
    "names that are digits": (
        table(LABELS, **{"0": SHUFFLED % 50, "1": 1700 + SHUFFLED % 99}),
        "stratified",
        "row_id",
    ),
    "what was paid": (table(LABELS, paid=10 * (SHUFFLED % 50)), "stratified", "row_id"),
    "ids in small letters": (table(LABELS, userid=SHUFFLED % 50), "group", "userid"),
    "names in Cyrillic": (table(LABELS, возраст=18 + SHUFFLED % 50), "stratified", "row_id"),
    "names of which some have letters": (
        table(LABELS, subject=[f"{n // 6}{'a' if n % 72 > 65 else ''}" for n in range(ROWS)]),
        "group",
        "subject",
    ),
}


@pytest.mark.parametrize(("frame", "method", "by"), SPLITS.values(), ids=list(SPLITS))
def test_the_split_is_what_the_rows_are(data_root: Path, frame, method, by):
    spec, _ = draft(data_root, frame)
    assert (spec.split.method, spec.split.by) == (method, by)
    assert count_ingested(spec) == (len(frame), 0)


def test_a_column_that_tells_a_few_equal_times_apart_is_no_series(data_root: Path):
    spec, _ = draft(data_root, SPLITS["a few equal times"][0])
    assert spec.cleaning.group_by is None


@pytest.mark.parametrize("name", ["panel by store", "panel by time", "stores read as floats"])
def test_the_series_of_a_panel_group_its_lags(data_root: Path, name):
    spec, text = draft(data_root, SPLITS[name][0])
    assert spec.cleaning.group_by == "store"
    assert spec.cleaning.lags[0].lags == (1, 2, 3, 7)
    assert spec.cleaning.horizon == 1
    assert spec.model.change_from == "y_lag_1"
    assert "predicts 1 row ahead" in text


def test_hundreds_of_series_are_found_though_their_number_is_estimated(data_root: Path):
    frame = panel(list(range(1, 739)), 8, "store").assign(day=lambda f: f["day"].dt.day + 1982)
    spec, text = draft(data_root, frame.rename(columns={"day": "year", "store": "firm"}))
    assert (spec.split.by, spec.cleaning.group_by) == ("year", "firm")
    assert "CHECK: year is a number that is taken for the time" in text
    assert spec.column_by_name["year"].max is None
    assert re.search(r"names the series: about \d+ values", text)


def test_two_names_of_one_series_are_told(data_root: Path):
    frame = panel(list(range(12)), 40, "time")
    frame["item"] = frame["store"].mod(4).map("i{}".format)
    frame["store"] = frame["store"].floordiv(4).map("s{}".format)
    spec, text = draft(data_root, frame)
    assert (spec.split.method, spec.cleaning.group_by, spec.cleaning.lags) == ("time", None, ())
    assert "CHECK: store (3) and item (4) together name 12 series" in text


COUNTED = {
    "steps": (table(noise(), step=np.arange(ROWS)), "step (240 values) may count time"),
    "month and day": (
        table(noise(), month=5 + np.arange(ROWS) // 31, day=1 + np.arange(ROWS) % 31),
        "month, day may be parts of a time",
    ),
    "Excel's days": (table(LABELS, date=45_000 + SHUFFLED), "date (240 values) may count time"),
    "Excel's days without a name": (table(noise(), k=45_000 + np.arange(ROWS)), "k (rises like"),
    "seconds without a name": (
        table(noise(), k=SECONDS[SHUFFLED]),
        "k (2022-04-15 … 2022-04-25 if they are Unix s) may count time",
    ),
    "few years": (table(noise(), Year=2020 + SHUFFLED % 4), "Year (4 values) may count time"),
    "few days": (table(LABELS, on=DAYS[SHUFFLED % 8].to_numpy()), "on (8 times) may count time"),
    "times with gaps": (
        table(noise(), on=np.where(SHUFFLED < 60, "", DAYS.dt.strftime("%Y-%m-%d"))),
        "on is a time in 180 of 240 rows: if it orders them, fill it",
    ),
    "seconds with gaps": (
        table(noise(), ts=[second if n % 9 else "" for n, second in enumerate(SECONDS)]),
        "ts is a time in 213 of 240 rows: if it orders them, fill it",
    ),
    "years in two digits, of two centuries": (
        table(noise(), on=pd.date_range("1960-01-01", periods=ROWS, freq="MS").strftime("%b-%y")),
        "on (240 times) may count time",
    ),
    "no column at all": (
        table(LASTING),
        "the target is like that of the row before (correlation 0.9",
    ),
}


@pytest.mark.parametrize(("frame", "hint"), COUNTED.values(), ids=list(COUNTED))
def test_an_order_in_time_that_no_time_tells_is_marked(data_root: Path, frame, hint):
    spec, text = draft(data_root, frame)
    assert spec.split.method in {"hash", "stratified"}
    assert f"CHECK: {hint}" in text


def test_an_amount_of_minutes_counts_no_time(data_root: Path):
    _, text = draft(data_root, table(noise(), total_day_minutes=SHUFFLED, num_weeks=SHUFFLED % 90))
    assert "may count time" not in text


def test_a_count_of_time_that_is_asked_for_orders_the_rows_as_a_number(data_root: Path):
    frame = table(noise(), step=SHUFFLED)
    spec, _ = draft(data_root, frame, hints=Hints(time="step"))
    assert (spec.split.method, spec.split.by) == ("time", "step")
    assert spec.column_by_name["step"].kind == "integer"
    assert count_ingested(spec) == (ROWS, 0)


def test_seconds_that_a_person_names_are_a_time(data_root: Path):
    spec, _ = draft(data_root, table(noise(), k=SECONDS[SHUFFLED]), hints=Hints(time="k"))
    assert (spec.column_by_name["k"].format, spec.split.by) == ("unix_s", "k")
    assert spec.cleaning.lags[0].lags == (1, 2, 3, 24)


def test_of_day_and_month_the_reading_that_orders_the_rows_is_taken(data_root: Path):
    days = [one for one in pd.date_range("2010-01-01", periods=3 * ROWS) if one.day <= 12][:ROWS]
    spec, text = draft(data_root, table(noise(), at=[f"{day:%m/%d/%Y}" for day in days]))
    assert spec.column_by_name["at"].format == "%m/%d/%Y"
    last = f"{days[-1]:%Y-%m-%d}"
    assert "CHECK: %d/%m/%Y fits as well (2010-01-01 … 2011-12-08; as taken: " in text
    assert f"2010-01-01 … {last}, in order)" in text


def test_zones_in_some_rows_only_are_told(data_root: Path):
    times = [f"{hour:%Y-%m-%dT%H:%M:%S}{'+01:00' if hour.hour % 2 else ''}" for hour in HOURS]
    _, text = draft(data_root, table(noise(), at=times))
    assert "CHECK: 120 of 240 say their zone; the others are read as UTC" in text


def test_three_names_of_one_series_are_told(data_root: Path):
    frame = panel(list(range(24)), 20, "time")
    frame = frame.assign(a=frame["store"] % 2, b=frame["store"] // 2 % 3, c=frame["store"] // 6)
    _, text = draft(data_root, frame.drop(columns="store"))
    assert "CHECK: a (2) and b (3) and c (4) together name 24 series" in text


def test_repeated_rows_that_hide_a_series_are_told(data_root: Path):
    frame = panel(list("abcd"), 60, "store")
    _, text = draft(data_root, pd.concat([frame, frame.head(20)]))
    assert "CHECK: store would name the series but for 20 repeated rows" in text


def test_rows_that_only_an_id_tells_apart_are_counted(data_root: Path):
    rows = pd.DataFrame({"x": np.arange(ROWS) + 0.5, "y": LABELS})
    twice = pd.concat([rows, rows.head(60)])
    _, text = draft(data_root, twice.assign(id=np.arange(len(twice))))
    assert "CHECK: 60 rows equal another but for id: if they are the same thing again" in text


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


def test_years_in_two_digits_that_lie_ahead_are_told(data_root: Path):
    months = pd.date_range("1949-01-01", periods=ROWS, freq="MS").strftime("%b-%y")
    spec, text = draft(data_root, table(noise(), at=months))
    assert spec.split.by == "at"
    assert "CHECK: years in two digits are read as 1969 to 2068" in text
    assert "2049-01-01 … 2068-12-01, in order" in text


WRITTEN_TIMES = [
    *("%d/%m/%y %H:%M", "%y-%m-%d %H:%M", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %I:%M:%S %p"),
    *("%H:%M %d.%m.%Y", "%d/%m/%Y %H.%M", "%b %d %Y"),
    *("%B %d, %Y %H:%M", "%d-%b-%y %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M"),
    *("%a %b %d %H:%M:%S +0000 %Y", "%a, %d %b %Y %H:%M:%S +0000", "%d/%b/%Y:%H:%M:%S +0000"),
    "%Y-%m-%d %H:%M:%S,123",
    *("%a %d %b %Y %H:%M", "%b %d, %Y, %I:%M:%S %p", "%d/%m/%Y, %H:%M:%S", "%H:%M:%S %d/%m/%Y"),
    *("%m/%d/%Y %H:%M:%S.123", "%d-%B-%Y %H:%M", "%m/%d/%Y %H:%M:%S +0100", "%I:%M %p %m/%d/%Y"),
]


@pytest.mark.parametrize("written", WRITTEN_TIMES)
def test_times_order_the_rows_however_they_are_written(data_root: Path, written):
    spec, _ = draft(data_root, table(noise(), at=HOURS.strftime(written)))
    assert (spec.split.method, spec.split.by) == ("time", "at")
    assert count_ingested(spec) == (ROWS, 0)


WRITTEN_MONTHS = ["%B-%Y", "%YM%m", "%b-%y", "%B %Y", "%Y %b", "%m/%Y", "%m-%Y", "%m.%Y"]


@pytest.mark.parametrize("written", WRITTEN_MONTHS)
def test_months_order_the_rows_however_they_are_written(data_root: Path, written):
    months = pd.date_range("1995-01-01", periods=ROWS, freq="MS")
    spec, _ = draft(data_root, table(noise(), at=months.strftime(written)))
    assert (spec.split.method, spec.split.by) == ("time", "at")
    assert spec.cleaning.lags[0].lags == (1, 2, 3, 12)
    assert count_ingested(spec) == (ROWS, 0)


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
    "other form among thousands": ([f"{n * 97:,}" for n in SHUFFLED], 5, "1,2345", "integer"),
    "unit in one cell": (X.round(1), 3, "5 kg", "number"),
    "end of a file of DOS": (X.round(1), ROWS - 1, "\x1a", "number"),
}


@pytest.mark.parametrize(("values", "place", "odd", "kind"), MISFITS.values(), ids=list(MISFITS))
def test_one_cell_costs_no_column_its_kind_and_is_named(data_root: Path, values, place, odd, kind):
    spec, text = draft(data_root, table(noise(), odd=with_cell(values, place, odd)))
    assert (spec.column_by_name["odd"].kind, spec.column_by_name["odd"].quarantine) == (kind, True)
    assert f"line {place + 2}: {odd!r}" in text
    assert count_ingested(spec) == (ROWS - 1, 1)


TOTALS = {
    "at the end": ["Total,1,9000"],
    "two languages": ["Grand Total,1,9000", "Summe,1,9000"],
    "of parts": ["a Total,1,4000", "b total,1,4000"],
    "at the top": ["Total:,1,9000"],
    "of a pivot table": ["Gesamtergebnis,1,9000"],
    "in Russian": ["Итого,1,9000"],
}


def test_a_number_far_from_all_others_is_told_however_large_they_are(data_root: Path):
    values = (1e20 * (1 + X / 100)).tolist()
    values[7] = 1e27
    _, text = draft(data_root, table(mass=values))
    assert "lies far from all others (next 1." in text


@pytest.mark.parametrize("lines", TOTALS.values(), ids=list(TOTALS))
def test_lines_of_totals_are_named_and_go_to_quarantine(data_root: Path, lines, request):
    head, *rows = table(noise(), k=RANDOM.choice(["a", "b"], ROWS)).to_csv(index=False).splitlines()
    is_first = request.node.callspec.id == "at the top"
    rows = [*lines, *rows] if is_first else [*rows, *lines]
    spec, text = draft(data_root, "\n".join([head, *rows]))
    column = spec.column_by_name["k"]
    assert column.quarantine
    assert list(column.values) == ["a", "b"]
    assert f"{len(lines)} of {len(rows)} rows do not fit and go to quarantine" in text
    assert spec.target_column.max < 1_000


def test_a_line_of_totals_among_numbered_rows_is_moved_by_the_gate(data_root: Path):
    frame = table(noise(), order=np.arange(1, ROWS + 1), k=SHUFFLED % 9)
    spec, text = draft(data_root, frame.to_csv(index=False) + "TOTAL,900,12000,24000\n")
    assert spec.column_by_name["order"].kind == "id"
    assert f"line {ROWS + 2}: 'TOTAL'" in text
    record = take_snapshot(
        TableStore(load_settings().data),
        spec.name,
        spec.source,
        build_reading_plan(spec, load_settings(), str),
    )
    with open_local_files(record.raw) as files:
        report = run_gate(spec, files, rejected=record.rejected_rows).report
    assert (report.quarantined, [one.severity for one in report.failures]) == (1, ["warning"])


@pytest.mark.parametrize(
    ("every", "word", "rows"),
    [(8, "a Total", 30), (ROWS, "Average", 1)],
    ids=["many subtotals", "average"],
)
def test_lines_that_sum_up_others_are_marked(data_root: Path, every: int, word: str, rows: int):
    names = [word if n % every == 0 else "ab"[n % 2] for n in range(ROWS)]
    _, text = draft(data_root, table(noise(), k=names))
    assert f"CHECK: {rows} rows such as '{word}' may sum up others" in text


def test_several_labels_in_one_cell_are_marked(data_root: Path):
    labels = ["a", "b", "c", "a|b", "a|c", "a|b|c"]
    _, text = draft(data_root, table(RANDOM.choice(labels, ROWS), tags=RANDOM.choice(labels, ROWS)))
    assert text.count("CHECK: 3 labels set apart by '|'") == 2


def test_a_line_without_its_time_fits_nowhere(data_root: Path):
    text = table(noise(), at=DAYS).to_csv(index=False) + ",9,24000\n"
    spec, drafted = draft(data_root, text)
    assert (spec.split.by, spec.column_by_name["at"].quarantine) == ("at", True)
    assert f"line {ROWS + 2}: ''" in drafted
    assert spec.target_column.max < 1_000


def sentinel(text: str) -> list[str]:
    return np.where(SHUFFLED < 9, text, DAYS.dt.strftime("%Y-%m-%d")).tolist()


VALUES: dict[str, tuple[Any, str, Callable[[Any], bool]]] = {
    "leading zeros": ([f"{n % 30:05d}" for n in range(ROWS)], "category", lambda _: True),
    "19 digits": ([10**18 + 7 * n for n in SHUFFLED], "id", lambda one: one.unique),
    "letters in other case": (RANDOM.choice(["Male", "male", "MALE"], ROWS), "category", bool),
    "far number": (np.where(SHUFFLED < 20, -9999, X.round(1)), "number", lambda c: c.min > -99),
    "minus one": (np.where(SHUFFLED < 9, -1, SHUFFLED % 40), "integer", lambda c: c.min == 0),
    "zero among none": (np.where(SHUFFLED < 9, 0, X.round(1)), "number", bool),
    "less far numbers": (np.where(SHUFFLED < 12, 88, 1 + SHUFFLED % 40), "integer", bool),
    "one far day": (
        np.where(SHUFFLED < 1, "2203-01-05", DAYS.dt.strftime("%Y-%m-%d")),
        "datetime",
        bool,
    ),
    "words among many numbers": (
        np.where(SHUFFLED < 30, "unknown", X.round(1)),
        "category",
        bool,
    ),
    "words among many days": (
        np.where(SHUFFLED < 30, "unknown", DAYS.dt.strftime("%Y-%m-%d")),
        "category",
        bool,
    ),
    "each number once": (1000 + SHUFFLED, "integer", bool),
    "one far number": (np.where(SHUFFLED < 1, 1e9, X.round(1)), "number", bool),
    "a total among numbers": (np.append(X[1:].round(2), X[1:].round(2).sum()), "number", bool),
    "never": (sentinel("9999-12-31"), "datetime", lambda c: "9999-12-31" in c.missing),
    "first day of Excel": (sentinel("1900-01-01"), "datetime", lambda c: c.nulls),
    "first day of Unix": (sentinel("1970-01-01"), "datetime", lambda c: c.nulls),
    "day of zeros": (sentinel("0000-00-00"), "datetime", lambda c: c.nulls and not c.quarantine),
    "some per cent": (
        [f"{n % 60}%" if n % 3 else f"0.{n % 60}" for n in range(ROWS)],
        "number",
        lambda c: c.unit == "%",
    ),
    "versions": ([f"1.{n % 12}" for n in range(ROWS)], "number", bool),
    "a mark or nothing": (np.where(SHUFFLED < 90, "x", ""), "ignore", bool),
    "codes that repeat": ([f"K{n % 40}" for n in range(ROWS)], "category", bool),
    "nines": (np.where(SHUFFLED < 9, 999, X.round()), "number", lambda c: c.max < 200),
    "repeated word": (np.where(SHUFFLED < 9, "unknown", X.round(1)), "number", lambda c: c.nulls),
    "frequent None": (RANDOM.choice(["None", "a", "b"], ROWS), "category", lambda c: c.missing),
    "nearly empty": (np.where(SHUFFLED < 9, X.round(1), np.nan), "number", lambda c: c.nulls < 1),
    "thousands or decimals": (
        [f"{n}.{n + 100}" if n % 3 else str(n) for n in range(1, ROWS + 1)],
        "integer",
        lambda c: c.thousands == ".",
    ),
    "thousands, some of them millions": (
        [f"${3_700 * n + 120_000:,}" for n in SHUFFLED],
        "integer",
        lambda c: (c.thousands, c.decimal, c.quarantine) == (",", ".", False),
    ),
    "three digits only": ([f"{n}.{n + 100}" for n in range(1, ROWS + 1)], "number", bool),
    "three digits behind a zero": (
        [f"{n % 3},{n + 100}" for n in range(ROWS)],
        "number",
        lambda c: c.max < 9,
    ),
    "one far number in two spellings": (
        np.where(SHUFFLED < 9, "-9999", np.where(SHUFFLED < 20, "-9999.0", X.round(1).astype(str))),
        "number",
        lambda c: c.min > -99 and {"-9999", "-9999.0"} <= set(c.missing),
    ),
    "three far numbers": (
        np.where(SHUFFLED < 30, -999 + 111 * (SHUFFLED % 3), X.round(1)),
        "number",
        lambda c: c.min > -99,
    ),
    "far numbers at both ends": (
        np.where(SHUFFLED < 30, np.where(SHUFFLED < 15, -9999, 9999), X.round(1)),
        "number",
        lambda c: -99 < c.min < c.max < 200,
    ),
    "marks of a survey": (
        np.where(SHUFFLED < 60, np.array([-9, -8, -1])[SHUFFLED % 3], SHUFFLED % 90),
        "integer",
        lambda c: c.min == 0,
    ),
    "99 among ages": (np.where(SHUFFLED < 20, 99, 18 + SHUFFLED % 50), "integer", bool),
    "97 to 99 among counts": (
        np.where(SHUFFLED < 30, 97 + SHUFFLED % 3, SHUFFLED % 60),
        "integer",
        bool,
    ),
    "88 among few": (np.where(SHUFFLED < 20, 88, 1 + SHUFFLED % 5), "integer", lambda c: c.max < 9),
    "9 among few": (np.where(SHUFFLED < 20, 9, 1 + SHUFFLED % 5), "integer", bool),
    "steps of an answer": (SHUFFLED % 7 - 3, "integer", lambda c: c.min < -3 and not c.missing),
    "prices": (np.array([9, 19, 29, 49, 99])[SHUFFLED % 5], "integer", lambda c: not c.missing),
    "few that lie apart": (
        np.array([1, 2, 3, 4, 24])[SHUFFLED % 5],
        "integer",
        lambda c: c.max > 24,
    ),
    "durations": ([f"{n % 24:02d}:{n % 60:02d}" for n in range(ROWS)], "ignore", bool),
}


@pytest.mark.parametrize(("values", "kind", "holds"), VALUES.values(), ids=list(VALUES))
def test_values_keep_their_meaning(data_root: Path, values, kind, holds, request):
    spec, text = draft(data_root, table(noise(), odd=values))
    column = spec.column_by_name["odd"]
    assert column.kind == kind
    assert holds(column)
    undoubted = {"19 digits", "nearly empty", "three digits behind a zero", "steps of an answer"}
    undoubted |= {"few that lie apart"}
    assert ("CHECK" in text) == (request.node.callspec.id not in undoubted)
    assert count_ingested(spec) == (ROWS, 0)


PRICES = RANDOM.uniform(100, 4_000, ROWS)
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
UNREAD: dict[str, list[str]] = {
    "brackets for minus": [f"{one:.2f}" if one > 1500 else f"({one:.2f})" for one in PRICES],
    "minus after": [f"{one:.2f}" if one > 1500 else f"{one:.2f}-" for one in PRICES],
    "printed minus": [f"\u2212{one:.2f}" for one in PRICES],
    "two currencies": [f"{'$' if n % 2 else '€'}{one:.2f}" for n, one in enumerate(PRICES)],
    "two units": [f"{one:.1f} {'kg' if n % 2 else 'g'}" for n, one in enumerate(PRICES)],
    "thousand and million": [f"{one:.2f}{'K' if n % 2 else 'M'}" for n, one in enumerate(PRICES)],
    "some in thousands": [f"{one / 1000:.1f}K" if one > 1000 else f"{one:.0f}" for one in PRICES],
    "by the month": [f"${one:,.0f}/mo" for one in PRICES],
    "per month": [f"€{one:.0f} per month" for one in PRICES],
    "stars in words": [f"{n % 50 / 10} out of 5 stars" for n in range(ROWS)],
    "or more": [f"{n * 5:,}+" for n in range(ROWS)],
    "less than": [f"{'<' if n % 9 == 0 else ''}{one:.2f}" for n, one in enumerate(PRICES)],
    "unit with a digit": [f"{one:.1f} m2" for one in PRICES],
    "hours and minutes": [f"{n % 5}h {n % 60}m" for n in range(ROWS)],
    "quarters": [f"{1960 + n // 4}Q{n % 4 + 1}" for n in range(ROWS)],
    "weeks": [f"{2000 + n // 52}-W{n % 52 + 1:02d}" for n in range(ROWS)],
    "quarters first": [f"Q{n % 4 + 1} {1960 + n // 4}" for n in range(ROWS)],
    "business years": [f"FY{1960 + n // 4}-Q{n % 4 + 1}" for n in range(ROWS)],
    "seasons": [f"{1700 + n}/{(1701 + n) % 100:02d}" for n in range(ROWS)],
    "few quarters": [f"2023Q{n % 4 + 1}" for n in range(ROWS)],
    "ordinals": [f"{day:%B} {day.day}th, {day:%Y}" for day in DAYS],
    "bracket after the currency": [f"$({one:,.2f})" for one in PRICES],
    "Excel's apostrophe": [f"'{one:.2f}" for one in PRICES],
    "Arabic digits": [f"{one:.0f}".translate(ARABIC) for one in PRICES],
    "months in German": [f"{n % 28 + 1}. Dezember {1980 + n % 40}" for n in range(ROWS)],
    "free": [f"${one:.2f}" if n % 5 else "Free" for n, one in enumerate(PRICES)],
    "Excel's zero": [f"$ {one:,.2f}" if n % 5 else "$ -" for n, one in enumerate(PRICES)],
    "of five": [f"{n % 50 / 10}/5" for n in range(ROWS)],
    "plus or minus": [f"{one:.1f} ± 0.5" for one in PRICES],
    "months and years in German": [
        f"{['Mär', 'Mai', 'Okt', 'Dez'][n % 4]} {1900 + n}" for n in range(ROWS)
    ],
    "day or month first": [f"{day:%d/%m/%Y}" if day.day % 2 else f"{day:%m/%d/%Y}" for day in DAYS],
}


@pytest.mark.parametrize("values", UNREAD.values(), ids=list(UNREAD))
def test_numbers_and_times_that_are_not_read_are_pointed_out(data_root: Path, values):
    spec, text = draft(data_root, table(noise(), odd=values))
    assert re.search("CHECK: (they|192 of them) look like", text)
    assert count_ingested(spec) == (ROWS, 0)


CODES = {
    "zip codes read as floats": ("zipcode", np.array(["2139.0", "10013.0"])[SHUFFLED % 2]),
    "counties": ("fips", np.array([1001, 36061, 48201])[SHUFFLED % 3]),
    "German": ("Postleitzahl", np.array([10115, 80331])[SHUFFLED % 2]),
    "French": ("code_postal", np.array([75001, 13001])[SHUFFLED % 2]),
    "Indian": ("pincode", np.array([560001, 110001])[SHUFFLED % 2]),
    "areas": ("area_code", np.array([415, 408, 510])[SHUFFLED % 3]),
}


@pytest.mark.parametrize(("name", "values"), CODES.values(), ids=list(CODES))
def test_codes_are_no_quantities(data_root: Path, name, values):
    spec, text = draft(data_root, table(noise(), **{name: values}))
    assert spec.column_by_name[name].kind == "category"
    assert "codes: by name" in text
    assert count_ingested(spec) == (ROWS, 0)


DOUBTED: dict[str, tuple[dict[str, Any], str]] = {
    "Namibia": (
        {"land": np.where(SHUFFLED < 5, "NA", np.array(["DE", "FR", "ZA"])[SHUFFLED % 3])},
        "CHECK: 'NA' in 5 rows is taken for missing, but looks like all other values",
    ),
    "few subjects": (
        {"subject": np.arange(ROWS) // 20},
        "CHECK: 12 values in 240 rows: if they name things, `--group` subject",
    ),
    "few that come again": (
        {"patient_id": np.where(SHUFFLED < 12, SHUFFLED + 100, SHUFFLED)},
        "CHECK: 12 rows more than names: if things come again, `--group` patient_id",
    ),
    "persons that come again": (
        {"mail": [f"anna{n // 6}@example.org" for n in range(ROWS)]},
        "CHECK: 40 in 240 rows: if persons come again, make it an `id` with `private: hash`",
    ),
    "one answer in two spellings": (
        {"y": np.array(["True", "1", "False", "0"])[SHUFFLED % 4]},
        "CHECK: the same in other letters? '0' (60), 'False' (60); '1' (60), 'True' (60)",
    ),
    "one class with a mark that is not seen": (
        {"y": np.array(["yes", "yes\u200b", "no"])[SHUFFLED % 3]},
        r"CHECK: the same in other letters? 'yes' (80), 'yes\u200b' (80)",
    ),
    "one letter in two codes": (
        {"y": np.array(["caf\u00e9", "cafe\u0301", "bar"])[SHUFFLED % 3]},
        "CHECK: the same in other letters? 'cafe\\u0301' (80), 'caf\u00e9' (80)",
    ),
    "one class with a dot": (
        {"y": np.array(["<=50K", "<=50K.", ">50K", ">50K."])[SHUFFLED % 4]},
        "CHECK: the same in other letters? '<=50K' (60), '<=50K.' (60)",
    ),
    "UTF-8 read as another encoding": (
        {"city": np.array(["M\u00fcnchen", "M\u00c3\u00bcnchen", "Ulm"])[SHUFFLED % 3]},
        "CHECK: the same in other letters? 'M\u00c3\u00bcnchen' (80), 'M\u00fcnchen' (80)",
    ),
    "many values in two spellings": (
        {"town": [f"{'Town' if n % 2 else 'town'} {n // 2 % 40}" for n in SHUFFLED]},
        "CHECK: the same in other letters? 'Town 0' (3), 'town 0' (3)",
    ),
    "days that were ranges": (
        {"size": np.array(["1-9", "10-20", "5-Oct"])[SHUFFLED % 3]},
        "CHECK: '5-Oct' in 80 rows may be what a spreadsheet made of it",
    ),
    "ids that a spreadsheet shortened": (
        {"account": [f"{1.2 + n / 1000:.2f}E+15" for n in range(ROWS)]},
        "CHECK: 240 of 240 are written like 1.44E+15, as spreadsheets shorten long numbers",
    ),
    "objects in cells": (
        {"meta": [f'"{{""k"": {n}}}"'.replace('""', '"')[1:-1] for n in range(ROWS)]},
        "CHECK: lists or objects, kept as texts: spread them over columns",
    ),
    "lists in cells": (
        {"tags": [str(["a", "b", "c", "d"][: n % 5]) for n in range(ROWS)]},
        "CHECK: lists or objects, kept as texts: spread them over columns",
    ),
    "cells that were one": (
        {"shop": [f"S{n}" if n % 30 == 0 else "" for n in range(ROWS)]},
        "CHECK: 8 values, each above empty cells, as cells that were joined are written",
    ),
    "a long table": (
        {"parameter": KINDS},
        "CHECK: if each row holds another of 3 things measured, give each a column of its own",
    ),
    "ISO durations": (
        {"lasted": [f"PT{n % 60}M{n % 50}S" for n in range(ROWS)]},
        "CHECK: durations or times of day, which are not read",
    ),
    "degrees and minutes": (
        {"lat": [f"{n % 90}\u00b0{n % 60}'N" for n in range(ROWS)]},
        "CHECK: they look like numbers in several spellings",
    ),
    "parts of a split": (
        {"usage": np.where(SHUFFLED < 40, "Test", "train")},
        "CHECK: names parts of a split that was made before",
    ),
}


@pytest.mark.parametrize(("columns", "doubt"), DOUBTED.values(), ids=list(DOUBTED))
def test_what_may_be_another_thing_is_marked(data_root: Path, columns, doubt):
    target = columns.get("y", LABELS)
    others = {name: values for name, values in columns.items() if name != "y"}
    spec, text = draft(data_root, table(target, **others))
    assert doubt in text
    assert count_ingested(spec) == (ROWS, 0)


def test_harmless_texts_are_not_marked(data_root: Path):
    frame = table(
        LABELS,
        size=np.array(["1-9", "10-20", "20+"])[SHUFFLED % 3],
        note=np.where(SHUFFLED < 30, "late", ""),
        remark=[f"remark {n}" if n < 40 else "" for n in SHUFFLED],
        sign=np.array(["+", "-.", "\u00c3"])[SHUFFLED % 3],
        current_no=[f"{1 + n / 100:.2f}e-06" for n in SHUFFLED],
    )
    _, text = draft(data_root, frame.drop(columns="note"))
    assert "CHECK" not in text


@pytest.mark.parametrize("every", [80, 10], ids=["three", "many"])
def test_lines_of_names_between_the_rows_are_told(data_root: Path, every: int):
    rows = [
        ("kind", "size", "y"),
        *zip(KINDS, RANDOM.choice(["s", "m"], ROWS), LABELS, strict=True),
    ]
    lines = [",".join(row) for row in rows]
    content = "\n".join(
        line for n, row in enumerate(lines[1:]) for line in ([lines[0]] * (n % every == 0) + [row])
    )
    _, text = draft(data_root, content)
    names = "the names 'kind', 'size', 'y' are values as well"
    assert f"CHECK: {names}, in {ROWS // every - 1} rows or more" in text


def test_a_first_row_taken_for_names_is_told(data_root: Path):
    rows = zip(KINDS, LABELS, strict=True)
    content = "\n".join(",".join(row) for row in rows)
    path = data_root / "sources" / "t.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    text = draft_pipeline("first", path, LABELS[0], data_root).read_text()
    assert "are values as well, in " in text


@pytest.mark.parametrize("names", [list("abcde"), [True, False]], ids=str)
def test_a_column_of_ranges_of_the_target_is_left_out(data_root: Path, names):
    target = noise()
    spec, text = draft(data_root, table(target, band=pd.qcut(target, len(names), labels=names)))
    assert spec.column_by_name["band"].kind == "ignore"
    assert f"LEAK? {len(names)} values of it stand for neighbouring ranges of the target" in text


def test_months_of_what_only_rises_are_no_ranges_of_the_target(data_root: Path):
    rising = 1000 + np.cumsum(RANDOM.integers(1, 20, ROWS))
    spec, _ = draft(data_root, table(rising, at=DAYS, month=DAYS.dt.strftime("%B")))
    assert spec.split.method == "time"
    assert spec.column_by_name["month"].kind == "category"


def test_kinds_that_lie_far_apart_are_no_ranges_of_the_target(data_root: Path):
    heavy = SHUFFLED % 2
    spec, _ = draft(data_root, table(noise() + 400 * heavy, animal=np.array(["a", "b"])[heavy]))
    assert spec.column_by_name["animal"].kind == "category"


def test_the_span_between_two_times_is_no_secret(data_root: Path):
    seconds = RANDOM.integers(60, 3000, ROWS)
    frame = table(seconds, start=HOURS, end=HOURS + pd.to_timedelta(seconds, unit="s"))
    spec, text = draft(data_root, frame)
    kinds = [spec.column_by_name[name].kind for name in ("start", "end")]
    assert (kinds, spec.split.by) == (["datetime", "ignore"], "start")
    assert "LEAK? the target is the span from start to end" in text


def test_a_total_of_many_columns_is_found(data_root: Path):
    parts = {f"v{n}": RANDOM.integers(0, 50, ROWS) for n in range(12)}
    spec, text = draft(data_root, table(sum(parts.values()), **parts))
    assert {spec.column_by_name[name].kind for name in parts} == {"ignore"}
    assert spec.column_by_name["x"].kind == "number"
    assert "1 v0 + 1 v1 + 1 v2 + 1 v3 and 8 more" in text


def test_a_price_less_its_discount_times_the_amount_is_found(data_root: Path):
    amount, price = RANDOM.integers(1, 20, ROWS), RANDOM.uniform(1, 99, ROWS).round(2)
    off = RANDOM.choice([0, 0.1, 0.2], ROWS)
    frame = table((amount * price * (1 - off)).round(2), amount=amount, price=price, off=off)
    spec, text = draft(data_root, frame)
    assert {spec.column_by_name[name].kind for name in ("amount", "price", "off")} == {"ignore"}
    assert "(1 - off)^1" in text


MADE: dict[str, Callable[[Any, Any], Any]] = {
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "product of either sign": lambda a, b: (a - 50.005) * b,
    "ratio": lambda a, b: a / b,
    "mean": lambda a, b: (a + b) / 2,
    "change in per cent": lambda a, b: (a - b) / b * 100,
    "product less a part": lambda a, b: a * (1 - b / 100),
    "rounded sum": lambda a, b: (a + b).round(),
    "noisy sum": lambda a, b: a + b + RANDOM.normal(0, 0.05, ROWS),
}


@pytest.mark.parametrize("make", MADE.values(), ids=list(MADE))
def test_columns_that_make_the_target_are_left_out(data_root: Path, make, request):
    is_signed = request.node.callspec.id == "product of either sign"
    a, b = RANDOM.normal(50, 9, ROWS).round(2), RANDOM.uniform(3, 20, ROWS).round(2)
    target = make(a, b)
    frame = table(np.asarray(target).round(3), a=a - 50.005 if is_signed else a, b=b)
    spec, text = draft(data_root, frame)
    assert [spec.column_by_name[name].kind for name in ("a", "b", "x")] == [
        *("ignore", "ignore"),
        "number",
    ]
    assert "together they are the target" in text


def test_a_product_with_more_than_rounding_is_none(data_root: Path):
    a, b = RANDOM.normal(50, 9, ROWS).round(2), RANDOM.uniform(-3, 20, ROWS).round(2)
    spec, _ = draft(data_root, table((a * b + RANDOM.normal(0, 5, ROWS)).round(2), a=a, b=b))
    assert [spec.column_by_name[name].kind for name in ("a", "b")] == ["number", "number"]


CLASSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a column for each class": (KINDS, {f"is_{one}": (one == KINDS) * 1 for one in "rgb"}),
    "for all classes but one": (KINDS, {f"is_{one}": one == KINDS for one in "rg"}),
    "either of two": (FIRST ^ SECOND, {"f": FIRST, "s": SECOND}),
    "larger of two": (
        np.sign(SHUFFLED % 4 - SHUFFLED // 4 % 4),
        {"h": SHUFFLED % 4, "a": SHUFFLED // 4 % 4},
    ),
}


@pytest.mark.parametrize(("target", "columns"), CLASSES.values(), ids=list(CLASSES))
def test_columns_that_together_give_the_class_away_are_left_out(data_root: Path, target, columns):
    spec, text = draft(data_root, table(target, **columns))
    kinds = {name: spec.column_by_name[name].kind for name in (*columns, "x")}
    assert kinds == {**dict.fromkeys(columns, "ignore"), "x": "number"}
    assert text.count("LEAK?") == len(columns)


@pytest.mark.parametrize("step", [10, 0.5])
def test_a_rounded_copy_of_the_target_is_left_out(data_root: Path, step: float):
    target = noise()
    spec, text = draft(data_root, table(target, copy=(target / step).round() * step))
    assert spec.column_by_name["copy"].kind == "ignore"
    assert f"it is the target rounded to {step:g}" in text


TARGETS: dict[str, tuple[Any, str, list[str] | None]] = {
    "class called None": (RANDOM.choice(["None", "b"], ROWS), "classification", ["None", "b"]),
    "class called NA": (with_cell(LABELS, 5, "NA"), "classification", ["NA", "no", "yes"]),
    "class called null": (RANDOM.choice(["null", "b"], ROWS), "classification", ["b", "null"]),
    "class called N/A": (RANDOM.choice(["N/A", "b"], ROWS), "classification", ["N/A", "b"]),
    "class called -": (RANDOM.choice(["-", "b"], ROWS), "classification", ["-", "b"]),
    "one class in two spellings": (
        RANDOM.choice(["0", "1", "1.0"], ROWS),
        "classification",
        ["0", "1"],
    ),
    "ratings": (1 + SHUFFLED % 5, "classification", list("12345")),
    "signs": (RANDOM.choice([-1, 1], ROWS), "classification", ["-1", "1"]),
    "money": ([f"${one:,.2f}" for one in PRICES], "regression", None),
    "per cent": ([f"{one % 60:.1f}%" for one in PRICES], "regression", None),
    "numbered classes": (np.arange(ROWS) % 24, "classification", [str(n) for n in range(24)]),
    "float codes": (np.where(LABELS == "no", 0.0, 1.0), "classification", ["0", "1"]),
    "counts": (RANDOM.poisson(40, ROWS), "regression", None),
    "far numbers": (np.where(SHUFFLED < 12, -9999.0, noise()), "regression", None),
    "thousands": ([f"{n:,}" for n in RANDOM.integers(90, 9_000, ROWS)], "regression", None),
    "German marks": (np.array(["1,0", "1,3", "5,0"])[SHUFFLED % 3], "classification", None),
    "stars": (np.array(["10 stars", "2 stars"])[SHUFFLED % 2], "classification", None),
}
SPELLED = {"German marks": ["1,0", "1,3", "5,0"], "stars": ["10 stars", "2 stars"]}


@pytest.mark.parametrize(("target", "task", "classes"), TARGETS.values(), ids=list(TARGETS))
def test_the_target_is_what_it_says(data_root: Path, target, task, classes, request):
    classes = classes or SPELLED.get(request.node.callspec.id)
    spec, text = draft(data_root, table(target))
    assert spec.target.task == task
    assert "NOT YET" not in text
    if classes:
        assert list(spec.target_column.values) == classes
    else:
        assert spec.target_column.min > -2_000
    assert count_ingested(spec) == (ROWS, 0)


@pytest.mark.parametrize("mark", ["nan", "NaN", "?"])
def test_rows_that_a_mark_in_the_target_costs_are_counted(data_root: Path, mark):
    spec, text = draft(data_root, table(np.where(SHUFFLED < 80, mark, LABELS)))
    assert spec.cleaning.missing_target == "drop"
    assert list(spec.target_column.values) == ["no", "yes"]
    assert f"CHECK: '{mark}' in 80 of 240 rows" in text


def test_columns_whose_sum_is_the_target_are_left_out(data_root: Path):
    casual, registered = RANDOM.integers(0, 900, ROWS), RANDOM.integers(0, 3000, ROWS)
    spec, text = draft(data_root, table(casual + registered, casual=casual, registered=registered))
    kinds = [spec.column_by_name[name].kind for name in ("casual", "registered", "x")]
    assert kinds == ["ignore", "ignore", "number"]
    assert "together they are the target" in text


def test_a_sum_of_columns_is_found_in_few_rows(data_root: Path):
    casual, registered = RANDOM.integers(0, 900, 40), RANDOM.integers(0, 3000, 40)
    frame = pd.DataFrame({"x": X[:40], "casual": casual, "registered": registered})
    spec, text = draft(data_root, frame.assign(y=casual + registered))
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


def test_numbers_that_are_not_finite_are_missing_in_parquet_too(data_root: Path, tmp_path: Path):
    path = tmp_path / "t.parquet"
    table(noise(), odd=np.where(SHUFFLED < 4, np.inf, X)).to_parquet(path, index=False)
    spec, _ = draft(data_root, path.read_bytes(), "t.parquet")
    assert spec.column_by_name["odd"].nulls > 0
    plan = build_reading_plan(spec, load_settings(), str)
    raw = take_snapshot(TableStore(load_settings().data), spec.name, spec.source, plan).raw
    values = pa.concat_tables(iter_batches(raw, ["odd"])).column("odd")
    assert values.null_count == 4
    assert pc.all(pc.is_finite(values)).as_py()


def test_a_duration_of_parquet_is_read_in_seconds(data_root: Path, tmp_path: Path):
    frame = table(noise(), lasted=pd.to_timedelta(RANDOM.integers(60, 9000, ROWS), unit="s"))
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, index=False)
    spec, _ = draft(data_root, path.read_bytes(), "t.parquet")
    assert spec.column_by_name["lasted"].kind == "integer"
    assert count_ingested(spec) == (ROWS, 0)


def hours(*, left_out: slice = slice(0), twice: int = 0) -> pd.DataFrame:
    """Make two machines' hours, some of them left out, some of them there twice."""
    at = pd.date_range("2024-03-01", periods=ROWS, freq="h")
    one = table(noise(), at=at).drop(index=range(ROWS)[left_out])
    other = table(noise(), at=[*at[:twice], *at[: ROWS - twice]])
    frames = [one.assign(machine="A"), other.assign(machine="B")]
    return pd.concat(frames).sort_values("at", kind="stable")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (
            hours(left_out=slice(50, 75)),
            "lags count rows: 1 of 453 steps are longer than the usual one, the longest 26 times",
        ),
        (hours(twice=1), "lags count rows: CHECK: rows at the time of the row before: 1"),
        (hours(), ""),
        (table(noise(), month=pd.date_range("2001-01-01", periods=ROWS, freq="MS")), ""),
    ],
    ids=["a gap", "an hour twice", "all hours", "months"],
)
def test_rows_that_are_no_equal_steps_are_told_where_lags_count_them(
    data_root: Path, frame: pd.DataFrame, said: str
):
    spec, text = draft(data_root, frame)
    assert spec.cleaning.lags
    assert said in text
    assert bool(said) == ("lags count rows" in text)


def test_what_is_missing_among_numbers_is_pointed_out_among_classes(data_root: Path):
    ages = np.where(np.arange(ROWS) % 20 == 0, "k.A.", (SHUFFLED % 60 + 18).astype(str))
    paid = np.where(np.arange(ROWS) % 9 == 0, "k.A.", KINDS)
    spec, text = draft(data_root, table(LABELS, age=ages, paid=paid, other=KINDS[::-1]))
    assert spec.column_by_name["age"].missing == ("", "k.A.")
    assert spec.column_by_name["paid"].kind == "category"
    assert "CHECK: 'k.A.' in 27 of 240 rows is a value here, though missing among" in text
    assert text.count("is a value here") == 1
