"""A champion that is sabotaged after its promotion goes back, by itself or when asked about."""

import json
from pathlib import Path

import pytest

from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run
from tests.bundle_builders import SmallBundle, make_bundle, sabotage
from tests.journeys.journey import Journey

pytestmark = pytest.mark.timeout(600)


def promote(journey: Journey, small: SmallBundle, name: str, after: str | None = None) -> None:
    settings = journey.settings
    log = open_run(settings, make_run(pipeline=name, run_id=f"manual__{name}{after}"))
    uri = small.log_to(log, name, golden=b"")
    version = register_model(
        settings, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
    move_champion(settings, name, version, expected_current=after)


def run(journey: Journey, dag_id: str) -> dict[str, str]:
    """Trigger a run, wait for its end, and give the states of its tasks."""
    run_id = journey.api.trigger(dag_id, {})
    states = {"success", "failed"}
    journey.wait(lambda: journey.api.get_run(dag_id, run_id).get("state") in states, run_id, 240)
    tasks = journey.api.list_tasks(dag_id, run_id)
    return {str(task["task_id"]): str(task["state"]) for task in tasks}


@pytest.mark.parametrize("then", ["rollback", "ask"])
def test_a_sabotaged_champion_goes_back(journey: Journey, tmp_path: Path, then: str):
    name = f"doubted_{then}"
    dag_id, back = f"score__{name}", f"shadow__{name}__2"
    journey.wait(lambda: journey.api.get_dag(dag_id) is not None, f"{dag_id} is loaded", 90)
    journey.api.unpause(dag_id)
    small = make_bundle(tmp_path)
    rows = make_frame(300).drop(columns=["row_id", "repaid"])
    place = journey.sources / "incoming" / name
    place.mkdir(parents=True)
    rows.to_csv(place / "monday.csv", index=False)
    promote(journey, small, name)
    assert run(journey, dag_id)["go_back"] == "skipped"
    common = round(float(small.predictions.argmax(axis=1).mean()))
    said = small.preprocessor.schema.classes[common]
    promote(journey, sabotage(tmp_path / "other", said), name, after="1")
    assert journey.champion(name) == "2"

    assert run(journey, dag_id)["go_back"] == "success"

    if then == "ask":
        from include.orchestration.rollback_dag import GO_BACK

        asks = lambda: journey.state("rollback", back, "ask") == "awaiting_input"  # noqa: E731
        journey.wait(asks, "a person is asked", 120)
        assert journey.champion(name) == "2"
        journey.answer("rollback", back, GO_BACK, task="ask")
    journey.wait(lambda: journey.champion(name) == "1", "the one before is champion", 120)
    told = Path(journey.settings.data) / "notices" / name
    journey.wait(lambda: any(told.glob("rolled_back*.json")), "it is told", 60)
    notice = json.loads(next(told.glob("rolled_back*.json")).read_bytes())["notice"]
    assert "scoring along, version 1 says otherwise of" in notice["what"]
    assert ("admin" if then == "ask" else "the comparison after promotion") in notice["what"]
    # What it said stands again, and nobody is held against the one that was left.
    assert run(journey, dag_id) == {
        **dict.fromkeys(["read_inputs", "predict_shard", "deliver", "shadow"], "skipped"),
        "go_back": "skipped",
        "close_run": "success",
    }


def test_one_that_its_labels_show_to_be_worse_goes_back(journey: Journey, tmp_path: Path):
    name = "doubted_labels"
    dag_id, watch = f"score__{name}", f"monitor__{name}"
    journey.wait(lambda: journey.api.get_dag(watch) is not None, f"{watch} is loaded", 90)
    journey.api.unpause(dag_id)
    small = make_bundle(tmp_path)
    rows = make_frame(300)
    promote(journey, small, name)
    said, other = small.preprocessor.schema.classes[:2]
    promote(journey, sabotage(tmp_path / "other", said), name, after="1")
    place = journey.sources / "incoming" / name
    place.mkdir(parents=True)
    rows.drop(columns=["row_id", "repaid"]).to_csv(place / "monday.csv", index=False)
    # Both say other things of every row, which is no matter here.
    assert run(journey, dag_id)["go_back"] == "skipped"
    assert journey.champion(name) == "2"

    place = journey.sources / "labels" / name
    place.mkdir(parents=True)
    labels = rows[["loan_id"]].assign(repaid=[said] * 270 + [other] * 30)
    labels.to_csv(place / "monday.csv", index=False)
    journey.wait(lambda: journey.api.get_dag(watch) is not None, f"{watch} is loaded", 90)
    journey.api.unpause(watch)
    assert run(journey, watch)["go_back"] == "success"

    journey.wait(lambda: journey.champion(name) == "1", "the one before is champion", 120)
    told = Path(journey.settings.data) / "notices" / name
    journey.wait(lambda: any(told.glob("rolled_back*.json")), "it is told", 60)
    notice = json.loads(next(told.glob("rolled_back*.json")).read_bytes())["notice"]
    assert "on 300 rows with labels version 2 has" in notice["what"]
