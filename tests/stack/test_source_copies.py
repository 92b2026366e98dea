"""A local file of the user's becomes a source that runs may read, with the test file beside it."""

import os
from pathlib import Path

import pytest

from include.errors import ParamError, SourceError
from include.settings import Settings
from include.stack.source_copies import adopt_source
from tests.builders import make_spec

PAIR = {"kind": "file", "uri": "train.csv", "test_uri": "test.csv"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def told() -> list[str]:
    return []


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(settings: Settings, place: str) -> str:
    return (Path(settings.sources) / place).read_text(encoding="utf-8")


def beside(place: str, name: str) -> str:
    return str(Path(place).with_name(name))


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
def test_a_kept_file_goes_where_scheduled_runs_look(settings, tmp_path, told, name):
    spec = make_spec(source={**PAIR, "uri": "income/train.csv"})
    path = write(tmp_path / "a" / name, "rows of a")
    write(tmp_path / "a" / "test.csv", "tests of a")
    kept = adopt_source(settings, spec, str(path), told.append, keep=True)
    assert kept == "income/train.csv"
    assert read(settings, "income/train.csv") == "rows of a"
    assert read(settings, "income/test.csv") == "tests of a"


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
def test_a_file_for_one_run_leaves_what_scheduled_runs_read(settings, tmp_path, told, name):
    spec = make_spec(source={"kind": "file", "uri": "train.csv"})
    write(Path(settings.sources) / "train.csv", "good rows")
    broken = write(tmp_path / "a" / name, "broken rows")
    place = adopt_source(settings, spec, str(broken), told.append)
    assert read(settings, place) == "broken rows"
    assert read(settings, "train.csv") == "good rows"


@pytest.mark.parametrize("uri", ["s3://bucket/train.csv", "train.parquet"])
def test_a_file_that_the_spec_could_not_read_is_not_kept(settings, tmp_path, told, uri):
    spec = make_spec(source={"kind": "file", "uri": uri})
    path = write(tmp_path / "train.csv", "rows")
    with pytest.raises(ParamError, match=r"must have the suffix .* without --keep"):
        adopt_source(settings, spec, str(path), told.append, keep=True)


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
def test_the_test_file_is_always_the_one_beside_the_source(settings, tmp_path, told, name):
    spec = make_spec(source=PAIR)
    for origin in ("a", "b"):
        path = write(tmp_path / origin / name, f"rows of {origin}")
        write(tmp_path / origin / "test.csv", f"tests of {origin}")
        place = adopt_source(settings, spec, str(path), told.append)
        assert read(settings, place) == f"rows of {origin}"
        assert read(settings, beside(place, "test.csv")) == f"tests of {origin}"


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
def test_a_test_file_that_is_not_there_is_named(settings, tmp_path, told, name):
    spec = make_spec(source=PAIR)
    earlier = write(tmp_path / "a" / name, "rows of a")
    write(tmp_path / "a" / "test.csv", "tests of a")
    adopt_source(settings, spec, str(earlier), told.append)
    path = write(tmp_path / "b" / name, "rows of b")
    with pytest.raises(ParamError, match=r"Received: no file .*/b/test\.csv"):
        adopt_source(settings, spec, str(path), told.append)
    assert "rows of b" not in {file.read_text() for file in settings.home.rglob("*.csv")}


def test_two_files_of_one_name_do_not_share_a_place(settings, tmp_path, told):
    spec = make_spec()
    places = {
        adopt_source(settings, spec, str(write(tmp_path / at / "mine.csv", at)), told.append): at
        for at in ("a", "b")
    }
    assert {place: read(settings, place) for place in places} == places
    assert len(places) == 2


def test_a_changed_file_of_the_same_size_and_time_is_copied_again(settings, tmp_path, told):
    spec = make_spec()
    path = write(tmp_path / "mine.csv", "one")
    adopt_source(settings, spec, str(path), told.append)
    before = path.stat()
    path.write_text("two", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read(settings, adopt_source(settings, spec, str(path), told.append)) == "two"


def test_an_unchanged_file_is_not_copied_again(settings, tmp_path, told):
    spec = make_spec()
    path = write(tmp_path / "mine.csv", "rows")
    for _ in range(2):
        adopt_source(settings, spec, str(path), told.append)
    assert len(told) == 1


def test_a_file_below_the_sources_is_read_where_it_lies(settings, told):
    path = write(Path(settings.sources) / "march" / "mine.csv", "rows")
    assert adopt_source(settings, make_spec(), str(path), told.append) == "march/mine.csv"
    assert told == []


@pytest.mark.parametrize("place", ["train.csv", "income/train.csv"])
def test_a_file_below_the_sources_is_kept_where_the_spec_names_it(settings, told, place):
    write(Path(settings.sources) / place, "rows of a")
    spec = make_spec(source={"kind": "file", "uri": "income/train.csv"})
    kept = adopt_source(settings, spec, f"{settings.sources}/{place}", told.append, keep=True)
    assert kept == "income/train.csv"
    assert read(settings, kept) == "rows of a"
    assert len(told) == (place != kept)


def test_a_link_counts_by_its_own_name_and_place(settings, tmp_path, told):
    spec = make_spec(source=PAIR)
    write(tmp_path / "store" / "0042.csv", "rows")
    write(tmp_path / "a" / "test.csv", "tests of a")
    (tmp_path / "a" / "train.csv").symlink_to(tmp_path / "store" / "0042.csv")
    place = adopt_source(settings, spec, str(tmp_path / "a" / "train.csv"), told.append)
    assert (Path(place).name, read(settings, place)) == ("train.csv", "rows")


def test_a_test_file_with_a_place_of_its_own_is_left_there(settings, tmp_path, told):
    spec = make_spec(source={**PAIR, "test_uri": "s3://bucket/test.csv"})
    path = write(tmp_path / "train.csv", "rows")
    assert read(settings, adopt_source(settings, spec, str(path), told.append)) == "rows"


def test_a_test_file_may_not_climb_out_of_the_sources(settings, tmp_path, told):
    spec = make_spec(source={**PAIR, "test_uri": "../../test.csv"})
    path = write(tmp_path / "a" / "b" / "train.csv", "rows")
    write(tmp_path / "test.csv", "tests")
    with pytest.raises(SourceError, match="must be plain"):
        adopt_source(settings, spec, str(path), told.append)


def test_a_uri_is_taken_as_it_is(settings, told):
    uri = "s3://bucket/mine.csv"
    assert adopt_source(settings, make_spec(), uri, told.append) == uri


def test_a_pipeline_without_a_file_takes_no_source(settings, tmp_path, told):
    spec = make_spec(source={"kind": "sql", "connection": "db", "query": "SELECT 1"})
    with pytest.raises(ParamError, match="Received: SOURCE=.*kind 'sql'"):
        adopt_source(settings, spec, str(write(tmp_path / "mine.csv", "rows")), told.append)


def test_a_local_file_is_not_copied_beside_an_object_store(tmp_path, told):
    settings = Settings(home=tmp_path, data_root="s3://bucket/data")
    path = write(tmp_path / "mine.csv", "rows")
    with pytest.raises(ParamError, match=r"Copy it to s3://bucket/data/sources/.*mine\.csv"):
        adopt_source(settings, make_spec(), str(path), told.append)
