import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.errors import ParamError, TrackingUnavailableError
from include.explaining.importance import Budget
from include.promotion.gates import decide
from include.records import EvaluateRecord
from include.records.explanations import Explanations
from include.serving.network_file import load_network
from include.serving.replay import GoldenRows
from include.serving.scoring_model import ScoringModel
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.model import EvaluationSpec
from include.specs.promotion import PromotionSpec
from include.steps.evaluate.explanations import Candidate, find_reference_row, rank_columns
from include.steps.evaluate.files import read_preprocessor
from include.steps.evaluate.part_metrics import measure_test_slices, score_test_rows
from include.steps.evaluate.stored_rows import find_test_row
from include.steps.judge import judge, read_evidence
from include.steps.promote import promote as promote_candidate
from include.steps.train.feature_arrays import read_schema
from include.tables.store import read_frame
from include.tracking.runs import open_run
from tests.builders import make_frame
from tests.steps.trained import Trained, make_named_spec, promote


@pytest.fixture(scope="module", autouse=True)
def _root(mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give all tests of this file one data root, so that they can share what was trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEHOUSE_DATA_ROOT", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def case() -> Trained:
    return Trained(make_named_spec("evaluated"))


@pytest.fixture(scope="module")
def evaluated(case: Trained) -> EvaluateRecord:
    return case.evaluate()


def test_it_measures_the_candidate_and_leaves_what_the_report_needs(
    case: Trained, evaluated: EvaluateRecord
) -> None:
    assert evaluated.test.rows == case.prepared.test_rows
    assert tuple(evaluated.test.metrics) == case.spec.metric_names
    assert evaluated.validation is not None
    assert evaluated.test.metrics["accuracy"] > 0.7 > evaluated.baseline.metrics["accuracy"]
    assert (evaluated.champion, evaluated.champion_version, evaluated.comparison) == (
        None,
        "",
        None,
    )
    assert decide(case.spec, read_evidence(evaluated)).kind == "promote"
    assert len(evaluated.model_dump_json()) < 8_000
    assert [Path(name).stem for name in evaluated.figures] == [
        "loss_by_epoch",
        "accuracy_by_epoch",
        "confusion_matrix",
        "roc_curves",
        "precision_and_recall",
        "calibration",
    ]
    assert all(case.files.read_bytes(name)[:4] == b"<svg" for name in evaluated.figures)
    details = json.loads(case.files.read_bytes("details.json"))
    assert {row["column"] for row in details["slices"]} == {"job", "age"}
    jobs = [row for row in details["slices"] if row["column"] == "job"]
    assert sum(row["rows"] for row in jobs) == evaluated.test.rows
    assert len(details["history"]) == case.trained.epochs
    log = open_run(load_settings(), case.run)
    metrics = log.client.get_run(log.run_id).data.metrics
    assert {"test/accuracy", "validation/accuracy", "baseline/accuracy"} <= set(metrics)
    assert metrics["Deciding: log_loss"] == metrics["test/log_loss"]
    assert min(metrics) == "Deciding: log_loss"
    paths = {each.path for each in log.client.list_artifacts(log.run_id)}
    assert {"details.json", "figures", "history.csv"} <= paths
    assert evaluated.bundle_uri.startswith("models:/m-")


def test_the_bundle_gives_the_predictions_of_the_run(
    case: Trained, evaluated: EvaluateRecord
) -> None:
    import mlflow

    golden = GoldenRows.model_validate_json(case.files.read_bytes("golden.json"))
    assert set(golden.classes) == {"no", "yes"}
    mlflow.set_tracking_uri(load_settings().mlflow)
    place = mlflow.artifacts.download_artifacts(artifact_uri=evaluated.bundle_uri)
    model = ScoringModel.load(Path(place) / "data" / "bundle")
    rows = read_frame(case.prepared.features, part="test_rows").head(len(golden.predictions))
    answer = model.predict(rows)[[f"probability_{name}" for name in golden.classes]]
    np.testing.assert_allclose(answer.to_numpy(), golden.predictions, atol=golden.tolerance)


def test_a_better_candidate_is_compared_on_the_same_rows_and_wins() -> None:
    name = "compared"
    weak = make_named_spec(name, training={"epochs": 1, "learning_rate": 1e-5})
    first = Trained(weak, "first")
    version = promote(weak, first.evaluate(), first.run)
    better = Trained(make_named_spec(name), "second")
    evaluated = better.evaluate()
    assert evaluated.champion_version == version
    assert evaluated.champion is not None
    assert evaluated.champion.rows == evaluated.test.rows
    assert evaluated.comparison is not None
    assert evaluated.comparison.error == ""
    assert evaluated.comparison.low is not None
    assert evaluated.comparison.low > 0
    assert decide(better.spec, read_evidence(evaluated)).kind == "promote"
    same = first.evaluate()
    assert same.comparison is not None
    assert same.comparison.difference == pytest.approx(0, abs=1e-6)
    assert decide(weak, read_evidence(same)).kind == "keep"
    log = open_run(load_settings(), better.run)
    metrics = log.client.get_run(log.run_id).data.metrics
    assert {"champion/log_loss", "comparison/difference", "comparison/low"} <= set(metrics)


def fail_to_load(*_: object) -> ScoringModel:
    raise ValueError("its files are gone")


def lose_connection(*_: object) -> ScoringModel:
    raise TrackingUnavailableError("the server does not answer")


def test_a_champion_that_cannot_score_never_leads_to_promotion(
    case: Trained, evaluated: EvaluateRecord
) -> None:
    promote(case.spec, evaluated, case.run)
    failed = case.evaluate(load_champion=fail_to_load)
    assert failed.champion is None
    assert failed.comparison is not None
    assert failed.comparison.error == "ValueError: its files are gone"
    assert failed.comparison.candidate == failed.test.metrics["log_loss"]
    verdict = decide(case.spec, read_evidence(failed))
    assert verdict.kind == "inconclusive"
    assert "its files are gone" in verdict.reason
    with pytest.raises(TrackingUnavailableError, match="does not answer"):
        case.evaluate(load_champion=lose_connection)


def test_a_champion_is_not_measured_on_rows_it_cannot_read() -> None:
    name = "unreadable"
    first = Trained(make_named_spec(name), "first")
    promote(first.spec, first.evaluate(), first.run)
    rows = make_frame(400)
    recoded = rows.assign(job=rows["job"].str.upper())
    second = Trained(make_named_spec(name), "second", frame=recoded)
    evaluated = second.evaluate()
    assert evaluated.champion is None
    assert evaluated.comparison is not None
    assert "column 'job' has other values than it knows in 100%" in evaluated.comparison.error
    verdict = decide(second.spec, read_evidence(evaluated))
    assert verdict.kind == "inconclusive"
    assert "no longer understands the rows" in verdict.reason


def test_a_champion_of_another_split_is_no_fair_rival() -> None:
    name = "split_anew"
    first = Trained(make_named_spec(name), "first")
    evaluated = first.evaluate()
    verdict = judge(first.spec, first.run, evaluated)
    assert promote_candidate(first.spec, first.run, verdict, evaluated).is_promoted
    same = Trained(make_named_spec(name, training={"epochs": 1}), "same").evaluate()
    assert same.comparison is not None
    assert same.comparison.error == ""
    other = Trained(make_named_spec(name, split={"seed": 7}), "other")
    evaluated = other.evaluate()
    assert evaluated.comparison is not None
    assert "it trained on " in evaluated.comparison.error
    assert "too few to compare on" in evaluated.comparison.error
    assert decide(other.spec, read_evidence(evaluated)).kind == "inconclusive"


def test_rows_that_the_champion_trained_on_are_left_out_of_the_comparison() -> None:
    name, rows = "reordered", make_frame(1_500)
    training = {"epochs": 2, "early_stopping": None}
    first = Trained(make_named_spec(name, training=training), "first", frame=rows)
    promote(first.spec, first.evaluate(), first.run)
    shuffled = rows.sample(frac=1.0, random_state=3).reset_index(drop=True)
    shuffled["row_id"] = rows["row_id"].to_numpy()
    second = Trained(make_named_spec(name), "second", frame=shuffled)
    evaluated = second.evaluate()
    values = [column for column in rows if column != "row_id"]
    test = read_frame(second.prepared.features, part="test_rows")[values]
    own = read_frame(first.prepared.features, part="test_rows")[values]
    unseen = len(test.merge(own.drop_duplicates(), on=values))
    evidence = read_evidence(evaluated)
    kept = evidence.rows - evidence.rows_left_out
    assert 20 <= unseen < evidence.rows / 3
    assert abs(kept - unseen) <= 2  # the filter errs in 0.3 % of the rows
    assert evaluated.champion is not None
    assert evaluated.champion.rows == kept
    gate = decide(second.spec, evidence).gates[-1]
    assert f"compared on {kept} of {evidence.rows} test rows" in gate.detail


def test_tries_on_the_same_rows_are_counted_over_runs() -> None:
    name = "tried"
    first = Trained(make_named_spec(name), "first")
    promote(first.spec, first.evaluate(), first.run)
    counts = []
    for seed in (1, 2, 2):
        training = {"epochs": 2, "seed": seed, "early_stopping": None}
        again = Trained(make_named_spec(name, training=training), f"seed {seed}")
        counts.append(read_evidence(again.evaluate()).tries.number)
    assert counts == [1, 2, 2]
    fresh = Trained(make_named_spec(name), "fresh", frame=make_frame(400, seed=9))
    assert read_evidence(fresh.evaluate()).tries.number == 1


def test_the_run_tells_why_the_candidate_says_so(case: Trained, evaluated: EvaluateRecord) -> None:
    found = Explanations.model_validate_json(case.files.read_bytes("explanations.json"))

    assert evaluated.explanations_uri.endswith("explanations.json")
    ranked = found.importances
    assert ranked is not None
    assert (ranked.metric, ranked.rows, ranked.repeats) == ("log_loss", evaluated.test.rows, 5)
    assert ranked.baseline == pytest.approx(evaluated.test.metrics["log_loss"])
    assert ranked.columns[0].column == "income"  # which decides `repaid`
    assert ranked.columns[0].value > 3 * abs(ranked.columns[1].value)
    assert {each.column for each in ranked.columns} == {
        *("age", "income", "married", "job", "opened")
    }
    assert found.notes == ()
    losses = pd.read_parquet(io.BytesIO(case.files.read_bytes("predictions.parquet"))).set_index(
        "row_id"
    )["candidate_probability_of_actual"]
    assert found.hardest[0].row == str(losses.idxmin())
    assert [each.said for each in found.hardest] != [each.actual for each in found.hardest]
    for row in (*found.sample, *found.hardest):
        total = sum(each.amount for each in row.attributions)
        assert total == pytest.approx(row.output - row.reference_output, abs=0.02)


def test_a_sample_of_the_rows_is_ranked_with_its_worst_slice_of_numbers(case: Trained) -> None:
    features, schema = case.prepared.features, read_schema(case.prepared.features)
    preprocessor = read_preprocessor(features)
    network = load_network(Path(case.trained.model_uri))
    test = score_test_rows(network, features, schema)
    spec = case.spec.model_copy(update={"evaluation": EvaluationSpec(slices=("income",))})
    slices = tuple(
        each.model_copy(update={"rows": 100}) for each in measure_test_slices(spec, schema, test)
    )
    reference = find_reference_row(features, preprocessor)
    candidate = Candidate(network, preprocessor, reference, features, test, slices)

    ranked = rank_columns(spec, candidate, Budget(rows=30, repeats=2))

    assert ranked is not None
    assert (ranked.rows, ranked.of_rows, ranked.repeats) == (30, len(test.y), 2)
    worst = max(slices, key=lambda each: each.metrics["log_loss"])
    assert ranked.slice_name == f"income = {worst.value}"
    assert 0 < ranked.slice_rows < 30


def test_a_test_row_is_found_by_its_number_or_its_id(case: Trained) -> None:
    rows = read_frame(case.prepared.features, part="test_rows")
    number, loan = str(rows["row_id"].iloc[3]), str(rows["loan_id"].iloc[3])

    for key in (number, loan):
        found, actual = find_test_row(load_settings(), case.spec, key)
        assert found["loan_id"].tolist() == [loan]
        assert actual == rows["repaid"].iloc[3]
    with pytest.raises(ParamError, match="Received: 'nobody'. The report names some"):
        find_test_row(load_settings(), case.spec, "nobody")


def test_the_reference_is_fitted_once_and_held_against_the_candidate() -> None:
    first, again = (Trained(make_named_spec("referenced"), each) for each in ("first", "again"))
    evaluated, repeated = first.evaluate(), again.evaluate()
    evidence = read_evidence(evaluated)

    assert evaluated.reference is not None
    assert evaluated.reference.rows == evaluated.test.rows
    assert evidence.reference is not None
    assert evidence.reference.metrics == evaluated.reference.metrics
    assert evidence.reference.metrics["accuracy"] > 0.7
    fits = [
        Explanations.model_validate_json(each.files.read_bytes("explanations.json")).reference
        for each in (first, again)
    ]
    assert [fit.is_reused for fit in fits if fit] == [False, True]
    assert [fit.rows for fit in fits if fit] == [first.prepared.train_rows] * 2
    assert repeated.reference == evaluated.reference
    told = {each.name: each for each in fits[0].metrics} if fits[0] else {}
    gap = evidence.reference.gaps["log_loss"]
    assert told["log_loss"].difference == gap.value
    assert told["log_loss"].low is not None
    assert told["log_loss"].low < gap.value
    log = open_run(load_settings(), first.run)
    metrics = log.client.get_run(log.run_id).data.metrics
    assert metrics["reference/log_loss"] == pytest.approx(evaluated.reference.metrics["log_loss"])


def test_stated_costs_choose_a_threshold_and_no_reference_is_told() -> None:
    evaluation = {
        "costs": {"false_positive": 1, "false_negative": 10},
        "reference": "none",
        "slices": ["job"],
    }
    case = Trained(make_named_spec("costly", evaluation=evaluation))
    evaluated = case.evaluate()
    found = Explanations.model_validate_json(case.files.read_bytes("explanations.json"))

    assert found.threshold is not None
    assert found.threshold.threshold < 0.5
    assert found.threshold.validation_rows == case.prepared.validation_rows
    assert found.reference is not None
    assert "asks for none" in found.reference.note
    assert evaluated.reference is None
    verdict = decide(
        case.spec.model_copy(update={"promotion": PromotionSpec(beat_reference=True)}),
        read_evidence(evaluated),
    )
    assert verdict.kind == "keep"
    assert "no reference to beat: the pipeline asks for none" in verdict.reason


def test_what_was_predicted_is_kept_row_by_row(case: Trained, evaluated: EvaluateRecord) -> None:
    kept = pd.read_parquet(io.BytesIO(case.files.read_bytes("predictions.parquet")))
    assert len(kept) == evaluated.test.rows
    is_right = (kept["actual"] == kept["candidate"]).mean()
    assert is_right == pytest.approx(evaluated.test.metrics["accuracy"])
    likelihood = kept["candidate_probability_of_actual"].clip(lower=1e-7)
    assert -np.log(likelihood).mean() == pytest.approx(evaluated.test.metrics["log_loss"], abs=1e-5)


def test_a_regression_gets_its_own_metrics_and_figures() -> None:
    spec = make_named_spec(
        "priced",
        target={"column": "income", "task": "regression"},
        promotion={},
        evaluation={"slices": ["repaid"], "metrics": ["mae", "r2"]},
    )
    columns = [
        {**column, "nulls": 0.0} if column["name"] == "income" else column
        for column in spec.model_dump(mode="json", exclude_unset=True)["columns"]
    ]
    spec = PipelineSpec.model_validate(
        {
            **spec.model_dump(mode="json", exclude_unset=True),
            "columns": columns,
            "cleaning": {"missing_target": "drop"},
        }
    )
    case = Trained(spec)
    evaluated = case.evaluate()
    assert set(evaluated.test.metrics) == {"mae", "r2", "rmse"}
    assert [Path(name).stem for name in evaluated.figures] == [
        "loss_by_epoch",
        "mae_by_epoch",
        "predicted_and_actual",
        "residuals",
    ]
    golden = GoldenRows.model_validate_json(case.files.read_bytes("golden.json"))
    assert (golden.classes, len(golden.predictions[0])) == ((), 1)
