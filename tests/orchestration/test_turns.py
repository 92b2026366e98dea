"""Of several runs at once one goes on, and the others come after it."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.orchestration.turns import find_run_ahead, steps_aside
from tests.builders import make_run


def test_the_next_run_comes_when_the_one_before_is_over(tmp_path):
    over: set[str] = set()
    first, second = make_run(run_id="backfill__1"), make_run(run_id="manual__2")
    assert find_run_ahead(str(tmp_path), first, over.__contains__) is None
    assert find_run_ahead(str(tmp_path), first, over.__contains__) is None  # its further tasks
    assert find_run_ahead(str(tmp_path), second, over.__contains__) == "backfill__1"
    over.add("backfill__1")
    assert find_run_ahead(str(tmp_path), second, over.__contains__) is None
    # Cleared, the first has to wait for its turn again.
    assert find_run_ahead(str(tmp_path), first, over.__contains__) == "manual__2"


def test_other_dags_have_turns_of_their_own(tmp_path):
    for dag_id in ("train__loans", "explore__loans"):
        run = make_run(dag_id=dag_id, run_id=dag_id)
        assert find_run_ahead(str(tmp_path), run, lambda _: False) is None


def test_of_many_runs_at_the_same_moment_one_goes_on(tmp_path):
    runs = [make_run(run_id=f"backfill__{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        ahead = list(
            pool.map(lambda run: find_run_ahead(str(tmp_path), run, lambda _: False), runs)
        )
    assert ahead.count(None) == 1


def test_a_number_that_a_crash_left_without_a_name_holds_up_nobody(tmp_path):
    run = make_run()
    assert find_run_ahead(str(tmp_path), run, lambda _: False) is None
    turn = next((tmp_path / "turns").rglob("*1"))
    turn.write_text("")
    other = make_run(run_id="manual__other")
    assert find_run_ahead(str(tmp_path), other, lambda _: False) == "another run"
    os.utime(turn, (0, 0))
    assert find_run_ahead(str(tmp_path), other, lambda _: False) is None


def test_few_numbers_are_kept(tmp_path):
    for number in range(20):
        assert find_run_ahead(str(tmp_path), make_run(run_id=str(number)), lambda _: True) is None
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) <= 5


@pytest.mark.parametrize(
    ("states", "is_decided", "expected"),
    [
        ({"train": "running", "evaluate": None}, False, False),
        ({"judge": "success", "approve": "running"}, False, False),
        ({"judge": "success", "approve": "awaiting_input", "promote": None}, False, True),
        ({"approve": "awaiting_input", "fit_share_0": "running"}, False, False),
        ({"approve": "success", "promote": "scheduled"}, False, False),
        ({"train": "running", "evaluate": None, "approve": None}, True, True),
        ({"train": "success", "evaluate": "queued", "approve": None}, True, True),
        ({"train": "success", "evaluate": "running", "approve": None}, True, False),
        ({"evaluate": "success", "approve": "running"}, True, False),
        ({"evaluate": "success", "approve": "awaiting_input"}, True, True),
    ],
)
def test_a_run_steps_aside_while_a_person_is_asked(states, is_decided, expected):
    assert steps_aside(states, is_decided=is_decided) is expected
