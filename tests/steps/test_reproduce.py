"""A version made again from its records: equal, or different and at which step first."""

from pathlib import Path

import pytest

from include.errors import ParamError
from include.records import Origin, Reproduction
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_specs
from include.stack.releases import reproduce_in_release
from include.steps.reproduce import compare_today, read_records, reproduce
from tests.builders import make_frame, make_run, make_spec
from tests.bundle_builders import make_bundle
from tests.steps.test_chain import run_chain
from tests.steps.trained import promote

ROWS = 300


@pytest.fixture
def spec(
    request: pytest.FixtureRequest, mlflow_server: str, data_root: Path, monkeypatch
) -> PipelineSpec:
    """A pipeline of its own for each test, whose version 1 was trained from a file."""
    monkeypatch.setenv("GATEHOUSE_HOME", str(data_root.parent))
    name = request.node.name[5:55].rstrip("_")
    spec = make_spec(name=name)
    make_frame(ROWS).drop(columns="row_id").to_csv(data_root / "sources/loans.csv", index=False)
    run = make_run(pipeline=name, dag_id=f"train__{name}", run_id="one")
    promote(spec, run_chain(spec, run)["evaluated"], run)
    return spec


def make_again(
    spec: PipelineSpec, monkeypatch, tmp_path: Path, *, kept_in: str = "", said: list | None = None
) -> Reproduction:
    """Reproduce version 1 with a data root of its own, as the command does."""
    settings = load_settings()
    monkeypatch.setenv("GATEHOUSE_RELATIVE_SOURCES", settings.sources)
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", str(tmp_path / "scratch"))
    tell = (said if said is not None else []).append
    return reproduce(spec.name, "1", now=spec, kept_in=kept_in or settings.data, tell=tell)


def outcomes(found: Reproduction) -> dict[str, str]:
    return {each.name: each.outcome for each in found.stages}


def test_the_same_rows_code_and_seed_make_the_same_model(spec, monkeypatch, tmp_path):
    said: list[str] = []
    found = make_again(spec, monkeypatch, tmp_path, said=said)
    expected = ["ingest", "features", "weights", "predictions", "metrics"]
    assert outcomes(found) == dict.fromkeys(expected, "equal")
    assert len(said) == 5
    assert f"ingest: equal, {ROWS} rows " in said[0]
    assert f"features: equal, {ROWS} rows " in said[1]
    assert found.sentence == "version 1 comes out equal"


def test_rows_that_the_source_no_longer_has_are_taken_from_where_they_are_kept(
    spec, monkeypatch, tmp_path, data_root
):
    frame = make_frame(301).drop(columns="row_id")
    frame.to_csv(data_root / "sources/loans.csv", index=False)
    found = make_again(spec, monkeypatch, tmp_path)
    assert "the source holds other rows now" in found.stages[0].detail
    assert found.sentence == "version 1 comes out equal"


def test_rows_that_are_gone_everywhere_make_another_model(spec, monkeypatch, tmp_path, data_root):
    frame = make_frame(320).drop(columns="row_id")
    frame.to_csv(data_root / "sources/loans.csv", index=False)
    found = make_again(spec, monkeypatch, tmp_path, kept_in=str(tmp_path / "empty"))
    assert set(outcomes(found).values()) == {"different"}


def test_what_is_not_as_it_was_is_said_before_anything_is_trained(spec):
    origin = read_records(spec.name, "1").origin
    assert list(compare_today(origin, spec)) == []
    module = "include.features.splits"
    other = origin.model_copy(
        update={
            "code": {**origin.code, module: "0"},
            "libraries": {**origin.libraries, "numpy": "1.0"},
        }
    )
    file, code, library = compare_today(other, make_spec(name=spec.name, min_rows=7))
    assert "min_rows was not set, and is 7" in file
    assert module in code
    assert "changes that were not committed" in code
    assert library.startswith("numpy was 1.0, and is ")
    *_, advice = compare_today(other.model_copy(update={"revision": "0" * 40}), spec)
    assert advice.startswith("add --restore ")


def test_a_version_of_todays_code_and_libraries_needs_no_other_release(spec):
    assert reproduce_in_release(load_settings(), spec.name, "1", print) is None


def test_a_version_from_before_the_records_says_what_to_do(mlflow_server, tmp_path, monkeypatch):
    from tests.steps.score.test_scoring_chain import promote_next

    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    promote_next(make_bundle(tmp_path), "from_before")
    with pytest.raises(ParamError, match="Train it again"):
        read_records("from_before", "1")
    with pytest.raises(ParamError, match="Received: 9"):
        read_records("from_before", "9")


def test_every_shipped_pipeline_comes_back_from_its_json_as_it_was():
    for entry in load_pipeline_specs(load_settings().pipelines_dir):
        assert entry.spec is not None
        origin = Origin(spec=entry.spec, features="", code={}, libraries={})
        assert Origin.model_validate_json(origin.model_dump_json()).spec == entry.spec
