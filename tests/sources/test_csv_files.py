import csv
import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from include.errors import SchemaError, SourceError
from include.sources import csv_scan, text_blocks
from include.sources.batches import Reject
from include.sources.csv_files import read_csv_batches, read_csv_columns
from include.specs.sources import FileSource

CELLS = st.text(alphabet=st.sampled_from('ab"\n\r,;é 1'), max_size=5)


def write(tmp_path: Path, content: bytes, name: str = "data.csv") -> UPath:
    path = tmp_path / name
    path.write_bytes(content)
    return UPath(path)


def tar_of(content: bytes) -> bytes:
    packed, member = io.BytesIO(), tarfile.TarInfo("inside.csv")
    member.size = len(content)
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def options(**changes: Any) -> FileSource:
    return FileSource.model_validate({"kind": "file", "uri": "x", "trim": False, **changes})


def read(
    path: UPath, contract: tuple[str, ...] = ("a", "b"), **changes: Any
) -> tuple[list[tuple[str, ...]], list[int], list[Reject]]:
    """Read a whole file: the rows, their lines, and the rejected ones."""
    source = options(**changes)
    columns = read_csv_columns(path, source, contract)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    rejects: list[Reject] = []
    records = 0
    for batch in read_csv_batches(path, source, contract, columns):
        rows += [tuple(row.values()) for row in batch.rows.to_pylist()]
        lines += batch.lines.tolist()
        places = [*batch.positions.tolist(), *(reject.position for reject in batch.rejects)]
        assert sorted(places) == list(range(batch.records))
        rejects += [one._replace(position=one.position + records) for one in batch.rejects]
        records += batch.records
    return rows, lines, rejects


BAD_ROWS = [
    (b"1,2,3", "extra_fields", "expected 2 fields, received 3"),
    (b"1", "missing_fields", "expected 2 fields, received 1"),
    (b'1,"a"b', "bad_quote", "field 2"),
    (b'1,a"b"', "bad_quote", "inside field 2"),
    (b'1,"a', "bad_quote", "never closed"),
    (b"1,a\x00b", "nul_byte", "NUL byte at byte 4"),
    (b"1,a\xe9b", "bad_encoding", "0xE9 at byte 4"),
]


@pytest.mark.parametrize(
    ("bad", "rule", "reason"), BAD_ROWS, ids=[f"{rule}-{row!r}" for row, rule, _ in BAD_ROWS]
)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_malformed_row_costs_itself_only(
    tmp_path: Path, bad: bytes, rule: str, reason: str, place: str
) -> None:
    good = [b"%d,%d" % (number, number) for number in range(4)]
    where = {"first": 0, "middle": 2, "last": 4}[place]
    content = b"\n".join([b"a,b", *good[:where], bad, *good[where:]])
    rows, lines, rejects = read(write(tmp_path, content))
    assert rows == [(str(number), str(number)) for number in range(4)]
    assert lines == [line for line in range(2, 7) if line != where + 2]
    assert [(one.line, one.rule, one.position) for one in rejects] == [(where + 2, rule, where)]
    assert reason in rejects[0].reason
    assert rejects[0].text == bad.decode("utf-8", "replace")


def test_half_a_last_line_is_rejected(tmp_path: Path) -> None:
    rows, _, rejects = read(write(tmp_path, b"a,b\n1,2\n3"))
    assert rows == [("1", "2")]
    assert [(one.line, one.rule) for one in rejects] == [(3, "missing_fields")]


def test_quoted_fields_may_hold_everything(tmp_path: Path) -> None:
    content = b'a,b\n"x,\n""y""","2"\n3,"\r\n\n"\n4,\xc3\xa9\n'
    rows, lines, rejects = read(write(tmp_path, content))
    assert rows == [('x,\n"y"', "2"), ("3", "\n\n"), ("4", "é")]
    assert lines == [2, 4, 7]
    assert rejects == []


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    rows, lines, rejects = read(write(tmp_path, b"\n\na,b\n\n1,2\n   \n3,4\n\n\n"))
    assert (rows, lines, rejects) == ([("1", "2"), ("3", "4")], [5, 7], [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "old mac"])
def test_all_line_ends_are_understood(tmp_path: Path, end: bytes) -> None:
    rows, lines, _ = read(write(tmp_path, end.join([b"a,b", b"1,2", b"3,4", b""])))
    assert (rows, lines) == ([("1", "2"), ("3", "4")], [2, 3])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("length", [8190, 8191, 8192, 20_000])
def test_a_long_first_line_hides_no_line_end(tmp_path: Path, end: bytes, length: int) -> None:
    first = b"a," + b"b" * (length - 2)
    rows, lines, _ = read(write(tmp_path, end.join([first, b"1,2", b"3,4", b""])))
    assert (rows, lines) == ([("1", "2"), ("3", "4")], [2, 3])


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        (b"a;b\n1;2\n", {"separator": ";"}),
        (b"a\tb\n1\t2\n", {"separator": "\t"}),
        (b"a||b\n1||2\n", {"separator": "||"}),
        ("a§b\n1§2\n".encode(), {"separator": "§"}),
        (b"'a','b'\n'1','2'\n", {"quote": "'"}),
        (b"1,2\n", {"header": False}),
        (b'a, b\n1, "2" \n', {"trim": True}),
    ],
    ids=["semicolon", "tab", "two bars", "section sign", "apostrophe", "no header", "blanks"],
)
def test_dialects(tmp_path: Path, content: bytes, changes: dict[str, Any]) -> None:
    path = write(tmp_path, content)
    assert read_csv_columns(path, options(**changes), ("a", "b")) == ("a", "b")
    rows, _, rejects = read(path, **changes)
    assert (rows, rejects) == ([("1", "2")], [])


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    rows, _, rejects = read(write(tmp_path, b'a,b\n1,5" pipe\n'), quote="")
    assert (rows, rejects) == ([("1", '5" pipe')], [])


def test_tsv_and_gzip_go_by_their_ending(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a\tb\n1\t2\n"), "data.tsv.gz")
    assert read(path)[0] == [("1", "2")]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("cp1252", b""),
        ("utf-16", b"\xff\xfe"),
        ("utf-16-le", b""),
        ("utf-32", b"\xff\xfe\x00\x00"),
    ],
)
def test_encodings_are_read_as_declared(tmp_path: Path, encoding: str, mark: bytes) -> None:
    plain = encoding if not mark or encoding == "utf-8" else f"{encoding}-le"
    path = write(tmp_path, mark + "ä,b\n1,é\n".encode(plain))
    assert read_csv_columns(path, options(encoding=encoding), ()) == ("ä", "b")
    assert read(path, encoding=encoding)[0] == [("1", "é")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n1,2\n1,2\n".encode("utf-16-le"), "UTF-16-LE"),
        ("ä,b\n1,2\n".encode("cp1252"), "may be cp1252"),
        ("a,b\n1,é\n2,é\n3,é\n".encode("cp1252"), "may be cp1252"),
        (b"PAR1\x00\x00", "Parquet file"),
        (b"PK\x03\x04\x00", "zip archive"),
        (b"\x1f\x8b\x08half", "gzip"),
        (tar_of(b"a,b\n1,2\n"), "tar archive.*unpack it"),
        (gzip.compress(tar_of(b"a,b\n1,2\n")), "tar archive.*unpack it"),
        (b"a,\x00b\n1,2\n", "NUL bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_text_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(SourceError, match=message):
        read(path)


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="encoding that Python knows.*'klingon'"):
        read(write(tmp_path, b"a,b\n1,2\n"), encoding="klingon")


def test_bytes_that_a_declared_encoding_lacks_cost_their_row(tmp_path: Path) -> None:
    rows, _, rejects = read(write(tmp_path, b"a,b\n1,\x81\n2,x\n"), encoding="cp1252")
    assert rows == [("2", "x")]
    assert [(one.line, one.rule) for one in rejects] == [(2, "bad_encoding")]


def test_a_broken_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="header line.*line 1"):
        read(write(tmp_path, b'a,b"c\n1,2\n'))


def test_small_blocks_give_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b'%d,"text ""%d""\nnext"' % (number, number) for number in range(200)]
    lines[50], lines[120] = b"1,2,3", b'7,"open'
    path = write(tmp_path, b"\n".join([b"a,b", *lines]))
    whole = read(path)
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 64)
    monkeypatch.setattr(text_blocks, "SAMPLE_BYTES", 16)
    assert read(path) == whole
    assert len(whole[2]) >= 2


@settings(deadline=None, max_examples=150)
@given(table=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_whatever_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    path = write(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    rows, _, rejects = read(path, ("a", "b", "c"), header=False)
    assert rejects == []
    # A Windows line end inside a field is read as a plain one.
    assert rows == [tuple(cell.replace("\r\n", "\n") for cell in row) for row in table]


@settings(deadline=None, max_examples=150)
@given(content=st.binary(max_size=200).map(lambda data: data.replace(b"\x00", b"0")))
def test_no_bytes_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("csv"), b"x,y\n1,2\n" + content)
    try:
        rows, lines, _ = read(path)
    except (SourceError, SchemaError):
        return
    assert len(rows) == len(lines)
    assert rows[0] == ("1", "2")
    assert np.all(np.diff(lines) > 0)


@settings(deadline=None, max_examples=300)
@given(lines=st.lists(st.text(alphabet='a", é', max_size=9), max_size=8))
def test_counting_fields_at_once_or_after_the_parser_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    content = "\n".join(['x,y\n1,"2"', *lines]).encode()
    path = write(tmp_path_factory.mktemp("csv"), content)
    read_at_once = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_scan.BlockScanner, "counts_fields", True, raising=False)
        assert read(path) == read_at_once
