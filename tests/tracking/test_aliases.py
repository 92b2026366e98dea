"""Moves of the alias `champion` that meet."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from include.errors import PromotionError
from include.settings import Settings, load_settings
from include.tracking import aliases
from include.tracking.alias_history import read_moves
from include.tracking.aliases import find_champion, move_champion
from include.tracking.connection import connect
from include.tracking.runs import open_run
from tests.builders import make_run


@pytest.fixture
def settings(mlflow_server, tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return load_settings()


@pytest.fixture
def elsewhere(settings, tmp_path) -> Settings:
    """Give the settings of another machine, which shares the MLflow server and no lock."""
    return settings.model_copy(update={"home": tmp_path / "elsewhere"})


def make_versions(settings: Settings, name: str) -> None:
    """Make a registered model of three versions; the first is champion."""
    client = connect(settings)
    client.create_registered_model(name)
    log = open_run(settings, make_run(run_id=name))
    model = client.create_logged_model(log.experiment_id, "model", source_run_id=log.run_id)
    for _ in range(3):
        client.create_model_version(
            name, model.artifact_location, log.run_id, model_id=model.model_id
        )
    move_champion(settings, name, "1", expected_current=None)


def stop_once(monkeypatch, function: str, reached: Event, go_on: Event) -> None:
    """Let the first call of a function of the module wait until another move is done, or 3 s."""
    real = getattr(aliases, function)

    def wait_once(*args, **named):
        if not reached.is_set():
            reached.set()
            go_on.wait(3)
        return real(*args, **named)

    monkeypatch.setattr(aliases, function, wait_once)


def look(settings: Settings, name: str) -> tuple[str, str, list[str]]:
    """Give the versions behind both aliases, and those of the history."""
    champion, previous = (find_champion(settings, name, each) for each in ("champion", "previous"))
    moves = [each.after for each in read_moves(connect(settings), name)]
    return champion.version, previous.version, moves


def test_a_move_that_begins_during_another_is_held_against_what_that_one_left(
    settings, monkeypatch
):
    name = "moved_at_once"
    make_versions(settings, name)
    is_between, other_is_done = Event(), Event()
    stop_once(monkeypatch, "check_champion_unchanged", is_between, other_is_done)

    def move_meanwhile() -> None:
        is_between.wait()
        try:
            move_champion(settings, name, "3", expected_current="1")
        finally:
            other_is_done.set()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(move_meanwhile)
        move_champion(settings, name, "2", expected_current="1")
        with pytest.raises(PromotionError, match="Clear the task `evaluate`"):
            other.result()
    assert look(settings, name) == ("2", "1", ["1", "2"])


def test_a_move_during_which_another_machine_made_its_own_gives_way(
    settings, elsewhere, monkeypatch
):
    name = "moved_on_two_machines"
    make_versions(settings, name)
    is_between, other_is_done = Event(), Event()
    stop_once(monkeypatch, "check_champion_unchanged", is_between, other_is_done)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(move_champion, settings, name, "2", expected_current="1")
        is_between.wait()
        move_champion(elsewhere, name, "3", expected_current="1")
        other_is_done.set()
        with pytest.raises(PromotionError, match="must still be version 1.*Received: version 3"):
            slow.result()
    assert look(settings, name) == ("3", "1", ["1", "3"])


def test_of_two_machines_that_moved_before_either_wrote_it_down_the_overtaken_one_says_so(
    settings, elsewhere, monkeypatch
):
    name = "overtaken_on_two_machines"
    make_versions(settings, name)
    late_may_move, first_has_moved, late_is_done = Event(), Event(), Event()
    stop_once(monkeypatch, "check_champion_unchanged", late_may_move, first_has_moved)
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(move_champion, elsewhere, name, "3", expected_current="1")
        late_may_move.wait()
        stop_once(monkeypatch, "write_move", first_has_moved, late_is_done)
        first = pool.submit(move_champion, settings, name, "2", expected_current="1")
        late.result()
        late_is_done.set()
        with pytest.raises(PromotionError, match="must still be version 2.*Received: version 3"):
            first.result()
    champion, previous, moves = look(settings, name)
    assert (champion, previous) == ("3", "1")
    assert set(moves) == {"1", "2", "3"}
