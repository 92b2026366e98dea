from pathlib import Path

import duckdb
import pandas as pd
import pytest

from include.values.duck import open_duckdb, parquet_scan, quote_name


def test_bounds_are_set_and_nothing_is_downloaded() -> None:
    with open_duckdb(memory_mb=300, threads=1) as duck:
        query = "SELECT name, value FROM duckdb_settings()"
        settings = dict(duck.execute(query).fetchall())
        assert settings["threads"] == "1"
        assert settings["memory_limit"].startswith("286")
        assert settings["TimeZone"] == "UTC"
        assert Path(settings["temp_directory"]).exists()
        with pytest.raises(duckdb.Error, match="extension"):
            duck.execute("LOAD spatial")
    assert not Path(settings["temp_directory"]).exists()


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    name = 'a"b; DROP TABLE x; --'
    path = tmp_path / "it's.parquet"
    pd.DataFrame({name: [1, 2]}).to_parquet(path)
    with open_duckdb() as duck:
        query = f"SELECT sum({quote_name(name)}) FROM {parquet_scan([str(path)])}"
        assert duck.execute(query).fetchone() == (3,)
