"""The monitoring DAGs, and the circle of assets that they close."""

from airflow.sdk import AssetAny, CronTriggerTimetable

from include.orchestration.assets import drift_asset, predictions_asset, raw_asset
from include.orchestration.monitor_dag import build_monitor_dag
from include.orchestration.training_dag import build_training_dag
from include.records import MONITORING_TASKS
from tests.builders import make_spec

CRON = {"cron": "0 6 * * *"}


def test_the_tasks_are_those_of_the_table_in_its_order_and_a_teardown():
    names = [task.task_id for task in build_monitor_dag(make_spec()).topological_sort()]
    assert names == [*MONITORING_TASKS, "close_run"]


def test_no_training_has_to_be_started_before_a_champion_gives_way():
    go_back = build_monitor_dag(make_spec()).get_task("go_back")
    assert go_back.upstream_task_ids == {"compare_window"}
    assert go_back.asked_by == "compare_window"


def test_it_looks_after_every_delivery_unless_a_time_is_given():
    spec = make_spec()
    assert build_monitor_dag(spec).schedule == predictions_asset(spec)
    timed = build_monitor_dag(make_spec(monitoring={"schedule": CRON}))
    assert isinstance(timed.schedule, CronTriggerTimetable)


def test_drift_and_new_data_start_a_training_where_the_spec_says_so():
    assert build_training_dag(make_spec()).schedule is None
    spec = make_spec(monitoring={"on_drift": "retrain"}, on=["data"])
    schedule = build_training_dag(spec).schedule
    assert isinstance(schedule, AssetAny)
    assert set(schedule.objects) == {raw_asset(spec), drift_asset(spec)}
    assert build_monitor_dag(spec).get_task("start_training").outlets == [drift_asset(spec)]
