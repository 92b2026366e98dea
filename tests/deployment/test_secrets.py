"""No secret has a default, each is asked for with a way to make it, and few get each."""

import re

import pytest

from tests.deployment.compose_file import (
    COMPOSE_FILE,
    EXAMPLE_FILE,
    PASSED_ON,
    MissingVariableError,
    find_variables,
    interpolate,
    read_env_file,
    read_filled,
    read_raw,
    service_environment,
    walk_strings,
)

VARIABLES = find_variables()
REQUIRED = sorted(name for name, operators in VARIABLES.items() if ":?" in operators)
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")

HOLDERS = {
    "POSTGRES_PASSWORD": {"postgres"},
    "AIRFLOW_DB_PASSWORD": {
        "postgres",
        "airflow-init",
        "airflow-apiserver",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
    },
    "MLFLOW_DB_PASSWORD": {"postgres", "mlflow"},
    "REDIS_PASSWORD": {"redis", "airflow-scheduler", "airflow-worker"},
    "AIRFLOW_FERNET_KEY": {
        "airflow-init",
        "airflow-apiserver",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
    },
    "AIRFLOW_API_SECRET_KEY": {"airflow-apiserver", "airflow-scheduler", "airflow-triggerer"},
    "AIRFLOW_JWT_SECRET": {"airflow-apiserver", "airflow-scheduler"},
    "AIRFLOW_ADMIN_PASSWORD": {"airflow-init"},
    "MLFLOW_ADMIN_PASSWORD": {"mlflow", "mlflow-init"},
    "MLFLOW_TASKS_PASSWORD": {"mlflow-init", "airflow-apiserver", "airflow-worker"},
    "MLFLOW_READER_PASSWORD": {"mlflow-init"},
    "MLFLOW_SECRET_KEY": {"mlflow"},
    "GATEHOUSE_HASH_KEY": {"airflow-worker"},
    "GATEHOUSE_SIGNING_KEY": {"airflow-worker"},
}


def test_every_secret_is_required_everywhere():
    for name, operators in VARIABLES.items():
        if SECRET.search(name):
            assert operators in ({":?"}, {PASSED_ON}), f"{name} may not have a default"
    assert set(REQUIRED) == set(HOLDERS)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_without_a_secret_the_file_cannot_be_read(name, value, filled_env):
    given = {key: text for key, text in filled_env.items() if key != name}
    if value is not None:
        given[name] = value
    with pytest.raises(MissingVariableError, match=rf"{name}: .*openssl rand"):
        read_filled(given)


@pytest.mark.parametrize("name", REQUIRED)
def test_only_who_needs_a_secret_gets_it(name, filled_env, services):
    value = filled_env[name]
    holders = {
        service
        for service, definition in services.items()
        if any(value in text for text in walk_strings(definition))
    }
    assert holders == HOLDERS[name]


def test_a_worker_knows_no_database_and_signs_no_token(services):
    names = service_environment(services["airflow-worker"])
    assert not [name for name in names if re.search("SQL_ALCHEMY|FERNET|JWT|SECRET_KEY", name)]
    assert "db+" not in names["AIRFLOW__CELERY__RESULT_BACKEND"]
    assert services["airflow-worker"]["networks"] == ["stack"]
    assert services["postgres"]["networks"] == ["database"]


def test_no_secret_stands_in_a_command(services, filled_env):
    for name, definition in services.items():
        for text in walk_strings([definition.get("command", []), definition.get("healthcheck")]):
            assert not any(value in text for value in filled_env.values()), name


def test_no_value_in_the_file_looks_like_a_secret():
    for service, definition in read_raw()["services"].items():
        for name, value in definition.get("environment", {}).items():
            if SECRET.search(name) and value is not None:
                assert ":?" in value, f"{service}: {name}"
    assert not re.search(r"://[^\s/@]*:[^$\s/@{}]+@", COMPOSE_FILE.read_text(encoding="utf-8"))


def test_the_example_names_what_the_file_requires_and_holds_no_value():
    example = read_env_file(EXAMPLE_FILE)
    assert set(example) == set(REQUIRED)
    assert set(example.values()) == {""}


def test_the_example_explains_every_optional_variable_and_no_other():
    optional = set(re.findall(r"^#([A-Z][A-Z0-9_]*)=", EXAMPLE_FILE.read_text(), re.MULTILINE))
    from include.settings import PREFIX, Settings

    ours = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert optional == (set(VARIABLES) | ours) - set(REQUIRED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "1"),
        ("x${A:-2}y", "x1y"),
        ("${B:-2}", "2"),
        ("${B:-}", ""),
        ("${B}", ""),
        ("$$A $${A}", "$A ${A}"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text, expected):
    assert interpolate(text, {"A": "1"}) == expected


@pytest.mark.parametrize("text", ["$", "${", "${A:+b}", "${1}", "$A"])
def test_what_the_reader_does_not_know_is_refused(text):
    with pytest.raises(ValueError, match="no variable is named"):
        interpolate(text, {"A": "1"})
