"""The scoring DAGs: their order, what starts them, which assets they wait for and change."""

from airflow.sdk import AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

from include.orchestration.assets import incoming_asset, model_asset, predictions_asset
from include.orchestration.score_dag import build_score_dag
from include.orchestration.training_dag import build_training_dag
from include.records import SCORING_TASKS
from tests.builders import make_spec


def build(**scoring):
    return build_score_dag(make_spec(scoring=scoring))


def test_there_is_a_scoring_dag_for_every_training_dag(dag_bag):
    trained = {each.removeprefix("train__") for each in dag_bag.dags if each.startswith("train__")}
    scored = {each.removeprefix("score__") for each in dag_bag.dags if each.startswith("score__")}
    assert scored == trained


def test_the_tasks_are_those_of_the_table_in_its_order_and_a_teardown():
    names = [task.task_id for task in build().topological_sort()]
    assert names == [*SCORING_TASKS, "close_run"]


def test_an_input_that_cannot_be_read_is_said_and_nothing_new_is_not():
    deliver = build().get_task("deliver")
    assert deliver.upstream_task_ids == {"read_inputs", "predict_shard"}
    assert deliver.trigger_rule == "none_failed_min_one_success"


def test_it_starts_by_hand_by_the_clock_or_by_what_others_change():
    spec = make_spec()
    cron = {"cron": "*/5 * * * *"}
    assert build().schedule is None
    assert isinstance(build(schedule=cron).schedule, CronTriggerTimetable)
    by_asset = build(on=["rows", "champion"]).schedule
    assert isinstance(by_asset, AssetAny)
    assert set(by_asset.objects) == {incoming_asset(spec), model_asset(spec)}
    assert isinstance(build(schedule=cron, on=["champion"]).schedule, AssetOrTimeSchedule)


def test_a_promotion_and_what_was_scored_by_both_versions_are_events_of_their_assets():
    spec = make_spec()
    assert build_training_dag(spec).get_task("promote").outlets == [model_asset(spec)]
    outlets = {each.task_id: each.outlets for each in build().tasks if each.outlets}
    assert outlets == {"shadow": [predictions_asset(spec)]}


def test_the_form_asks_for_data_and_for_nothing_of_the_training():
    params = build().params
    assert {"source_uri", "row_limit", "force", "note"} <= set(params)
    assert not {"epochs", "hidden", "learning_curve"} & set(params)
