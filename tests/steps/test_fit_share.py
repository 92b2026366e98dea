"""The step `fit_share`: the same fit on fewer rows, in a nested run of its own."""

import numpy as np
import pytest

from include.errors import TrainingError
from include.modeling.row_shares import choose_rows
from include.records import PrepareRecord, RunContext, TrainRecord
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.fit_share import fit_share
from include.steps.train import train
from include.steps.train.feature_arrays import read_arrays, read_schema
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.steps.prepared import prepare_rows

pytestmark = pytest.mark.usefixtures("mlflow_server", "data_root")
Trained = tuple[PipelineSpec, RunContext, PrepareRecord, TrainRecord]


@pytest.fixture
def trained(request: pytest.FixtureRequest) -> Trained:
    """Train a candidate in a run of its own for each test."""
    spec, run = make_spec(), make_run(run_id=request.node.name, learning_curve=True)
    prepared = prepare_rows(spec, run)
    return spec, run, prepared, train(spec, run, prepared)


def nested_runs(run: RunContext) -> dict[str, object]:
    log = open_run(load_settings(), run)
    found = log.client.search_runs(
        [log.experiment_id], f"tags.`mlflow.parentRunId` = '{log.run_id}'"
    )
    return {each.info.run_name: each for each in found}


def test_a_share_is_fitted_and_measured_in_a_nested_run(trained: Trained) -> None:
    spec, run, prepared, candidate = trained
    point = fit_share(spec, run, prepared, candidate, share=0.25)
    assert point.rows == int(np.ceil(prepared.train_rows / 4))
    assert point.epochs == 2
    assert {"accuracy", "log_loss"} <= set(point.metrics)
    assert len(point.model_dump_json()) < 8_000
    nested = nested_runs(run)["learning curve 25%"]
    assert nested.info.run_id == point.run_id
    assert nested.info.status == "FINISHED"
    assert nested.data.metrics["test/log_loss"] == point.metrics["log_loss"]
    assert nested.data.params["rows"] == str(point.rows)
    assert nested.data.tags["gatehouse.kind"] == "learning_curve"
    again = fit_share(spec, run, prepared, candidate, share=0.25)
    assert (again.metrics, again.run_id) == (point.metrics, point.run_id)


def test_all_rows_are_the_candidate_itself(trained: Trained) -> None:
    spec, run, prepared, candidate = trained
    point = fit_share(spec, run, prepared, candidate, share=1.0)
    assert (point.rows, point.epochs) == (prepared.train_rows, candidate.epochs)
    assert point.seconds == candidate.seconds
    assert "learning curve 100%" in nested_runs(run)


def test_chosen_rows_are_read_in_their_order(trained: Trained) -> None:
    _, _, prepared, _ = trained
    schema = read_schema(prepared.features)
    whole = read_arrays(prepared.features, schema, "train")
    keep = choose_rows(np.arange(whole.rows), 0.3)
    some = read_arrays(prepared.features, schema, "train", keep=keep)
    for name, values in some.inputs.items():
        np.testing.assert_array_equal(values, whole.inputs[name][keep])
    np.testing.assert_array_equal(some.y, whole.y[keep])


def test_a_fit_that_fails_fails_its_nested_run_only(trained: Trained) -> None:
    spec, run, prepared, candidate = trained
    wild = make_spec(training={"epochs": 2, "learning_rate": 1e30, "early_stopping": None})
    with pytest.raises(TrainingError, match="must be finite"):
        fit_share(wild, run, prepared, candidate, share=0.5)
    assert nested_runs(run)["learning curve 50%"].info.status == "FAILED"
    assert (
        open_run(load_settings(), run)
        .client.get_run(open_run(load_settings(), run).run_id)
        .info.status
        == "RUNNING"
    )
    assert spec.training.learning_rate == 0.001
