from pathlib import Path

import pytest
from upath import UPath

from include.tables.run_files import RunFiles, replace_file, write_atomically
from tests.builders import make_run


def test_files_are_written_and_read_back(tmp_path: Path) -> None:
    files = RunFiles(str(tmp_path), make_run())
    uri = files.write_bytes("costs/ingest.json", b"{}")
    assert uri == files.uri("costs/ingest.json")
    assert files.exists("costs/ingest.json")
    assert files.read_bytes("costs/ingest.json") == b"{}"
    assert not files.exists("costs/other.json")


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    files = RunFiles(str(tmp_path), make_run())
    for content in (b"one", b"two"):
        files.write_bytes("a.txt", content)
    assert [path.name for path in Path(files.directory).iterdir()] == ["a.txt"]
    assert files.read_bytes("a.txt") == b"two"


def test_runs_have_directories_of_their_own(tmp_path: Path) -> None:
    runs = [make_run(run_id="manual__a+b"), make_run(run_id="manual__a b"), make_run(dag_id="x")]
    assert len({RunFiles(str(tmp_path), run).directory for run in runs}) == 3


@pytest.mark.parametrize("name", ["", "../x", "/x", "a//b", "a/./b", "a\x00"])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        RunFiles(str(tmp_path), make_run()).write_bytes(name, b"")


def test_libraries_get_a_local_directory(tmp_path: Path) -> None:
    assert RunFiles(str(tmp_path), make_run()).local_directory.is_relative_to(tmp_path)
    assert RunFiles("memory://runs", make_run()).local_directory.is_dir()


def test_an_object_store_works_as_root() -> None:
    files = RunFiles("memory://runs", make_run())
    assert files.read_bytes("a.txt") == b"x" if files.write_bytes("a.txt", b"x") else False


@pytest.mark.parametrize("place", ["local", "memory://replaced"])
def test_a_file_that_is_not_finished_never_shows(tmp_path: Path, place: str) -> None:
    path = UPath(str(tmp_path / "a.bin") if place == "local" else f"{place}/a.bin")
    write_atomically(path, b"before")
    writing = replace_file(path)
    writing.__enter__().write(b"half of it")
    assert not writing.__exit__(ValueError, ValueError("half"), None)
    assert path.read_bytes() == b"before"
