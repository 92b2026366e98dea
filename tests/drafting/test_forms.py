"""Files as people have them: a draft reads as ingest reads, or the error says what to do."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.drafting.draft import draft_pipeline
from include.errors import DataError
from include.quality.gate import run_gate
from include.settings import load_settings
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.steps.ingest import build_reading_plan
from include.tables.local_files import open_local_files
from include.tables.store import TableStore, iter_batches

ROWS = 240


def write_rows(head: str, cell, separator: str = ",") -> str:
    random = np.random.default_rng(0)
    labels = random.choice(["no", "yes"], ROWS)
    lines = [
        separator.join([str(cell(number)), f"{random.normal():.3f}", labels[number]])
        for number in range(ROWS)
    ]
    return "\n".join([head, *lines]) + "\n"


def draft(data_root: Path, name: str, content: str | bytes, target: str = "y") -> PipelineSpec:
    place = data_root / "sources" / "drafted"
    place.mkdir(parents=True, exist_ok=True)
    source = place / name
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_pipeline_spec(draft_pipeline("drafted", source, target, data_root))


def run_first_steps(spec: PipelineSpec) -> tuple[int, int]:
    """Ingest, check and prepare by the libraries that the steps call; rows read and rejected."""
    from include.features.preparation import fit_preparation

    settings = load_settings()
    plan = build_reading_plan(spec, settings, str)
    record = take_snapshot(TableStore(settings.data), spec.name, spec.source, plan)
    with open_local_files(record.raw) as files:
        report = run_gate(spec, files, rejected=record.rejected_rows).report
    assert [each.rule for each in report.failures if each.severity == "critical"] == []
    fit_preparation(spec, lambda columns: iter_batches(record.raw, columns), has_parts=False)
    return record.raw.rows, record.rejected_rows


PLAIN = write_rows("a,b,y", lambda n: f"café{n % 3}")
FILES = {
    "empty first header": ("t.csv", write_rows(",b,y", lambda n: n), {}),
    "names that differ by case": ("t.csv", write_rows("Age,age,y", lambda n: n % 7), {}),
    "reserved name": ("t.csv", write_rows("row_id,b,y", lambda n: n % 7), {}),
    "latin-1": ("t.csv", PLAIN.encode("latin-1"), {"encoding": "cp1252"}),
    "utf-16": ("t.csv", PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
    "utf-16 without mark": ("t.csv", PLAIN.encode("utf-16-be"), {"encoding": "utf-16-be"}),
    "byte order mark": ("t.csv", PLAIN.encode("utf-8-sig"), {"encoding": "utf-8"}),
    "gzip": ("t.csv.gz", gzip.compress(PLAIN.encode()), {"encoding": "utf-8"}),
    "tab": ("t.tsv", write_rows("a\tb\ty", lambda n: n % 3, "\t"), {"separator": None}),
    "semicolon": ("t.csv", write_rows("a;b;y", lambda n: n % 3, ";"), {"separator": ";"}),
    "single quotes": ("t.csv", write_rows("a,b,y", lambda n: f"'x,{n % 3}'"), {"quote": "'"}),
    "inner line end": ("t.csv", write_rows("a,b,y", lambda n: f'"l\n{n % 3}"'), {"quote": '"'}),
    "rows of JSON under another name": (
        "t.txt",
        "".join(f'{{"a": {n % 3}, "b": {n}, "y": "{"uv"[n % 2]}"}}\n' for n in range(ROWS)),
        {"format": "jsonl"},
    ),
    "unknown ending": ("t.dat", PLAIN, {"format": "csv"}),
}


@pytest.mark.parametrize(("name", "content", "form"), FILES.values(), ids=list(FILES))
def test_a_file_is_drafted_as_ingest_reads_it(data_root: Path, name, content, form):
    spec = draft(data_root, name, content)
    assert {key: getattr(spec.source, key) for key in form} == form
    assert run_first_steps(spec) == (ROWS, 0)


def test_accents_survive_a_guessed_encoding(data_root: Path):
    draft(data_root, "t.csv", PLAIN.encode("latin-1"))
    text = (data_root / "drafted.yaml").read_text(encoding="utf-8")
    assert "café0" in text
    assert "ENCODING?" in text


def test_json_lines_are_known_by_their_ending_and_by_their_marks(data_root: Path):
    labels = np.random.default_rng(0).choice(["no", "yes"], ROWS)
    rows = (
        json.dumps({"a": ["?", "u", "v"][n % 3], "b": "-" if n % 7 == 0 else str(n * 0.5), "y": y})
        for n, y in enumerate(labels)
    )
    spec = draft(data_root, "t.json", "\n".join(rows))
    assert {"?", "-"} <= set(spec.source.missing)
    assert spec.column_by_name["b"].kind == "number"
    assert run_first_steps(spec) == (ROWS, 0)


def test_objects_are_left_out_and_not_said_to_differ(data_root: Path):
    labels = np.random.default_rng(0).choice(["no", "yes"], ROWS)
    rows = (
        json.dumps({"who": {"tier": n % 3}, "b": n * 0.5, "y": y}) for n, y in enumerate(labels)
    )
    spec = draft(data_root, "t.jsonl", "\n".join(rows))
    assert spec.column_by_name["who"].kind == "ignore"
    text = (data_root / "drafted.yaml").read_text(encoding="utf-8")
    assert "CHECK: objects, or lists that differ in shape: spread them over columns" in text


def test_marks_of_missing_values_count_in_parquet_too(data_root: Path, tmp_path: Path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"n": random.normal(size=ROWS).astype(str), "x": random.normal(size=ROWS)})
    frame.loc[::9, "n"] = "?"
    frame["y"] = random.choice(["no", "yes"], ROWS)
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, index=False)
    spec = draft(data_root, "t.parquet", path.read_bytes())
    assert "?" in spec.source.missing
    assert spec.column_by_name["n"].kind == "number"
    assert run_first_steps(spec) == (ROWS, 0)


@pytest.mark.parametrize("ragged", [2, 9], ids=["few", "more than is usual"])
def test_rows_with_one_field_too_many_are_counted_as_rejected(data_root: Path, ragged: int):
    lines = write_rows("a,b,y", lambda n: n % 3).splitlines()
    lines[5 : 5 + ragged] = [f"{line},extra" for line in lines[5 : 5 + ragged]]
    spec = draft(data_root, "t.csv", "\n".join(lines) + "\n")
    assert run_first_steps(spec) == (ROWS - ragged, ragged)


MORE = "".join(f"{n % 7}^{n % 2}\n" for n in range(60))
REFUSED = {
    "duplicate names": (write_rows("a,a,y", lambda n: n), r"more than once: 'a'. Rename"),
    "comment above": ("# by me\n" + write_rows("a,b,y", lambda n: n), r"line 2 names 'y'"),
    "separator after each row": (
        write_rows("a,b,y", lambda n: n % 3).replace("\n", ",\n").replace("y,", "y", 1),
        r"one more separator if each row ends with one",
    ),
    "numbers of rows without a name": (
        '"a" "y"\n' + "".join(f'"{n}" {n % 7} "{"ab"[n % 2]}"\n' for n in range(60)),
        r"one more name in front if each begins with its number",
    ),
    "name in other letters": (write_rows("a,b,Y", lambda n: n), r"Did you mean 'Y'"),
    "no names but the target's": (write_rows(",,y", lambda n: n), r"columns without a name \(2\)"),
    "web page": ("<!DOCTYPE html><html><body>Log in</body></html>\n", r"an HTML page. If the"),
    "backslash before quotes": (
        write_rows("a,b,y", lambda n: f'"5\\" {n}"'),
        r"where a backslash stands before them",
    ),
    "title above": ("By me, 2024\n" + write_rows("a,b,y", lambda n: n), r"Remove what stands"),
    "title as wide as the rows": (
        "By me,,\n" + write_rows("a,b,y", lambda n: n),
        r"Line 2 names it: remove what stands above",
    ),
    "rare separator": ("x^y\n" + MORE, r"'\^': name that with --separator"),
    "letters of neither encoding": (
        write_rows("a,b,y", lambda n: ["\u5927\u962a", "b"][n % 2]).encode("shift_jis"),
        r"Name its encoding with --encoding",
    ),
    "days to predict": (
        "x,y\n" + "".join(f"{n % 9},2024-01-{n % 28 + 1:02d}\n" for n in range(90)),
        r"which has times. Write them as numbers",
    ),
    "durations to predict": (
        "x,y\n" + "".join(f"{n % 9},{n % 40}:{n % 60:02d}\n" for n in range(90)),
        r"which has durations. Write them as numbers",
    ),
    "constant target": ("x,y\n" + "1,q\n2,q\n" * 40, r"at least two values. Received: 'y'"),
    "empty target": ("x,y\n" + "1,\n2,\n" * 40, r"has no value in any row"),
    "archive": (b"PK\x03\x04" + bytes(40), r"Unpack it|unpack it"),
    "several blanks": (
        "a    b   y\n" + "".join(f"{n}    {n % 3}   {n % 2}\n" for n in range(60)),
        r"set apart by several blanks. Write it with commas",
    ),
    "target of free texts": (
        "x,y\n" + "".join(f"{n % 5},text {n}\n" for n in range(60)),
        r"classes that occur again",
    ),
    "no feature": ("y\n" + "1\n2\n" * 40, r"a column beside 'y' that can be learned from"),
    "mostly unreadable": (
        "a,y\n" + "1,u\n2,w\n" * 40 + "1,u,x\n" * 20,
        r"rows that can be read in t.csv. Received: 20 of 100",
    ),
}


@pytest.mark.parametrize("name", ["t.tar.gz", "t.tgz", "t.zip", "t.csv.bz2", "T.TAR.GZ"])
def test_an_archive_is_to_be_unpacked(data_root: Path, name: str):
    with pytest.raises(DataError, match=f"Received: '{name}'.*unpack it"):
        draft(data_root, name, gzip.compress(b"x,y\n" + b"1,u\n2,w\n" * 40))


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=list(REFUSED))
def test_a_file_that_cannot_be_learned_from_says_what_to_do(data_root: Path, content, message):
    with pytest.raises(DataError, match=message):
        draft(data_root, "t.csv", content)
    assert not (data_root / "drafted.yaml").exists()


def test_an_array_of_objects_says_how_to_write_it(data_root: Path):
    with pytest.raises(DataError, match=r"one JSON object per line. .* as JSON lines"):
        draft(data_root, "t.json", '[{"a": 1, "y": 2}]')


@pytest.mark.parametrize("content", ['{"x": [1, 2], "y": [1, 2]}', '{"data": [{"x": 1, "y": 2}]}'])
def test_an_object_that_holds_all_rows_says_how_to_write_it(data_root: Path, content):
    with pytest.raises(DataError, match=r"one object that holds all rows. .* as JSON lines"):
        draft(data_root, "t.json", content)


def test_rows_that_would_not_train_are_announced(data_root: Path):
    spec = draft(data_root, "t.csv", "v,y\n" + "0,a\n1,b\n0,b\n" * 4)
    assert spec.column_by_name["v"].kind == "boolean"
    assert "# NOT YET: expected at least min_rows" in (data_root / "drafted.yaml").read_text()
