"""MLflow as the compose file runs it: its commands, variables and config, on a real PostgreSQL."""

import os
import signal
import subprocess
import sys
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from tests.mlflow_fixture import free_port, wait_for

pytestmark = pytest.mark.xdist_group("login")


@pytest.fixture(scope="module")
def database(postgres_url):
    """Give a database of its own: MLflow keeps the accounts of its first start."""
    name = f"gatehouse_login_{uuid4().hex}"
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_url).set(drivername="postgresql+psycopg", database=name)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def server(stack, database, tmp_path_factory):
    """Run the service `mlflow`, then `mlflow-init`, and yield the server's address."""
    directory, port = tmp_path_factory.mktemp("compose"), free_port()
    uri = database.render_as_string(hide_password=False)
    mlflow, init = stack["services"]["mlflow"], stack["services"]["mlflow-init"]
    given = mlflow["environment"]["MLFLOW_BACKEND_STORE_URI"]
    config = directory / "basic_auth.ini"
    content = stack["configs"][mlflow["configs"][0]["source"]]["content"]
    assert given in content
    config.write_text(content.replace(given, uri), encoding="utf-8")
    ours = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_AUTH_CONFIG_PATH": str(config)}
    changed = {"--host=0.0.0.0": "--host=127.0.0.1", "--port=5000": f"--port={port}"}
    command = [changed.get(word, word) for word in mlflow["command"]]
    command[-2] = f"--artifacts-destination={directory / 'artifacts'}"
    url = f"http://127.0.0.1:{port}"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command[1:]],
            env={**os.environ, **mlflow["environment"], **ours},
            cwd=directory,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        if not wait_for(f"{url}/health", process):
            pytest.fail((directory / "log").read_text(encoding="utf-8")[-3000:])
        told = {**init["environment"], "GATEHOUSE_MLFLOW_URL": url}
        for _ in range(2):  # it runs at every start
            subprocess.run(
                [sys.executable, *init["command"][1:]], env={**os.environ, **told}, check=True
            )
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_nobody_gets_in_and_each_account_does_its_own(server, services, filled_env):
    worker = services["airflow-worker"]["environment"]
    accounts = {
        "nobody": None,
        "reader": ("reader", filled_env["MLFLOW_READER_PASSWORD"]),
        "tasks": (worker["MLFLOW_TRACKING_USERNAME"], worker["MLFLOW_TRACKING_PASSWORD"]),
        "admin": ("admin", filled_env["MLFLOW_ADMIN_PASSWORD"]),
    }

    def ask(account, path, **body):
        url = f"{server}/api/2.0/mlflow/{path}"
        return httpx.post(url, auth=accounts[account], json=body, timeout=30).status_code

    ask("admin", "experiments/create", name="digits")
    asked = {"experiments/search": {"max_results": 1}}
    asked["experiments/set-experiment-tag"] = {"experiment_id": "1", "key": "a", "value": "b"}
    asked["users/create"] = {"username": "anna", "password": "a long password"}
    answers = {
        account: [ask(account, path, **body) for path, body in asked.items()]
        for account in accounts
    }
    assert answers == {
        "nobody": [401, 401, 401],
        "reader": [200, 403, 403],
        "tasks": [200, 200, 403],
        "admin": [200, 200, 200],
    }
