"""What a run asks `rollback` for, and when it asks for nothing."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException

from include.orchestration.monitor_dag import build_monitor_dag
from include.orchestration.score_dag import build_score_dag
from include.records import MonitorRecord, ShadowRecord, WayBack
from tests.builders import make_spec

BACK = WayBack(version="2", previous="1", goes_back=True, why="it is worse")
SHADOW = ShadowRecord(**BACK.model_dump(), rows=9, disagreement=1.0)
WATCHED = MonitorRecord(
    version="2", rows=9, drifted=(), starts_training=False, why="", window_uri="", back=BACK
)


@pytest.mark.parametrize(
    ("build", "asked_by", "found"),
    [(build_score_dag, "shadow", SHADOW), (build_monitor_dag, "compare_window", WATCHED)],
    ids=["disagreement", "labels"],
)
def test_a_run_that_doubts_the_champion_asks_rollback_once_for_its_version(build, asked_by, found):
    said = {asked_by: found}
    context = {"ti": SimpleNamespace(xcom_pull=lambda task_ids: said[task_ids])}
    with pytest.raises(DagRunTriggerException) as asked:
        build(make_spec()).get_task("go_back").execute(context)
    assert asked.value.trigger_dag_id == "rollback"
    assert asked.value.dag_run_id == f"{asked_by}__loans__2"
    assert asked.value.skip_when_already_exists
    assert asked.value.conf == {
        "pipeline": "loans",
        "version": 1,
        "instead_of": 2,
        "reason": "scoring along, it is worse",
        "ask": True,
    }


@pytest.mark.parametrize(
    "found",
    [None, WATCHED.model_copy(update={"back": None})],
    ids=["a skipped task", "nothing to compare"],
)
def test_without_a_doubt_nothing_is_asked(found):
    context = {"ti": SimpleNamespace(xcom_pull=lambda task_ids: found)}
    with pytest.raises(AirflowSkipException, match="the champion stays"):
        build_monitor_dag(make_spec()).get_task("go_back").execute(context)
