"""The gate on the real stack: luck, handicaps, repetition and hands on the alias promote nobody."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.journeys.faults import clear_task
from tests.journeys.journey import Finished, Journey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
EPOCHS = 15


def metrics_of(run: Mapping[str, Any]) -> dict[str, float]:
    return {each["key"]: each["value"] for each in run["data"]["metrics"]}


def train(journey: Journey, **conf: Any) -> tuple[Finished, dict[str, Any]]:
    """Train, decline what is asked, and give the verdict."""
    dag_id, run_id = journey.start("judged", **{"epochs": EPOCHS, **conf})

    def is_over() -> bool:
        journey.answer(dag_id, run_id, "Keep the champion")
        return journey.state(dag_id, run_id, "close_run") in {"success", "failed"}

    journey.wait(is_over, f"{run_id} ends", 240)
    run = journey.finish(dag_id, run_id)
    assert run.state == "success", run.tasks
    return run, dict(journey.api.get_record(dag_id, run_id, "judge") or {})


def test_a_champion_gives_way_to_nothing_but_a_better_one(journey: Journey):
    first, verdict = train(journey)
    assert (verdict["kind"], journey.champion("judged")) == ("promote", "1")
    made = journey.mlflow_run(first)

    for tries, conf in ((1, {}), (2, {"epochs": 1, "learning_rate": 1e-5}), (3, {"seed": 1})):
        run, verdict = train(journey, **conf)
        assert run.tasks["approve"] == run.tasks["promote"] == "skipped", verdict
        assert verdict["tries"] == tries
    assert journey.champion("judged") == "1"

    clear_task(journey, first.dag_id, first.run_id, "train")
    journey.finish(first.dag_id, first.run_id)
    again = journey.mlflow_run(first)
    assert again["info"]["run_id"] != made["info"]["run_id"]
    # What `promote` handed on at its first try holds no longer.
    assert "kept" in again["info"]["run_name"]
    told = journey.api.get_record(first.dag_id, first.run_id, "report") or {}
    assert "stays champion" in told["sentence"], told
    kept = journey.mlflow("runs/get", run_id=made["info"]["run_id"])["run"]
    assert (kept["info"], metrics_of(kept)) == (made["info"], metrics_of(made))
    assert journey.champion("judged") == "1"

    address = f"{journey.settings.mlflow}/api/2.0/mlflow/registered-models/alias"
    params = {"name": "judged", "alias": "champion"}
    httpx.request("DELETE", address, json=params, timeout=30).raise_for_status()
    run, verdict = train(journey, seed=2)
    assert (verdict["kind"], verdict["needs_approval"]) == ("inconclusive", True)
    assert "its alias is gone" in verdict["reason"]
    assert (run.tasks["approve"], run.tasks["promote"]) == ("success", "skipped")
    assert journey.champion("judged") == ""
