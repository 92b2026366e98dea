"""Moves of the alias `champion` that meet."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from include.errors import PromotionError
from include.settings import load_settings
from include.tracking import aliases
from include.tracking.alias_history import read_moves
from include.tracking.aliases import find_champion, move_champion
from include.tracking.connection import connect
from include.tracking.runs import open_run
from tests.builders import make_run


def test_a_move_that_begins_during_another_is_held_against_what_that_one_left(
    mlflow_server, tmp_path, monkeypatch
):
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    settings, name = load_settings(), "moved_at_once"
    client = connect(settings)
    client.create_registered_model(name)
    log = open_run(settings, make_run(run_id=name))
    model = client.create_logged_model(log.experiment_id, "model", source_run_id=log.run_id)
    for _ in range(3):
        client.create_model_version(
            name, model.artifact_location, log.run_id, model_id=model.model_id
        )
    move_champion(settings, name, "1", expected_current=None)
    is_between, other_is_done = Event(), Event()
    check = aliases.check_champion_unchanged

    def stop_between(*args, **compared):
        """Let the other begin once the alias was read; it must not end before this one goes on."""
        check(*args, **compared)
        if not is_between.is_set():
            is_between.set()
            other_is_done.wait(3)

    monkeypatch.setattr(aliases, "check_champion_unchanged", stop_between)

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

    champion = find_champion(settings, name)
    assert champion is not None
    assert champion.version == "2"
    assert [each.after for each in read_moves(client, name)] == ["1", "2"]
