"""The environment of the local stack: its secrets, its places, and what it never holds."""

import stat

import pytest
import yaml

from include.settings import PROJECT_ROOT, Settings
from include.stack.environment import (
    SHARED_ENVIRONMENT,
    build_environment,
    read_env_file,
)

CONFIG = "config_templates/config.yml"


def test_secrets_are_made_up_once_and_readable_by_the_owner_only(tmp_path):
    settings = Settings(home=tmp_path / "home")
    first, again = build_environment(settings), build_environment(settings)
    other = build_environment(Settings(home=tmp_path / "other"))
    for name in ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "GATEHOUSE_HASH_KEY"):
        assert len(first[name]) >= 32
        assert first[name] == again[name] != other[name]
    mode = (settings.home / "secrets.env").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_hash_key_of_the_user_is_kept(tmp_path):
    settings = Settings(home=tmp_path, hash_key="mine")
    assert build_environment(settings)["GATEHOUSE_HASH_KEY"] == "mine"


def test_mlflow_answers_to_the_names_of_this_machine_only(tmp_path, monkeypatch):
    assert build_environment(Settings(home=tmp_path))["MLFLOW_SERVER_ALLOWED_HOSTS"] == (
        "localhost:*,127.0.0.1:*"
    )
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mlflow.example.org")
    given = build_environment(Settings(home=tmp_path))["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert given == "mlflow.example.org"


def test_the_project_can_be_imported_by_every_process(tmp_path):
    environment = build_environment(Settings(home=tmp_path))
    assert str(PROJECT_ROOT) in environment["PYTHONPATH"].split(":")


def test_every_variable_of_the_shared_file_is_an_option_of_the_installed_airflow():
    from importlib.resources import files

    options = yaml.safe_load((files("airflow") / CONFIG).read_text(encoding="utf-8"))
    for name in read_env_file(SHARED_ENVIRONMENT):
        if name.startswith("AIRFLOW__"):
            _, section, option = name.lower().split("__")
            assert option in options[section]["options"], name


def test_no_task_gives_up_the_api_server_before_the_scheduler_gives_up_the_task():
    ours = read_env_file(SHARED_ENVIRONMENT)
    interval = int(ours["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"])
    patience = interval * int(ours["AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS"])
    assert patience >= int(ours["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"])


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_wrong_port_names_its_variable(monkeypatch, port):
    from include.errors import GatehouseError
    from include.settings import load_settings

    monkeypatch.setenv("GATEHOUSE_AIRFLOW_PORT", port)
    with pytest.raises(GatehouseError, match="GATEHOUSE_AIRFLOW_PORT.*Received"):
        load_settings()
