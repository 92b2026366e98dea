"""Sources and tables in an object store, tried on an S3 server."""

import io
from pathlib import Path

import pandas as pd
import pytest
import s3fs

from include.errors import InfrastructureError, SourceError
from include.tables.layout import open_root
from include.tables.storage_errors import explain_storage_errors
from include.tables.store import TableStore, read_frame
from tests.builders import make_frame
from tests.table_builders import snapshot

KEY = "0123456789abcdef"
CSV = "n,x,c\n1,2.5,a\n2,,b\n3,0.5,a\n"


def put(uri: str, content: str | bytes) -> str:
    """Write an object and return its address."""
    path = open_root(uri)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return uri


def to_parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def test_one_object_a_glob_and_a_partitioned_directory_are_read(bucket: str, tmp_path: Path):
    single = put(f"{bucket}/in/a.csv", CSV)
    frame = pd.read_csv(io.StringIO(CSV))
    for place, row in enumerate(frame.itertuples(index=False)):
        part = frame.iloc[place : place + 1]
        put(f"{bucket}/many/part-{place}.parquet", to_parquet(part))
        rows = part.drop(columns="c").to_csv(index=False)
        put(f"{bucket}/tree/{place}/c={row.c}/rows.csv", rows)

    keys = {
        uri: snapshot(tmp_path, {"kind": "file", "uri": uri}).raw.key
        for uri in (single, f"{bucket}/many/*.parquet", f"{bucket}/many", f"{bucket}/tree")
    }

    assert len(set(keys.values())) == 1, keys


def test_an_unchanged_object_is_not_read_again_and_a_changed_one_is(bucket: str, tmp_path: Path):
    source = {"kind": "file", "uri": put(f"{bucket}/a.csv", CSV)}
    first = snapshot(tmp_path, source)

    assert snapshot(tmp_path, source).raw.is_reused
    put(f"{bucket}/a.csv", CSV + "4,1.0,b\n")
    changed = snapshot(tmp_path, source)

    assert (first.raw.rows, changed.raw.rows) == (3, 4)
    assert not changed.raw.is_reused


def test_a_table_appears_whole_and_a_half_written_one_is_none(bucket: str):
    store, frame = TableStore(f"{bucket}/data"), make_frame(50)
    with store.write("features", "demo", KEY, made_from={}) as writer:
        writer.append(frame, part="train")
        writer.add_file("schema.json", b"{}")
        assert store.find("features", "demo", KEY) is None
    found = store.find("features", "demo", KEY)
    assert found is not None
    pd.testing.assert_frame_equal(read_frame(found), frame)

    put(f"{found.uri}/train-00000.parquet", b"PAR1")
    assert store.find("features", "demo", KEY) is None
    open_root(f"{found.uri}/_manifest.json").unlink()
    assert store.find("features", "demo", KEY) is None


def test_what_is_not_there_is_named(bucket: str, tmp_path: Path):
    with pytest.raises(SourceError, match=r"expected a source at .*/none\.csv"):
        snapshot(tmp_path, {"kind": "file", "uri": f"{bucket}/none.csv"})


def test_a_store_that_is_away_is_tried_again_later(bucket: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()

    with (
        pytest.raises(InfrastructureError, match="See whether it is up"),
        explain_storage_errors(bucket),
    ):
        snapshot(tmp_path, {"kind": "file", "uri": f"{bucket}/a.csv"})
