"""What kind each column is taken for, and what is said of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.drafting.draft import draft_pipeline
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec

ROWS = 300
RANDOM = np.random.default_rng(7)
LABELS = RANDOM.choice(["no", "yes"], ROWS)
NUMBERS = RANDOM.normal(100, 10, ROWS)


def draft(tmp_path: Path, target: object = LABELS, **columns: object) -> tuple[PipelineSpec, str]:
    """Draft from a frame of the columns, a number beside them, and the target `y`."""
    frame = pd.DataFrame({**columns, "beside": RANDOM.normal(size=ROWS), "y": target})
    source = tmp_path / "t.csv"
    frame.to_csv(source, index=False)
    path = draft_pipeline("drafted", source, "y", tmp_path)
    return load_pipeline_spec(path), path.read_text(encoding="utf-8")


def kind_of(tmp_path: Path, name: str, values: object) -> tuple[str, str]:
    spec, text = draft(tmp_path, **{name: values})
    return spec.column_by_name[name].kind, text


LEAKS = {
    "scaled copy": (NUMBERS, NUMBERS * 2.5 + 3),
    "monotone copy": (NUMBERS, np.exp(NUMBERS / 20)),
    "score that separates the classes": (np.where(NUMBERS > 100, "yes", "no"), -NUMBERS),
    "ranges of three classes": (np.digitize(NUMBERS, [93, 106]).astype(str), NUMBERS),
    "category": (LABELS, pd.Series(LABELS).map({"no": "N0", "yes": "Y1"})),
}


@pytest.mark.parametrize(("target", "leak"), LEAKS.values(), ids=list(LEAKS))
def test_a_column_that_gives_the_target_away_is_left_out(tmp_path: Path, target, leak):
    spec, text = draft(tmp_path, target, leak=leak)
    assert spec.column_by_name["leak"].kind == "ignore"
    assert "LEAK?" in text


def test_a_strong_feature_is_no_leak(tmp_path: Path):
    spec, text = draft(tmp_path, NUMBERS, strong=NUMBERS + RANDOM.normal(0, 3, ROWS))
    assert spec.column_by_name["strong"].kind == "number"
    assert "LEAK?" not in text


def test_unique_is_only_promised_where_every_row_differs(tmp_path: Path):
    codes = [f"K{number if number % 12 else number // 24}" for number in range(ROWS)]
    spec, _ = draft(tmp_path, code=codes, other=[f"Q{number}" for number in range(ROWS)])
    assert (spec.column_by_name["code"].kind, spec.column_by_name["code"].unique) == ("id", False)
    assert (spec.column_by_name["other"].kind, spec.column_by_name["other"].unique) == ("id", True)


def test_numbers_with_fractions_are_never_ids(tmp_path: Path):
    assert kind_of(tmp_path, "consumer price index", NUMBERS)[0] == "number"


@pytest.mark.parametrize("name", ["bid", "paid"])
def test_words_that_end_like_ids_name_nothing(tmp_path: Path, name: str):
    assert kind_of(tmp_path, name, RANDOM.permutation(ROWS) * 7)[0] == "integer"


def test_codes_are_known_by_their_name(tmp_path: Path):
    assert kind_of(tmp_path, "zip", RANDOM.choice([10013, 94110, 60614], ROWS))[0] == "category"


def test_names_that_repeat_are_no_things(tmp_path: Path):
    lands = [f"Land{'abcdefghijklmnopqrstuvwxyz'[min(n % 60, n % 26)]}" for n in range(ROWS)]
    assert "--group" not in kind_of(tmp_path, "land", lands)[1]


SPELLINGS = {
    "per cent": ([f"{value:.2f}%" for value in NUMBERS], (".", "", "%")),
    "dollars": ([f"${1000 + value:,.2f}" for value in NUMBERS], (".", ",", "$")),
    "euros after": ([f"{value:.2f} €".replace(".", ",") for value in NUMBERS], (",", "", "€")),
    "weights": ([f"{value:.1f} kg" for value in NUMBERS], (".", "", "kg")),
    "code before": ([f"USD {value:.2f}" for value in NUMBERS], (".", "", "USD")),
    "German": ([f"{number * 7},5" for number in range(ROWS)], (",", "", "")),
    "both marks": ([f"1.{number:03d},50" for number in range(ROWS)], (",", ".", "")),
    "Swiss": ([f"1'{number:03d}.25" for number in range(ROWS)], (".", "'", "")),
    "French": ([f"1 {number:03d},25" for number in range(ROWS)], (",", " ", "")),
    "French, blanks that do not break": (
        [f"1\u202f{number:03d},25\u00a0€" for number in range(ROWS)],
        (",", " ", "€"),
    ),
    "German, a blank that does not break": (
        [f"1.{number:03d},50\u00a0€" for number in range(ROWS)],
        (",", ".", "€"),
    ),
    "Swiss, printed": ([f"1\u2019{number:03d}.25" for number in range(ROWS)], (".", "'", "")),
    "rupees": ([f"Rs. 1,{number:03d}.25" for number in range(ROWS)], (".", ",", "Rs.")),
    "crowns": ([f"kr {value:.2f}" for value in NUMBERS], (".", "", "kr")),
}


@pytest.mark.parametrize(("texts", "options"), SPELLINGS.values(), ids=list(SPELLINGS))
def test_numbers_in_another_spelling_are_numbers(tmp_path: Path, texts, options):
    spec, text = draft(tmp_path, amount=texts)
    column = spec.column_by_name["amount"]
    assert column.kind == "number"
    assert (column.decimal, column.thousands, column.unit) == options
    assert "CHECK" not in text


DAYS = pd.Series(pd.date_range("2020-01-01", periods=ROWS)).sample(frac=1, random_state=0)
TIMES = {
    "ISO": ("%Y-%m-%d", None),
    "slashes, year first": ("%Y/%m/%d", None),
    "dots": ("%d.%m.%Y", "%d.%m.%Y"),
    "slashes": ("%d/%m/%Y", "%d/%m/%Y"),
    "American": ("%m/%d/%Y", "%m/%d/%Y"),
    "month's name": ("%d-%b-%Y", "%d-%b-%Y"),
    "eight digits": ("%Y%m%d", "%Y%m%d"),
    "UTC at the end": ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S UTC"),
    "zone": ("%Y-%m-%dT%H:%M:%S+02:00", None),
}


@pytest.mark.parametrize(("written", "format_"), TIMES.values(), ids=list(TIMES))
def test_times_are_drafted_in_the_format_that_ingest_reads(tmp_path: Path, written, format_):
    spec, text = draft(tmp_path, seen=DAYS.dt.strftime(written).to_numpy())
    assert (spec.column_by_name["seen"].kind, spec.column_by_name["seen"].format) == (
        "datetime",
        format_,
    )
    assert "PERSONAL?" not in text


def test_a_day_that_may_be_a_month_is_pointed_out(tmp_path: Path):
    days = [f"{1 + number % 12:02d}/{1 + number % 11:02d}/2024" for number in range(ROWS)]
    kind, text = kind_of(tmp_path, "seen", days)
    assert kind == "datetime"
    assert "CHECK: %m/%d/%Y fits as well" in text


def test_many_texts_among_times_make_no_datetime(tmp_path: Path):
    days = [*DAYS.dt.strftime("%Y-%m-%d")[:-30], *["soon"] * 30]
    assert kind_of(tmp_path, "seen", days)[0] != "datetime"


PERSONS = [f"Anna{number} Meier" for number in range(ROWS)]
PRIVATE = {
    "titles": ("Name", [f"Smith{n}, Mr. John" for n in range(ROWS)]),
    "names": ("name", PERSONS),
    "first name": ("First Name", [f"Anna{n % 70}" for n in range(ROWS)]),
    "patient": ("patient_name", PERSONS),
    "few given names": ("given_name", [["Anna", "Bob", "Carl"][n % 3] for n in range(ROWS)]),
    "surname": ("surname", PERSONS),
    "camel case": ("customerName", PERSONS),
    "born": ("dob", DAYS.dt.strftime("%Y-%m-%d").to_numpy()),
    "birth date": ("birth date", DAYS.dt.strftime("%d.%m.%Y").to_numpy()),
    "phone": ("reach", [f"+49 30 {100000 + n}" for n in range(ROWS)]),
    "American phone": ("reach", [f"(555) 123-{1000 + n}" for n in range(ROWS)]),
    "e-mail": ("reach", [f"anna{n}@example.org" for n in range(ROWS)]),
    "some e-mails": ("reach", [f"anna{n}@x.org" if n % 3 else f"none{n}" for n in range(ROWS)]),
    "address": ("street", [f"Main Street {n}" for n in range(ROWS)]),
}


@pytest.mark.parametrize(("name", "values"), PRIVATE.values(), ids=list(PRIVATE))
def test_personal_data_are_dropped_and_never_quoted(tmp_path: Path, name, values):
    spec, text = draft(tmp_path, **{name: values})
    assert spec.column_by_name[name].private == "drop"
    assert "PERSONAL?" in text
    assert not any(str(value) in text for value in values)


HARMLESS = {
    "count of mails": ("email_count", RANDOM.integers(0, 30, ROWS)),
    "whole numbers": ("email", RANDOM.integers(0, 30, ROWS)),
    "changes": ("address_changes", RANDOM.integers(0, 9, ROWS)),
    "flag": ("mobile", RANDOM.integers(0, 2, ROWS)),
    "product": ("product_name", [f"Item{n % 30}" for n in range(ROWS)]),
    "number of a customer": ("customer_name", NUMBERS),
    "kind of address": ("address_type", [["home", "work"][n % 2] for n in range(ROWS)]),
    "birth weight": ("birth_weight", NUMBERS),
    "part number": ("part", [f"{n + 100}-{n % 90:02d}-7" for n in range(ROWS)]),
}


@pytest.mark.parametrize(("name", "values"), HARMLESS.values(), ids=list(HARMLESS))
def test_names_alone_make_no_personal_data(tmp_path: Path, name, values):
    assert "PERSONAL?" not in draft(tmp_path, **{name: values})[1]


def test_ip_addresses_are_not_taken_for_telephone_numbers(tmp_path: Path):
    _, text = draft(tmp_path, ip=[f"192.168.{n % 250}.{n % 99}" for n in range(ROWS)])
    assert "telephone" not in text
    assert "IP addresses" in text


def test_huge_and_tiny_numbers_give_bounds_that_load(tmp_path: Path):
    huge = [10.0**19 if number == 150 else float(number) for number in range(ROWS)]
    spec, _ = draft(tmp_path, huge=huge, tiny=NUMBERS * 1e-9)
    assert spec.column_by_name["huge"].max >= 10.0**19
    assert 0 < spec.column_by_name["tiny"].max < 1e-6


def test_arrays_are_tensors_with_their_shape(tmp_path: Path):
    images = [str(RANDOM.integers(0, 256, (2, 3)).tolist()) for _ in range(ROWS)]
    spec, _ = draft(tmp_path, image=images)
    column = spec.column_by_name["image"]
    assert (column.kind, column.shape) == ("tensor", (2, 3))
    assert column.scale >= 200
