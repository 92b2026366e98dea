"""One text, one answer: a row that is served is read exactly as a row that is ingested."""

import csv
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.errors import DataError
from include.serving.scoring_model import ScoringModel
from include.specs import PipelineSpec
from include.tables.readers import read_frame
from include.tracking.signatures import rows_as_sent
from tests.bundle_builders import make_bundle
from tests.table_builders import make_source_spec, snapshot

READINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "marks": {"missing": ["?", "-9", "n/a", ""]},
    "untrimmed": {"trim": False},
    "suffix": {"strip_suffix": "."},
}
FORMATTED = {"kind": "datetime", "format": "%d.%m.%Y %H:%M"}
KINDS: dict[str, dict[str, Any]] = {
    "number": {"kind": "number"},
    "integer": {"kind": "integer"},
    "boolean": {"kind": "boolean"},
    "category": {"kind": "category"},
    # What is not listed is for the gate to say, which this test leaves out.
    "listed category": {"kind": "category", "values": ["3.0", "4", "ab"], "severity": "info"},
    "hashed category": {"kind": "category", "encode": "hash", "hash_bins": 4096},
    "embedded category": {"kind": "category", "encode": "embedding"},
    "datetime": {"kind": "datetime", "parts": ["year", "hour", "minute", "elapsed_days"]},
    "formatted datetime": {**FORMATTED, "parts": ["year", "hour", "minute", "elapsed_days"]},
    "text": {"kind": "text", "length": 8},
    "tensor": {"kind": "tensor", "shape": [2]},
}
# What training saw of each kind, so that there is something to encode.
SEEN: dict[str, list[Any]] = {
    "number": [1.0, 2.5, -9.0, 1e15],
    "integer": [1, 2, 31, 2**53],
    "boolean": [True, False, True, True],
    "category": ["3", "ab", "a.b", "true"],
    "datetime": [pd.Timestamp(f"{year}-05-06 07:08", tz="UTC") for year in range(2011, 2015)],
    "text": ["ab on 3", "3.0 x", "none", "ab"],
    "tensor": [[1.0, 2.0]] * 4,
}
TEXTS = [
    *(
        "1",
        "2.5",
        "-9",
        "-9.0",
        "3.0",
        "3.00",
        "3",
        "1e3",
        "0x1F",
        "0xFFFFFFFFFFFFFFFF",
        "+5",
        "007",
    ),
    *("on", "Yes", "no", "0", "1.0", "0.0", "true", "False", "banana", "t"),
    *(
        "9007199254740993",
        "9007199254740993.0",
        "9223372036854775808",
        "1e999",
        "inf",
        "nan",
        "NaN",
    ),
    *("?", "n/a", "NA", "", "ab", "a.b", "ab.", "ab..", "NA.", "?.", ". .", "-0.0", "1_000", "1,5"),
    *(
        "2011-01-01",
        "2011-01-01T00:00:00+00:00",
        "2012-05-06 07:08:09.123456789",
        "2012-05",
        "2012",
    ),
    *("now", "today", "06.05.2012 07:08", "31.02.2012 00:00", "20120506", "1500-01-01", "1-1-1"),
    *(
        "[1, 2]",
        "[[1], [2]]",
        "[1, null]",
        "[1]",
        '["1", "2"]',
        "[true, 2.5]",
        "[1, NaN]",
        "nan(1)",
    ),
]
BLANKS = st.sampled_from(["", " ", "  ", "\t"])
CELLS = st.builds(
    lambda before, text, after: before + text + after,
    BLANKS,
    st.one_of(
        st.sampled_from(TEXTS),
        st.integers(-(10**20), 10**20).map(str),
        st.floats().map(repr),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=6),
    ),
    BLANKS,
)


class Recorder:
    """A preprocessor that keeps what it gave the network."""

    def __init__(self, preprocessor: Any) -> None:
        self.preprocessor = preprocessor
        self.given: list[dict[str, np.ndarray]] = []

    def transform(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        self.given.append(self.preprocessor.transform(frame))
        return self.given[-1]


class Asked:
    """A model of one column `x`, and what its network was given for the rows it was asked."""

    def __init__(self, spec: PipelineSpec, frame: pd.DataFrame, place: Path) -> None:
        small = make_bundle(place, spec=spec, frame=frame)
        self.spec, self.preprocessor = spec, small.preprocessor
        self.recorder = Recorder(small.preprocessor)
        self.model = ScoringModel(small.bundle, self.recorder, small.network)  # type: ignore[arg-type]

    def features(self, frame: pd.DataFrame) -> list[bytes] | None:
        """Give each row's features as bytes; None where the rows are refused."""
        self.recorder.given.clear()
        try:
            self.model.predict(frame)
        except DataError:
            return None
        return as_bytes(self.recorder.given[0])


def as_bytes(arrays: dict[str, np.ndarray]) -> list[bytes]:
    rows = len(next(iter(arrays.values())))
    return [b"".join(arrays[name][row].tobytes() for name in sorted(arrays)) for row in range(rows)]


@cache
def ask(kind: str, reading: str) -> Asked:
    seen = next(values for name, values in SEEN.items() if kind.endswith(name))
    source = {"kind": "file", "uri": "rows.csv", **READINGS[reading]}
    spec = make_source_spec(
        source, columns=[{"name": "x", "nulls": float(kind != "tensor"), **KINDS[kind]}, *OTHERS]
    )
    values: Any = seen
    if kind == "tensor":
        values = pd.arrays.ArrowExtensionArray(to_tensors(seen))
    frame = pd.DataFrame({"x": pd.Series(values), "n": 1, "c": ["a", "b"] * 2})
    if "category" in kind:
        frame["x"] = frame["x"].where(frame["x"] != "3", spec_text(kind)).astype("str")
    with TemporaryDirectory() as place:
        return Asked(spec, frame, Path(place))


OTHERS = [{"name": "n", "kind": "integer"}, {"name": "c", "kind": "category"}]


def spec_text(kind: str) -> str:
    return "3.0" if kind == "listed category" else "3"


def to_tensors(rows: list[list[float]]) -> Any:
    import pyarrow as pa

    return pa.array(rows, pa.list_(pa.float32(), 2))


def ingest_texts(asked: Asked, texts: list[str], place: Path) -> pd.DataFrame:
    """Ingest a file of these texts; rows that do not cast are missing from what is stored."""
    path = place / "sources" / "rows.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        # `good` keeps a file whose every row is bad from being refused as a whole.
        rows = [
            ["x", "n", "c"],
            *([text, "1", "a"] for text in texts),
            [GOOD[asked.spec.columns[0].kind], "1", "b"],
        ]
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    document = asked.spec.model_dump()
    record = snapshot(place, document["source"], columns=document["columns"])
    stored = read_frame(record.raw)
    return stored[stored["row_id"] < len(texts)]


GOOD = {
    **dict.fromkeys(("number", "integer", "boolean", "category", "text"), "1"),
    "datetime": "2020-01-01",
    "tensor": "[1, 2]",
}


def is_usable(asked: Asked, row: pd.DataFrame) -> bool:
    """Tell whether a stored row may stay: an infinite number or a missing array may not."""
    try:
        asked.preprocessor.transform(row)
    except DataError:
        return False
    return True


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(CELLS, min_size=1, max_size=12))
def test_a_served_row_a_scored_file_and_an_ingested_file_give_the_same_features(
    kind: str, reading: str, texts: list[str]
) -> None:
    asked = ask(kind, reading)
    texts = texts if kind != "tensor" else [*texts, "[3, 4]"]  # not all rows may go
    with TemporaryDirectory() as place:
        stored = ingest_texts(asked, texts, Path(place))
    usable = [is_usable(asked, row) for _, row in stored.groupby("row_id")]
    stored = stored[np.array(usable, dtype=bool)]
    kept = set(stored["row_id"])
    ingested = as_bytes(asked.preprocessor.transform(stored)) if kept else []
    served = {
        row: asked.features(pd.DataFrame({"x": [text], "n": [1]})) for row, text in enumerate(texts)
    }
    assert {row for row, found in served.items() if found is not None} == kept
    assert [found[0] for row, found in served.items() if found is not None] == ingested
    if kept:
        scored = pd.DataFrame({"x": [texts[row] for row in sorted(kept)], "n": 1})
        assert asked.features(scored) == ingested
        sent = rows_as_sent(asked.model.bundle.columns, stored)
        again = pd.DataFrame(json.loads(json.dumps(sent.to_dict("list"))))
        assert asked.features(again) == ingested


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("boolean", True, "yes"),
        ("boolean", 1, "on"),
        ("boolean", 0.0, "False"),
        ("integer", 31, "0x1F"),
        ("integer", True, "1"),
        ("number", -9, "?"),
        ("number", None, "n/a"),
        ("category", 3.0, "3.0"),
        ("category", 3, "3.00"),
        ("hashed category", 2.0**60, str(2**60)),
        ("listed category", 3, "3.0"),
        ("formatted datetime", pd.Timestamp("2012-05-06 07:08", tz="UTC"), "06.05.2012 07:08"),
        ("formatted datetime", "2012-05-06T07:08:00+00:00", "06.05.2012 07:08"),
        ("tensor", [[1], [2]], "[1, 2]"),
    ],
)
def test_a_typed_value_gives_what_its_text_gives_alone_and_among_others(
    kind: str, value: Any, text: str
) -> None:
    asked = ask(kind, "marks")
    expected = asked.features(pd.DataFrame({"x": [text], "n": [1]}))
    assert expected is not None
    alone = pd.DataFrame({"x": pd.Series([value], dtype=object), "n": [1]})
    assert asked.features(alone) == expected
    assert asked.features(alone.convert_dtypes()) == expected
    mixed = pd.DataFrame({"x": pd.Series([value, text], dtype=object), "n": 1})
    assert asked.features(mixed) == expected * 2


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([1, 3, 2.5, 3.0, -0.0, 2**53 + 1, 2.0**60, 1e300]),
    CELLS,
    st.lists(st.sampled_from([1, 2.5, None, True, "3", [1], {}]), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, "x", 2.5]), max_size=2),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(JSON_VALUES, min_size=2, max_size=8))
def test_rows_of_several_callers_are_read_as_each_would_be_alone(
    kind: str, values: list[Any]
) -> None:
    asked = ask(kind, "default")
    frames = [pd.DataFrame({"x": pd.Series([value], dtype=object), "n": [1]}) for value in values]
    alone = [asked.features(frame) for frame in frames]
    together = asked.features(pd.concat(frames, ignore_index=True))
    if together is not None:  # else each is answered alone
        assert [[found] for found in together] == alone
