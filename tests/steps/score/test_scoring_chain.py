"""New rows scored by a real champion: each once, what is broken set aside, nothing lost."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from include.errors import DataError, ParamError
from include.records import ScoringDetails
from include.serving.batch import BatchScorer
from include.serving.scoring_model import ScoringModel
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.score.inputs import find_new_inputs
from include.steps.score.predict_file import predict_file
from include.tables.readers import read_frame
from tests.builders import BASE_SPEC, make_spec
from tests.steps.score.scoring import promote_next, score, write_rows


def read_output(spec: PipelineSpec, version: str = "1") -> pd.DataFrame:
    place = Path(load_settings().data) / "predictions" / spec.name / f"model_version={version}"
    files = sorted(place.iterdir())
    return pd.concat([pq.ParquetFile(file).read().to_pandas() for file in files])


def test_each_file_is_scored_once_and_written_with_what_names_its_rows(spec, incoming):
    write_rows(spec, incoming, "monday.csv", 40)
    delivered = score(spec)
    assert (delivered.inputs, delivered.rows, delivered.version) == (1, 40, "1")
    write_rows(spec, incoming, "tuesday.csv", 30)
    assert score(spec, "two").rows == 30
    assert score(spec, "three") is None
    rows = read_output(spec)
    assert list(rows)[:4] == ["input", "row_id", "loan_id", "prediction"]
    assert rows["input"].value_counts().to_dict() == {"monday.csv": 40, "tuesday.csv": 30}
    assert set(rows["prediction"]) <= {"no", "yes"}
    assert rows[["probability_no", "probability_yes"]].sum(axis=1).round(5).eq(1).all()


def test_a_run_that_is_cleared_writes_the_same_bytes(spec, incoming):
    write_rows(spec, incoming, "a.csv")
    [place] = map(Path, score(spec).outputs)
    before = place.read_bytes()
    assert [Path(each) for each in score(spec, force=True).outputs] == [place]
    assert place.read_bytes() == before


def test_a_file_that_was_touched_is_not_scored_again_and_one_that_was_changed_is(spec, incoming):
    place = write_rows(spec, incoming, "a.csv", 40)
    score(spec)
    place.touch()
    assert score(spec, "two").inputs == 0
    assert score(spec, "three") is None
    write_rows(spec, incoming, "a.csv", 50)
    assert score(spec, "four").rows == 50
    assert len(read_output(spec)) == 50


def test_rows_that_break_the_contract_go_to_quarantine_and_the_rest_is_scored(spec, incoming):
    place = write_rows(spec, incoming, "a.csv", 40)
    lines = place.read_text().splitlines()
    age = lines[0].split(",").index("age")
    cells = [line.split(",") for line in lines]
    cells[3][age], cells[5][age], cells[7][age] = "7", "old", "130"
    place.write_text("\n".join(",".join(line) for line in cells) + "\n")
    delivered = score(spec)
    assert (delivered.rows, delivered.quarantined) == (37, 3)
    files = Path(load_settings().data) / "runs" / spec.name
    details = ScoringDetails.model_validate_json(next(files.rglob("scoring.json")).read_bytes())
    quarantine = read_frame(details.inputs[0].quarantine)
    assert sorted(quarantine["column"]) == ["age", "age", "age"]
    assert set(read_output(spec)["row_id"]).isdisjoint({2, 4, 6})


def test_one_bad_file_keeps_no_other_from_being_scored_and_is_named(spec, incoming):
    write_rows(spec, incoming, "good.csv", 40)
    (incoming / spec.name / "bad.csv").write_text("nothing,of,this\n1,2,3\n")
    with pytest.raises(DataError, match=r"bad\.csv.*The other 1 are delivered"):
        score(spec)
    assert len(read_output(spec)) == 40
    (incoming / spec.name / "bad.csv").unlink()
    assert score(spec, "two") is None


def test_a_new_version_scores_what_there_is_beside_what_the_old_one_said(spec, small, incoming):
    write_rows(spec, incoming, "a.csv", 40)
    score(spec)
    assert promote_next(small, spec.name, after="1") == "2"
    assert score(spec, "two").version == "2"
    assert len(read_output(spec, "1")) == len(read_output(spec, "2")) == 40


def test_shards_give_what_one_piece_gives(spec, incoming):
    write_rows(spec, incoming, "a.csv", 2_500)
    score(spec)
    whole = read_output(spec)
    divided = spec.replace(scoring=spec.scoring.model_copy(update={"shard_rows": 1_000}))
    assert score(divided, "two", force=True).rows == 2_500
    pd.testing.assert_frame_equal(
        read_output(spec).drop(columns="scored_at"), whole.drop(columns="scored_at"), atol=1e-6
    )


def test_without_a_champion_a_person_is_told_what_to_do(incoming):
    spec = make_spec(name="never_trained").to_score()
    assert find_new_inputs(spec, is_asked=False) == ("", [])
    with pytest.raises(ParamError, match="make run PIPELINE=never_trained"):
        find_new_inputs(spec, is_asked=True)


def test_a_database_gets_every_row_once_however_often_it_is_scored(
    spec, incoming, tmp_path, monkeypatch
):
    url = f"sqlite:///{tmp_path / 'out.db'}"
    monkeypatch.setenv("AIRFLOW_CONN_OUT", url)
    output = {"format": "sql", "connection": "out", "table": "scores"}
    spec = make_spec(name=spec.name, scoring={"output": output})
    write_rows(spec, incoming, "a.csv", 40)
    score(spec)
    score(spec, "two", force=True)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = pd.read_sql("SELECT * FROM scores", connection)
    assert len(found) == found["loan_id"].nunique() == 40


def test_a_csv_runs_no_formula_in_a_spreadsheet(spec, incoming):
    spec = make_spec(name=spec.name, scoring={"output": {"format": "csv"}})
    write_rows(spec, incoming, "a.csv", 3, loan_id=["=1+1", "-5", "@x"])
    [place] = map(Path, score(spec).outputs)
    assert list(pd.read_csv(place)["loan_id"]) == ["'=1+1", "-5", "'@x"]
    rows = incoming / spec.name / "a.csv"
    out = place.with_name("out.csv")
    predict_file(spec, load_settings(), rows, out)
    assert list(pd.read_csv(out)["loan_id"]) == ["'=1+1", "-5", "'@x"]


def test_a_file_is_scored_without_airflow_and_leaves_nothing_else(spec, incoming, tmp_path):
    place = write_rows(spec, incoming, "a.csv", 40, age=[7, *range(20, 59)])
    out = tmp_path / "out" / "scores.csv"
    out.parent.mkdir()
    done = predict_file(spec, load_settings(), place, out)
    assert (done.summary.rows, done.quarantined) == (39, 1)
    assert len(pd.read_csv(out)) == 39
    assert pd.read_csv(done.quarantine)["column"].tolist() == ["age"]
    left = sorted(each.name for each in out.parent.iterdir())
    assert left == ["scores.csv", "scores.quarantine.csv"]


def test_a_file_without_header_may_lack_the_target(spec, incoming):
    source = {"kind": "file", "uri": "loans.csv", "header": False}
    spec = make_spec(name=spec.name, source=source)
    place = write_rows(spec, incoming, "a.csv", 40)
    place.write_text("\n".join(place.read_text().splitlines()[1:]))
    assert score(spec).rows == 40


def test_rules_and_columns_that_are_left_out_are_told(spec, incoming):
    rule = {"expect": "expect_column_values_to_not_be_null", "column": "note"}
    kept = {"expect": "expect_column_values_to_not_be_null", "column": "age", "mostly": 0.5}
    columns = [*BASE_SPEC["columns"], {"name": "note", "kind": "id"}]
    spec = make_spec(
        name=spec.name, columns=columns, quality=[kept, rule], scoring={"key": ["loan_id"]}
    )
    write_rows(spec, incoming, "a.csv", 40, extra=1)
    delivered = score(spec)
    assert delivered.rows == 40
    assert [text.partition(": ")[2] for text in delivered.warnings if "a.csv" in text] == [
        "quality.1 not checked: their columns are not there",
        "columns not in the contract, dropped: ['extra']",
    ]


def test_rows_that_look_back_beyond_their_input_are_told(spec, incoming):
    cleaning = {"lags": [{"column": "income", "lags": [1], "windows": [24]}], "group_by": "job"}
    spec = make_spec(name=spec.name, cleaning=cleaning)
    write_rows(spec, incoming, "a.csv", 40)
    [told] = [text for text in score(spec).warnings if "a.csv" in text]
    assert told.endswith("its first 24 rows of each job lack some; let it begin earlier")


def test_a_column_named_like_those_of_predictions_names_no_row(small):
    model = ScoringModel.load(small.directory)
    with pytest.raises(ParamError, match=r"Received: \['input', 'probability_x'\]"):
        BatchScorer(model, version="1", names=["loan_id", "input", "probability_x"])
