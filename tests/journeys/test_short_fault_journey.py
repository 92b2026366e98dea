"""The faults that every landing is tried with: a kill, MLflow away, a person who marks."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from include.specs.loader import load_pipeline_spec
from include.stack.services import start_stack
from include.stack.training_run import follow_training_run
from tests.journeys.faults import (
    clear_task,
    delete_run,
    epoch,
    instance,
    kill_service,
    kill_task,
    mark_run,
    mark_task,
    running_try,
)
from tests.journeys.journey import Journey

pytestmark = [
    pytest.mark.xdist_group("train__slow"),
    pytest.mark.timeout(600),
]
# Many: what happens in the middle of a fit must come before its end.
EPOCHS = 800


@pytest.mark.alone
def test_a_killed_fit_goes_on_and_trains_while_mlflow_is_away(journey: Journey):
    dag_id, run_id = journey.start("slow", epochs=EPOCHS)
    journey.wait(lambda: epoch(journey, dag_id, run_id) >= 5, "it trains", 120)
    kill_task(journey, dag_id, run_id, "train")
    journey.wait(lambda: running_try(journey, dag_id, run_id, "train") == 2, "it is tried", 120)
    reached = epoch(journey, dag_id, run_id)
    journey.wait(lambda: epoch(journey, dag_id, run_id) > reached, "it goes on", 120)
    kill_service(journey, "mlflow")
    start_stack(journey.settings, print)

    run = journey.finish(dag_id, run_id)

    assert run.state == "success", run.tasks
    assert "goes on after epoch" in journey.log(run, "train")
    mlflow_run = journey.mlflow_run(run)
    assert mlflow_run["info"]["status"] == "FINISHED"
    history = journey.mlflow(
        "metrics/get-history", run_id=mlflow_run["info"]["run_id"], metric_key="train/loss"
    )["metrics"]
    assert sorted(point["step"] for point in history) == list(range(1, EPOCHS + 1))


def test_what_a_person_marks_clears_and_deletes_is_told_alike_everywhere(journey: Journey):
    spec = load_pipeline_spec(journey.settings.pipelines_dir / "slow.yaml")
    screen = Console(file=io.StringIO(), width=200)
    with ThreadPoolExecutor(1) as pool:
        form = {"epochs": EPOCHS, "note": "marked"}
        watching = pool.submit(follow_training_run, journey.settings, spec, form, screen)
        dag_id = "train__slow"
        journey.wait(lambda: "ended" in told(screen) or bool(live(journey)), "it runs", 90)
        run_id = live(journey)
        journey.wait(lambda: epoch(journey, dag_id, run_id) >= 5, "it trains", 120)
        versions = journey.versions("slow")

        mark_run(journey, dag_id, run_id, "failed")

        run = journey.finish(dag_id, run_id)
        assert (run.state, run.tasks["train"], run.tasks["judge"]) == (
            *("failed", "failed"),
            "skipped",
        )
        assert watching.result(60) is False
    assert "ended failed" in told(screen)
    assert status(journey, run) == "KILLED"

    clear_task(journey, dag_id, run_id, "train")
    journey.wait(lambda: bool(running_try(journey, dag_id, run_id, "train")), "it runs again", 60)
    mark_task(journey, dag_id, run_id, "train", "success")
    run = journey.finish(dag_id, run_id)
    assert (run.state, run.tasks["evaluate"]) == ("failed", "failed")
    assert "evaluate needs the record of train" in journey.log(run, "evaluate")
    assert status(journey, run) in {"KILLED", "FAILED"}
    assert journey.versions("slow") == versions

    clear_task(journey, dag_id, run_id, "train")
    run = journey.finish(dag_id, run_id)
    assert run.state == "success", run.tasks
    assert status(journey, run) == "FINISHED"

    clear_task(journey, dag_id, run_id, "evaluate")
    run = journey.finish(dag_id, run_id)
    assert run.state == "success", run.tasks
    assert status(journey, run) == "FINISHED"
    assert len(journey.versions("slow")) <= len(versions) + 1

    before = finished_tries(journey, dag_id, run_id)
    clear_task(journey, dag_id, run_id, "evaluate", alone=True)
    journey.wait(lambda: finished_tries(journey, dag_id, run_id) > before, "it ran again", 60)
    run = journey.finish(dag_id, run_id)
    assert run.state == "success", run.tasks
    assert status(journey, run) == "FINISHED"

    for mark, said in (("failed", "FAILED"), ("success", "FINISHED")):
        mark_run(journey, dag_id, run_id, mark)
        journey.wait(lambda said=said: status(journey, run) == said, f"MLflow says {said}", 60)

    delete_run(journey, dag_id, run_id)
    assert status(journey, run) == "FINISHED"


def told(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def live(journey: Journey) -> str:
    """Give the id of the run that is under way, or an empty text."""
    running = journey.api.list_runs("train__slow", "running")
    return str(running[0]["dag_run_id"]) if running else ""


def finished_tries(journey: Journey, dag_id: str, run_id: str) -> int:
    """Count how often `evaluate` has run to its end."""
    found = instance(journey, dag_id, run_id, "evaluate")
    return int(found["try_number"]) if found["state"] == "success" else 0


def status(journey: Journey, run) -> str:
    return str(journey.mlflow_run(run)["info"]["status"])
