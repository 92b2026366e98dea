"""Sources with private columns: what is read of them must be found nowhere afterwards."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.errors import SchemaError, SourceError
from include.records import IngestRecord
from include.sources import http
from include.tables.leftovers import PREFIX
from include.tables.store import read_frame
from tests.sources.file_server import FileServer, serve
from tests.table_builders import put, snapshot

PLANTED = "jane.planted@ex.org"
COLUMNS: list[dict[str, Any]] = [
    {"name": "mail", "kind": "text", "private": "drop"},
    {"name": "name", "kind": "text", "private": "mask"},
    {"name": "phone", "kind": "id", "private": "hash", "unique": False},
    {"name": "n", "kind": "integer"},
    {"name": "c", "kind": "category"},
]
HEADER = "mail,name,phone,n,c\n"
BODY = HEADER + "".join(
    f"{PLANTED},{PLANTED} {number},{PLANTED},{number},{'ab'[number % 2]}\n" for number in range(400)
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0.01)
    with serve(BODY.encode()) as started:
        yield started


def take(root: Path, server: FileServer, **changes: Any) -> IngestRecord:
    source = {"kind": "http", "uri": server.url}
    return snapshot(root, source, hash_key="k", **{"columns": COLUMNS, **changes})


def find_planted(root: Path, planted: str = PLANTED) -> list[Path]:
    files = [path for path in root.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if planted.encode() in path.read_bytes()]


def test_a_private_download_is_found_nowhere_afterwards(
    server: FileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    record = take(tmp_path, server)
    assert record.raw.rows == 400
    assert find_planted(tmp_path) == []
    assert PLANTED not in caplog.text + record.model_dump_json()


def test_an_unchanged_private_download_is_known_without_its_body(
    server: FileServer, tmp_path: Path
) -> None:
    first, again = take(tmp_path, server), take(tmp_path, server)
    assert again.raw.is_reused
    assert again.source_digest == first.source_digest
    assert server.statuses == [200, 304]


def test_an_unchanged_private_download_without_validators_is_known_by_its_digest(
    server: FileServer, tmp_path: Path
) -> None:
    server.etag = ""
    take(tmp_path, server)
    assert take(tmp_path, server).raw.is_reused
    assert server.statuses == [200, 200]
    assert find_planted(tmp_path) == []


def test_a_private_download_is_fetched_again_for_another_contract(
    server: FileServer, tmp_path: Path
) -> None:
    take(tmp_path, server)
    columns = [{**one, "kind": "text"} if one["name"] == "n" else one for one in COLUMNS]
    record = take(tmp_path, server, columns=columns)
    assert read_frame(record.raw)["n"].tolist()[:2] == ["0", "1"]
    assert take(tmp_path, server, force=True).raw.rows == 400
    assert server.statuses == [200, 304, 200, 200]
    assert find_planted(tmp_path) == []


def test_a_changed_private_download_is_read(server: FileServer, tmp_path: Path) -> None:
    take(tmp_path, server)
    server.body, server.etag = f"{HEADER}{PLANTED},x,y,7,a\n".encode(), '"two"'
    assert read_frame(take(tmp_path, server).raw)["n"].tolist() == [7]
    assert take(tmp_path, server).raw.is_reused
    assert server.statuses == [200, 200, 304]


def test_a_broken_private_download_goes_on_where_it_stopped(
    server: FileServer, tmp_path: Path
) -> None:
    server.break_after = 1000
    assert take(tmp_path, server).raw.rows == 400
    assert server.statuses == [200, 206]
    assert find_planted(tmp_path) == []


def test_a_private_download_that_does_not_fit_the_contract_leaves_nothing(
    server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "other").write_text("so that there is a file to search")
    server.body = f"{PLANTED},v,w,1,x\n".encode()
    with pytest.raises(SchemaError, match="not shown") as caught:
        take(tmp_path, server)
    assert PLANTED not in str(caught.value)
    assert find_planted(tmp_path) == []


def test_a_body_that_was_kept_before_the_contract_was_private_is_removed(
    server: FileServer, tmp_path: Path
) -> None:
    public = [{**one, "private": None} for one in COLUMNS]
    take(tmp_path, server, columns=public)
    assert any("downloads" in path.parts for path in find_planted(tmp_path))
    take(tmp_path, server)
    assert not any("downloads" in path.parts for path in find_planted(tmp_path))


def test_a_private_download_that_a_killed_process_left_is_removed(
    server: FileServer, tmp_path: Path
) -> None:
    downloads = tmp_path / "downloads"
    script = (
        "import os, sys; from include.sources.downloads import Downloads\n"
        "from include.specs.sources import HttpSource\n"
        "with Downloads(sys.argv[1], is_private=True) as downloads:\n"
        "    body = downloads.find_body(HttpSource(kind='http', uri=sys.argv[2]))\n"
        "    os._exit(1)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(downloads), server.url], check=False, timeout=60
    )
    assert len(find_planted(downloads)) == 1
    take(tmp_path, server)
    assert find_planted(tmp_path) == []
    assert not list(downloads.glob(f"{PREFIX}*"))


def test_a_shifted_row_is_told_by_its_line_and_shape(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    source = put(tmp_path.parent, "shifted.csv", f"{HEADER}m,x,y,1,a\n55,x,y,{PLANTED},a\n")
    record = snapshot(tmp_path, {"kind": "file", "uri": str(source)}, columns=COLUMNS, hash_key="k")
    assert record.rejected is not None
    (row,) = read_frame(record.rejected).to_dict("records")
    assert (row["line"], row["column"], row["row"]) == (3, "n", "")
    assert not (tmp_path / "downloads").exists()
    assert row["reason"] == "expected a whole number, received a text of 19 characters"
    assert find_planted(tmp_path) == []
    assert PLANTED not in caplog.text + record.model_dump_json()


def test_a_source_of_shifted_rows_fails_without_showing_them(tmp_path: Path) -> None:
    rows = "".join(f"{n},x,y,{n}{PLANTED},a\n" for n in range(9))
    put(tmp_path, "a.csv", HEADER + rows)
    with pytest.raises(SchemaError, match=r"a text of 20 characters; not one of 9") as caught:
        snapshot(tmp_path, {"kind": "file", "uri": "a.csv"}, columns=COLUMNS, hash_key="k")
    assert PLANTED not in str(caught.value)


def test_a_shifted_number_keeps_its_size_only(tmp_path: Path) -> None:
    columns = [*COLUMNS[:3], {"name": "n", "kind": "boolean"}, COLUMNS[4]]
    put(tmp_path, "a.csv", f"{HEADER}m,x,y,1,a\nm,x,y,12.5,a\nm,x,y,017012345678,a\n")
    record = snapshot(tmp_path, {"kind": "file", "uri": "a.csv"}, columns=columns, hash_key="k")
    assert record.rejected is not None
    assert read_frame(record.rejected)["reason"].tolist() == [
        "expected true or false, received '12.5'",
        "expected true or false, received about 1.7e+10",
    ]


def test_a_row_in_the_place_of_the_header_is_not_shown(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", f"{PLANTED},{PLANTED},x,1,a\n")
    with pytest.raises(SchemaError, match="columns 1, 2") as caught:
        snapshot(tmp_path, {"kind": "file", "uri": "a.csv"}, columns=COLUMNS, hash_key="k")
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("private", ["drop", "mask", "hash"])
def test_a_private_key_that_is_not_stored_is_never_shown(tmp_path: Path, private: str) -> None:
    put(tmp_path, "a.csv", f"mail,n\n{PLANTED},1\n")
    put(tmp_path, "b.csv", f"mail,c\n{PLANTED},a\n{PLANTED},b\n")
    files = [{"kind": "file", "uri": "a.csv"}, {"kind": "file", "uri": "b.csv"}]
    columns = [{"name": "mail", "kind": "ignore", "private": private}, *COLUMNS[3:]]
    source = {"kind": "join", "on": ["mail"], "sources": files}
    with pytest.raises(SchemaError, match="keys that are private") as caught:
        snapshot(tmp_path, source, columns=columns)
    assert PLANTED not in str(caught.value)
    put(tmp_path, "b.csv", f"mail,c\nother,a\n{PLANTED},b\n")
    assert read_frame(snapshot(tmp_path, source, columns=columns).raw)["c"].tolist() == ["b"]


def test_a_plain_key_beside_private_columns_shows_numbers_only(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", f"k,mail,n\n7,m,1\n{PLANTED},m,2\n")
    put(tmp_path, "b.csv", f"k,c\n7,a\n7,b\n{PLANTED},a\n{PLANTED},b\n")
    files = [{"kind": "file", "uri": "a.csv"}, {"kind": "file", "uri": "b.csv"}]
    source = {"kind": "join", "on": ["k"], "sources": files}
    with pytest.raises(SchemaError, match=r"for: '7'; a text of 19 characters\.") as caught:
        snapshot(tmp_path, source, columns=[COLUMNS[0], *COLUMNS[3:]])
    assert PLANTED not in str(caught.value)


@pytest.mark.xdist_group("postgres")
def test_a_database_that_complains_of_a_value_is_not_quoted(
    postgres_url: str, tmp_path: Path
) -> None:
    rows = f"(VALUES ('1', 'a'), ('{PLANTED}', 'b')) AS t (n, c)"
    source = {"kind": "sql", "connection": "x", "query": f"SELECT n::int, c FROM {rows}"}
    with pytest.raises(SourceError, match=PLANTED):
        snapshot(tmp_path, source, columns=COLUMNS[3:], connect=lambda _: postgres_url)
    columns = [COLUMNS[0], *COLUMNS[3:]]
    with pytest.raises(SourceError, match="a value that it cannot convert") as caught:
        snapshot(tmp_path, source, columns=columns, connect=lambda _: postgres_url)
    assert PLANTED not in str(caught.value)
    # A traceback shows the causes of an error, too.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
