"""Every command, option and variable of the compose file exists in what the lock installs."""

import importlib.util
import re
import shlex
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

from include.settings import PREFIX, Settings
from tests.deployment.compose_file import ROOT, read_env_file, read_raw, service_environment

# Importing Airflow's and MLflow's servers warns of what they themselves must change.
pytestmark = pytest.mark.filterwarnings("ignore")

# Read by the images' own start scripts or programs, or by our commands; not Airflow's or MLflow's.
OTHER_VARIABLES = {
    "postgres": {"POSTGRES_PASSWORD", "AIRFLOW_DB_PASSWORD", "MLFLOW_DB_PASSWORD"},
    "redis": {"REDISCLI_AUTH"},
    "mlflow": {"CONNECTION_CHECK_MAX_COUNT"},
    "mlflow-init": {
        "MLFLOW_ADMIN_PASSWORD",
        "MLFLOW_READER_PASSWORD",
        "CONNECTION_CHECK_MAX_COUNT",
    },
    "airflow-init": {
        "AIRFLOW_ADMIN_USER",
        "AIRFLOW_ADMIN_EMAIL",
        "AIRFLOW_ADMIN_PASSWORD",
        "CONNECTION_CHECK_MAX_COUNT",
    },
    "airflow-worker": {
        "CONNECTION_CHECK_MAX_COUNT",
        "DUMB_INIT_SETSID",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
    },
}


@pytest.fixture(scope="module")
def airflow_options() -> dict[str, set[str]]:
    """Give Airflow's options by section, those of the installed providers included."""
    from airflow.configuration import retrieve_configuration_description

    description = retrieve_configuration_description(include_airflow=True, include_providers=True)
    return {section: set(entry["options"]) for section, entry in description.items()}


@pytest.fixture(scope="module")
def parse_airflow():
    """Give Airflow's own parser of command lines."""
    from airflow.cli.cli_parser import get_parser

    return get_parser().parse_args


def _all_variables(services):
    for service, definition in services.items():
        for name, value in service_environment(definition).items():
            yield service, name, value


def test_every_variable_belongs_to_someone(services):
    for service, name, _ in _all_variables(services):
        if name in OTHER_VARIABLES.get(service, set()) or name == "KERAS_BACKEND":
            continue
        owners = r"AIRFLOW__|GATEHOUSE_|MLFLOW_|JAX_|ARROW_|MALLOC_"
        assert re.match(owners, name), f"{service}: {name}"
    declared = {(service, name) for service, name, _ in _all_variables(services)}
    stale = {(key, name) for key, names in OTHER_VARIABLES.items() for name in names} - declared
    assert not stale


def test_airflow_knows_its_options(services, airflow_options):
    for service, name, _ in _all_variables(services):
        if name.startswith("AIRFLOW__"):
            _, section, option = name.lower().split("__")
            assert option in airflow_options.get(section, set()), f"{service}: {name}"


def test_gatehouse_knows_its_settings(services):
    ours = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for service, name, _ in _all_variables(services):
        if name.startswith(PREFIX):
            assert name in ours, f"{service}: {name}"


def test_mlflow_knows_its_variables(services):
    from mlflow import environment_variables
    from mlflow.cli import server

    given = [option.envvar for option in server.params if option.envvar]
    known = {name for entry in given for name in ([entry] if isinstance(entry, str) else entry)}
    for service, name, _ in _all_variables(services):
        if name.startswith("MLFLOW_") and name not in OTHER_VARIABLES.get(service, set()):
            assert name in known or hasattr(environment_variables, name), f"{service}: {name}"


def test_jax_and_keras_know_theirs(services):
    import jax

    for service, name, value in _all_variables(services):
        if name.startswith("JAX_"):
            assert name.lower() in jax.config.values, f"{service}: {name}"
        if name == "KERAS_BACKEND":
            assert value == "jax"


def test_named_classes_exist(services):
    for _, name, value in _all_variables(services):
        if name == "AIRFLOW__CORE__AUTH_MANAGER":
            module, _, attribute = value.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute)


def test_the_celery_executor_can_be_imported():
    """The provider and Celery are released apart: a lock may pair two that do not fit."""
    module = importlib.import_module("airflow.providers.celery.executors.celery_executor")
    assert module.app.main


@pytest.mark.parametrize(
    "service",
    [name for name in read_raw()["services"] if name.startswith("airflow-")],
)
def test_airflow_accepts_the_command(service, services, parse_airflow):
    command = services[service]["command"]
    if command[0] != "bash":
        assert callable(parse_airflow(command).func)
        return
    lines = command[-1].replace("\\\n", " ").splitlines()
    parsed = [parse_airflow(shlex.split(line)[1:]) for line in lines if line.startswith("airflow")]
    assert len(parsed) == len([line for line in lines if not line.startswith("set ")])


def test_the_init_script_is_valid_and_stops_at_the_first_error(services):
    script = services["airflow-init"]["command"][-1]
    assert script.startswith("set -euo pipefail\n")
    subprocess.run(["bash", "-n", "-c", script], check=True)
    for name in re.findall(r"\$(\w+)", script):
        assert name in services["airflow-init"]["environment"]


def test_mlflow_accepts_the_command(services):
    from mlflow.cli import server

    command = services["mlflow"]["command"]
    assert command[:4] == ["python", "-m", "mlflow", "server"]
    context = server.make_context("server", command[4:])
    assert context.params["host"] == "0.0.0.0"  # noqa: S104 - inside the container
    assert context.params["serve_artifacts"] is True
    assert context.params["app_name"] == "basic-auth"


def test_mlflow_answers_to_the_names_it_is_called_by(services):
    from mlflow.server.security_utils import is_allowed_host_header

    hosts = services["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    called = urlsplit(services["airflow-worker"]["environment"]["GATEHOUSE_MLFLOW_URL"]).netloc
    for name in (called, "127.0.0.1:5000", "localhost:5000"):
        assert is_allowed_host_header(hosts, name), name
    for name in ("evil.example", "mlflow:5001", "10.0.0.7:5000"):
        assert not is_allowed_host_header(hosts, name), name


def test_health_checks_ask_what_the_services_answer(services):
    from airflow.api_fastapi.core_api.routes.public import public_router
    from airflow.api_fastapi.core_api.routes.public.monitor import monitor_router
    from airflow.configuration import conf
    from mlflow.server import app as mlflow_app

    def asked(service: str):
        return urlsplit(services[service]["healthcheck"]["test"][-1])

    routes = {f"{public_router.prefix}{route.path}" for route in monitor_router.routes}
    assert asked("airflow-apiserver").path in routes
    assert asked("airflow-apiserver").port == int(conf.get_default_value("api", "port"))
    scheduler = conf.get_default_value("scheduler", "scheduler_health_check_server_port")
    assert asked("airflow-scheduler").port == int(scheduler)
    assert services["airflow-scheduler"]["environment"]["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"]
    assert asked("mlflow").path in {rule.rule for rule in mlflow_app.url_map.iter_rules()}
    assert asked("mlflow").port == 5000


@pytest.mark.parametrize("service", ["airflow-dag-processor", "airflow-triggerer"])
def test_job_health_checks_are_commands_of_airflow(service, services, parse_airflow):
    from airflow.jobs.dag_processor_job_runner import DagProcessorJobRunner
    from airflow.jobs.triggerer_job_runner import TriggererJobRunner

    test = services[service]["healthcheck"]["test"]
    assert test[:2] == ["CMD", "airflow"]
    job_types = {DagProcessorJobRunner.job_type, TriggererJobRunner.job_type}
    assert parse_airflow(test[2:]).job_type in job_types


def test_the_workers_health_check_is_a_command_of_celery(services):
    from celery.bin.control import inspect

    words = shlex.split(services["airflow-worker"]["healthcheck"]["test"][-1])
    assert words[0] == "celery"
    module = words[words.index("--app") + 1].removesuffix(".app")
    assert importlib.util.find_spec(module) is not None
    context = inspect.make_context("inspect", words[words.index("inspect") + 1 :])
    assert context.params["destination"]


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_the_databases_health_checks_are_their_own_programs(service, services):
    test = services[service]["healthcheck"]["test"]
    words = test[1:] if test[0] == "CMD" else shlex.split(test[1].partition("|")[0])
    assert words[0] == {"postgres": "pg_isready", "redis": "redis-cli"}[service]
    if shutil.which(words[0]) is None:
        return
    told = subprocess.run([words[0], "--help"], capture_output=True, text=True, check=False)
    for option in (word.partition("=")[0] for word in words[1:] if word.startswith("--")):
        assert option in told.stdout + told.stderr


def test_the_shared_settings_name_every_option_once():
    lines = (ROOT / "config" / "airflow.env").read_text(encoding="utf-8").splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    assert sorted(names) == sorted(read_env_file(ROOT / "config" / "airflow.env"))
