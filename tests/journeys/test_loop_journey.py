"""The whole loop on the real stack: trained, scored, watched, trained again as the rows drift."""

import json
from pathlib import Path

import pytest

from tests.census_builders import census_rows, write_census
from tests.journeys.conftest import ROOT
from tests.journeys.journey import Finished, Journey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
NAME = "census"
ADULT = ROOT.parent / "shared" / "data"
HOURS, INCOME = 12, 14
ROWS = 2_000


def read_census(name: str) -> list[list[str]]:
    """Read rows of the real Adult; where it is not, make some like them."""
    file = ADULT / f"adult-{name}.csv"
    if not file.exists():
        return census_rows(4_000, first=0 if name == "train" else 10_000)
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line.strip()]
    return [[*row[:INCOME], row[INCOME].removesuffix(".")] for row in rows]


def finish_next(journey: Journey, dag_id: str, done: set[str]) -> Finished:
    """Wait for a run that nobody here triggered, and for its end."""

    def found() -> list[str]:
        runs = [
            each
            for state in ("running", "success")
            for each in journey.api.list_runs(dag_id, state)
        ]
        return [run["dag_run_id"] for run in runs if run["dag_run_id"] not in done]

    journey.wait(lambda: bool(found()), f"{dag_id} is started", 120)
    run = journey.finish(dag_id, found()[0])
    done.add(run.run_id)
    return run


def test_drift_of_what_is_scored_trains_again(journey: Journey):
    text = (ROOT / "include" / "pipelines" / "adult.yaml").read_text(encoding="utf-8")
    text = text.replace("name: adult", f"name: {NAME}").replace("uri: adult-", f"uri: {NAME}-")
    text = text.replace("epochs: 30", "epochs: 4")
    text = text[: text.index("promotion:")] + "promotion: {compare: log_loss}\n"
    text += "monitoring: {on_drift: retrain}\n"
    train, test = read_census("train"), read_census("test")
    write_census(journey.sources / f"{NAME}-train.csv", train)
    write_census(journey.sources / f"{NAME}-test.csv", test[2 * ROWS :], ending=".")
    (journey.settings.pipelines_dir / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    first = journey.train(NAME)
    assert (first.state, journey.champion(NAME)) == ("success", "1"), first.tasks

    place = journey.sources / "incoming" / NAME
    place.mkdir(parents=True)
    watch, watched = f"monitor__{NAME}", set[str]()
    for dag_id in (f"score__{NAME}", watch):
        journey.wait(lambda dag=dag_id: journey.api.get_dag(dag) is not None, dag_id, 90)
        journey.api.unpause(dag_id)
    longer = [
        [*row[:HOURS], str(min(99, int(row[HOURS]) + 25)), *row[HOURS + 1 :]]
        for row in test[ROWS : 2 * ROWS]
    ]
    for day, rows in {"monday.csv": test[:ROWS], "tuesday.csv": longer}.items():
        write_census(place / day, rows)
        dag_id = f"score__{NAME}"
        scored = journey.finish(dag_id, journey.api.trigger(dag_id, {}))
        assert scored.state == "success", scored.tasks
        assert journey.api.get_record(dag_id, scored.run_id, "deliver")["rows"] == ROWS
        window = finish_next(journey, watch, watched)
        assert window.tasks["start_training"] == ("skipped" if day == "monday.csv" else "success")

    again = finish_next(journey, first.dag_id, {first.run_id})
    assert again.state == "success", again.tasks
    assert journey.api.get_record(again.dag_id, again.run_id, "judge")
    tags = {tag["key"]: tag["value"] for tag in journey.mlflow_run(again)["data"]["tags"]}
    assert tags["gatehouse.cause"].startswith(f"drift__{NAME}: ")
    assert "hours_per_week" in tags["gatehouse.cause"]
    told = Path(journey.settings.data) / "notices" / NAME
    (notice,) = (json.loads(each.read_bytes())["notice"] for each in told.glob("drift*.json"))
    assert "hours_per_week" in notice["why"]
