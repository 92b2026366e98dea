"""Checks of the place where steps run: each says what is ill and how to mend it."""

import pytest

from include.errors import GatehouseError
from include.settings import Settings, load_settings
from include.steps.doctor import (
    check_mlflow,
    check_secrets,
    check_versions,
    check_writing,
    doctor,
    examine,
)
from include.tracking.connection import connect
from include.tracking.round_trip import EXPERIMENT


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def test_what_the_lock_pins_is_installed(settings):
    assert "those of the lock" in check_versions(settings)


def test_another_version_is_named_with_the_one_that_the_lock_pins(settings, tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("psutil==0.1 ; python_version > '3'\n    # via x\nno-such-thing==2\n", "utf-8")
    with pytest.raises(GatehouseError, match=r"psutil \d\S*, not 0.1; no-such-thing .* `make inst"):
        check_versions(settings, lock)


def test_what_another_system_needs_is_not_missed(settings, tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("no-such-thing==2 ; sys_platform == 'nowhere'\n", "utf-8")
    assert check_versions(settings, lock).startswith("0 ")


def test_mlflow_gives_back_what_it_got_and_keeps_nothing(mlflow_server, mlflow_directory):
    settings = load_settings()
    check_mlflow(settings)
    client = connect(settings)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert client.search_runs([experiment.experiment_id]) == []
    assert not list((mlflow_directory / "artifacts").rglob("probe.txt"))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file where the data root should be", "utf-8")
    with pytest.raises(GatehouseError, match="data must be writable .* GATEHOUSE_DATA_ROOT"):
        check_writing(Settings(home=tmp_path))


def test_a_secret_that_others_can_read_is_told_with_its_cure(settings, tmp_path):
    secret = tmp_path / "secrets.env"
    secret.write_text("GATEHOUSE_HASH_KEY=s3cr3t\n", "utf-8")
    secret.chmod(0o644)
    with pytest.raises(GatehouseError, match=f"chmod 600 {secret}") as raised:
        check_secrets(settings)
    assert "s3cr3t" not in str(raised.value)
    secret.chmod(0o600)
    assert check_secrets(settings).startswith("1 ")


def test_a_check_that_breaks_keeps_no_other_from_being_made(settings):
    def break_down(_: Settings) -> str:
        raise ZeroDivisionError("by nothing")

    first, second = examine(settings, {"broken": break_down, "well": lambda _: "fine"})
    assert not first.is_well
    assert "ZeroDivisionError: by nothing" in first.found
    assert (second.is_well, second.found) == (True, "fine")


def test_as_a_task_it_fails_with_all_that_is_ill(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", "http://127.0.0.1:9")
    with pytest.raises(GatehouseError, match=r"mlflow: the MLflow server must answer[\s\S]*clock:"):
        doctor()
