from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.errors import InfrastructureError, SourceError
from include.sources import http
from include.sources.downloads import Downloads
from include.specs.sources import HttpSource
from tests.sources.file_server import FileServer, serve
from tests.table_builders import snapshot

BODY = b"n,x,c\n" + b"".join(b"%d,1.5,a\n" % number for number in range(5_000))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0.01)
    with serve(BODY) as started:
        yield started


def fetch(server: FileServer, tmp_path: Path, **changes: Any) -> Path:
    values = {"kind": "http", "uri": server.url, "timeout_seconds": 5, **changes}
    return Downloads(str(tmp_path), is_private=False).find_body(HttpSource.model_validate(values))


def test_an_unchanged_file_is_not_sent_again(server: FileServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.statuses == [200, 304]


def test_a_changed_file_is_fetched(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    server.body, server.etag = b"n\n1\n", '"two"'
    assert fetch(server, tmp_path).read_bytes() == b"n\n1\n"


def test_a_broken_download_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    server.break_after = 1000
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.statuses == [200, 206]
    assert server.requests[1][1]["Range"] == "bytes=1000-"


def test_a_weak_validator_does_not_promise_that_the_rest_fits(
    server: FileServer, tmp_path: Path
) -> None:
    server.etag, server.break_after = 'W/"one"', 1000
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.statuses == [200, 200]
    assert "Range" not in server.requests[1][1]


def test_a_file_that_changed_meanwhile_is_fetched_whole(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    server.break_after = 1000
    with pytest.raises(InfrastructureError, match="what has arrived is kept"):
        fetch(server, tmp_path)
    server.body, server.etag = b"m\n2\n", '"two"'
    assert fetch(server, tmp_path).read_bytes() == b"m\n2\n"


@pytest.mark.parametrize(
    ("status", "error"), [(404, SourceError), (403, SourceError), (503, InfrastructureError)]
)
def test_refusals_are_told_apart(
    server: FileServer, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    server.status = status
    with pytest.raises(error, match=f"HTTP {status}") as caught:
        fetch(server, tmp_path)
    assert "canary" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="at most 1000 bytes"):
        fetch(server, tmp_path, max_bytes=1000)


def test_a_server_that_is_away_can_be_tried_again(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="Try again later"):
        fetch(server, tmp_path, uri="http://127.0.0.1:9/a.csv")


def test_a_download_becomes_a_table_and_is_reused(server: FileServer, tmp_path: Path) -> None:
    source = {"kind": "http", "uri": server.url}
    first, again = snapshot(tmp_path, source), snapshot(tmp_path, source)
    assert first.raw.rows == 5_000
    assert again.raw.is_reused
    assert "canary" not in first.model_dump_json()
