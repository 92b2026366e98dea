"""Removal takes what one pipeline or run stored, and nothing beside it."""

from pathlib import Path

import pandas as pd
import pytest

from include.tables.removal import remove_run, remove_tables
from include.tables.run_files import RunFiles
from include.tables.store import TableStore
from tests.builders import make_run


def test_the_tables_of_one_pipeline_go_and_the_others_stay(tmp_path: Path) -> None:
    store = TableStore(str(tmp_path))
    for pipeline in ("loans", "loans_probe"):
        for kind in ("raw", "features"):
            with store.write(kind, pipeline, "0123456789abcdef", made_from={}) as writer:
                writer.append(pd.DataFrame({"x": [1]}))
    remove_tables(str(tmp_path), "loans_probe")
    remove_tables(str(tmp_path), "never_there")
    assert store.find("raw", "loans", "0123456789abcdef") is not None
    assert store.find("raw", "loans_probe", "0123456789abcdef") is None
    assert not list(tmp_path.glob("tables/*/loans_probe"))


@pytest.mark.parametrize("name", ["../loans", "", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        remove_tables(str(tmp_path), name)


def test_the_files_of_one_run_go_and_the_others_stay(tmp_path: Path) -> None:
    runs = [make_run(run_id=f"manual__{number}") for number in range(2)]
    for run in runs:
        RunFiles(str(tmp_path), run).write_bytes("a.json", b"{}")
    remove_run(str(tmp_path), runs[0])
    assert not RunFiles(str(tmp_path), runs[0]).exists("a.json")
    assert RunFiles(str(tmp_path), runs[1]).exists("a.json")
    remove_run(str(tmp_path), runs[1])
    assert not list(tmp_path.glob("runs/*"))


def test_an_object_store_is_cleared_too() -> None:
    root, run = "memory://removal/data", make_run()
    files = RunFiles(root, run)
    files.write_bytes("a.json", b"{}")
    remove_run(root, run)
    assert not files.exists("a.json")
