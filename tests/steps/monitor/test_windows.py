"""Windows of scored rows: what drifted, what a policy makes of it, each delivery looked at once."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.monitoring.reference import build_reference
from include.records import ColumnDrift, ScoredInput, Window
from include.records.monitoring import TOGETHER
from include.serving.bundle import Bundle
from include.steps.monitor import decide, name_delivery
from include.steps.monitor.comparing import Watched, compare_tables
from include.steps.monitor.performance import estimate_scored
from include.steps.monitor.windows import Windows
from include.tables.store import TableStore
from tests.builders import make_frame, make_spec
from tests.bundle_builders import make_bundle

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle")).bundle


def store_rows(root, frame: pd.DataFrame):
    with TableStore(str(root)).write("checked", "loans", None, made_from={}) as writer:
        writer.append(frame)
    return writer.ref


def make_window(*drifted: str, at: datetime = MONDAY, starts: bool = False) -> Window:
    columns = tuple(ColumnDrift(name=name, state="drift", rows=1) for name in drifted)
    columns += (ColumnDrift(name="age", state="stable", rows=1),)
    started_at = at if starts else None
    return Window(version="1", at=at, inputs=("a",), rows=1, columns=columns, started_at=started_at)


def test_a_column_that_moved_is_found_among_those_that_did_not(tmp_path, bundle):
    before, now = make_frame(600, seed=1), make_frame(400, seed=2)
    now["income"] *= 3
    kinds = {column.name: column.kind for column in bundle.columns}
    reference = build_reference(before, kinds, before["repaid"])
    said = store_rows(tmp_path, pd.DataFrame({"prediction": ["no", "yes"] * 200}))
    watched = Watched("1", bundle, reference)
    found = compare_tables(make_spec(), watched, [store_rows(tmp_path, now)], [said])
    assert [each.name for each in found if each.state == "drift"] == ["income"]
    assert [each.name for each in found[-2:]] == ["prediction", TOGETHER]
    assert found[-1].state == "no baseline"


def test_a_model_without_reference_says_no_baseline_and_estimates_nothing(tmp_path, bundle):
    table = store_rows(tmp_path, make_frame(200))
    watched = Watched("1", bundle)
    found = compare_tables(make_spec(), watched, [table])
    assert {each.state for each in found} == {"no baseline"}
    assert estimate_scored(make_spec(), watched, [table]) == ()


@pytest.mark.parametrize(
    ("rules", "before", "starts", "why"),
    [
        ({"on_drift": "tell"}, [], False, "`on_drift: retrain` would train"),
        ({"on_drift": "retrain"}, [], True, "income drifted: a training is started"),
        ({"on_drift": "retrain"}, [timedelta(hours=5)], False, "cooldown"),
        ({"on_drift": "retrain"}, [timedelta(days=2), timedelta(days=4)], False, "used up"),
        ({"on_drift": "retrain"}, [timedelta(days=2), timedelta(days=8)], True, "started"),
    ],
)
def test_the_policy_says_whether_a_drift_trains(rules, before, starts, why):
    earlier = [make_window("income", at=MONDAY - ago, starts=True) for ago in before]
    window, spec = make_window("income"), make_spec(monitoring=rules)
    decided, said = decide(spec, window, window.drifted, earlier, MONDAY)
    assert decided is starts
    assert why in said


def test_nothing_drifted_never_trains():
    spec = make_spec(monitoring={"on_drift": "retrain"})
    assert decide(spec, make_window(), [], [], MONDAY) == (False, "nothing drifted")


def test_a_lost_performance_starts_a_training_as_a_drift_does():
    rules = {"on_drift": "retrain", "require": {"accuracy": ">= 0.8"}}
    spec = make_spec(monitoring=rules)
    said = "accuracy >= 0.8 is lost: a training is started"
    assert decide(spec, make_window(), ["accuracy >= 0.8"], [], MONDAY) == (True, said)
    earlier = [make_window("age", at=MONDAY - timedelta(hours=5), starts=True)]
    assert decide(spec, make_window(), ["accuracy >= 0.8"], earlier, MONDAY)[0] is False


def test_windows_are_kept_in_order_and_written_once(tmp_path):
    windows = Windows(str(tmp_path), "loans")
    for day in (2, 1, 2):
        windows.write(make_window(at=MONDAY + timedelta(days=day)))
    assert [each.at.day for each in windows.list_all()] == [6, 7]


def test_a_corrected_file_of_the_same_name_is_another_delivery(tmp_path):
    names = {
        name_delivery(
            ScoredInput(
                name="a.csv",
                version="1",
                stamp="",
                table=store_rows(tmp_path, make_frame(20, seed=seed)),
                predictions=(),
                rows=20,
                quarantined=0,
                output="",
                run_key="",
                scored_at=MONDAY,
            )
        )
        for seed in (1, 2)
    }
    assert len(names) == 2
    assert np.all([name.startswith("a.csv ") for name in names])
