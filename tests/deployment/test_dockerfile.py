"""The image holds what the lock says, runs as nobody special, and takes in no secret."""

import re
from fnmatch import fnmatch

import pytest

from tests.deployment.compose_file import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    line
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()
    if line.strip()
]
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def _arguments() -> dict[str, str]:
    pairs = (line.split(None, 1)[1].partition("=") for line in INSTRUCTIONS if line[:4] == "ARG ")
    return {name: value for name, _, value in pairs}


def _copied() -> list[str]:
    return [line.split()[-2] for line in INSTRUCTIONS if line.startswith("COPY ")]


def _locked(package: str) -> str | None:
    found = re.search(rf"(?m)^{re.escape(package)}==(\S+)", LOCK)
    return found and found[1]


def test_the_base_image_is_the_locked_airflow_on_the_locks_python():
    base = "FROM apache/airflow:slim-${AIRFLOW_VERSION}-python${PYTHON_VERSION}"
    assert [line for line in INSTRUCTIONS if line.startswith("FROM")] == [base]
    assert _arguments()["AIRFLOW_VERSION"] == _locked("apache-airflow")
    locked_for = re.search(r"--python-version (\S+)", LOCK)
    assert locked_for
    assert _arguments()["PYTHON_VERSION"] == locked_for[1]


@pytest.mark.parametrize(
    "package",
    [
        "apache-airflow-providers-celery",
        "apache-airflow-providers-fab",
        "apache-airflow-providers-postgres",
        "redis",
        "psycopg-binary",
        "mlflow",
    ],
)
def test_the_lock_holds_what_the_slim_image_lacks(package):
    assert _locked(package)


def test_what_is_copied_exists_and_passes_the_ignore_file():
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    admitted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert set(_copied()) == admitted
    assert all((ROOT / path).exists() for path in admitted)
    refused = [rule for rule in rules if rule and rule[0] not in "#!"]
    assert refused[0] == "*"
    assert any(fnmatch("include/.env", rule.replace("**/", "*/")) for rule in refused[1:])


def test_the_lock_is_installed_before_the_code_arrives():
    assert _copied()[0] == "requirements.txt"
    install = next(i for i, line in enumerate(INSTRUCTIONS) if "pip install" in line)
    code = [i for i, line in enumerate(INSTRUCTIONS) if line.startswith("COPY")][1:]
    assert install < min(code)
    assert "compileall" in INSTRUCTIONS[install]


def test_it_does_not_run_as_root_and_takes_in_no_secret():
    users = [line.split()[1] for line in INSTRUCTIONS if line.startswith("USER ")]
    assert users[-1] == "airflow"
    last_root = max(i for i, line in enumerate(INSTRUCTIONS) if line == "USER root")
    assert INSTRUCTIONS[last_root + 2] == "USER airflow", "one command as root, no more"
    assert set(_arguments()) == {"AIRFLOW_VERSION", "PYTHON_VERSION"}
    assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY", DOCKERFILE)


def test_the_project_is_importable_and_the_volumes_have_a_home():
    environment = " ".join(line for line in INSTRUCTIONS if line.startswith("ENV "))
    assert "PYTHONPATH=/opt/airflow" in environment
    assert "KERAS_BACKEND=jax" in environment
    made = next(line for line in INSTRUCTIONS if "install --directory" in line)
    assert "/var/lib/gatehouse " in made
    assert "/var/lib/mlflow" in made
