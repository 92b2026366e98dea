"""The compose file is well-formed, and what its parts refer to exists."""

import re
import shutil
import subprocess

import pytest

from tests.deployment.compose_file import COMPOSE_FILE, ROOT, read_env_file, read_raw

SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "configs",
    "depends_on",
    "env_file",
    "environment",
    "healthcheck",
    "image",
    "networks",
    "ports",
    "restart",
    "security_opt",
    "stop_grace_period",
    "user",
    "volumes",
}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
ONE_SHOT = {"airflow-init", "mlflow-init"}
EXPECTED = {
    "postgres",
    "redis",
    "mlflow",
    "mlflow-init",
    "airflow-init",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker",
}


def _has_compose() -> bool:
    command = ["docker", "compose", "version"]
    if shutil.which("docker") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_services_are_these(services):
    assert set(services) == EXPECTED


def test_only_known_keys_are_used(stack, services):
    known = {"name", "services", "configs", "volumes", "networks"}
    assert {key for key in stack if not key.startswith("x-")} == known
    for name, definition in services.items():
        assert set(definition) <= SERVICE_KEYS, name
        assert set(definition.get("healthcheck", {})) <= HEALTHCHECK_KEYS, name


def test_values_have_the_types_that_compose_takes(services):
    duration = re.compile(r"\d+(ms|s|m|h)")
    for name, definition in services.items():
        for value in definition.get("environment", {}).values():
            assert value is None or isinstance(value, str), f"{name}: quote {value!r}"
        check = definition.get("healthcheck", {})
        for key in ("interval", "timeout", "start_period"):
            assert duration.fullmatch(check.get(key, "1s")), f"{name}: {key}"
        assert isinstance(definition["restart"], str), name


def test_whoever_is_waited_for_exists_and_can_be_waited_for(services):
    for name, definition in services.items():
        for target, wait in definition.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[target], f"{name} waits for {target}"
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert target in ONE_SHOT


def test_every_lasting_service_restarts_and_has_a_health_check(services):
    for name, definition in services.items():
        if name in ONE_SHOT:
            assert definition["restart"] == "no"
        else:
            assert definition["restart"] == "unless-stopped", name
            assert definition["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_ports_are_published_on_this_machine_only(services):
    published = [port for definition in services.values() for port in definition.get("ports", [])]
    assert len(published) == 2
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_volumes_configs_and_networks_are_declared_and_used(stack, services):
    used: dict[str, set[str]] = {"volumes": set(), "configs": set(), "networks": set()}
    for definition in services.values():
        used["networks"].update(definition["networks"])
        used["configs"].update(config["source"] for config in definition.get("configs", []))
        for volume in definition.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if not source.startswith("."):
                used["volumes"].add(source)
    for kind, names in used.items():
        assert names == set(stack[kind]), kind


def test_mounted_directories_of_the_project_exist(services):
    for name, definition in services.items():
        for volume in definition.get("volumes", []):
            if isinstance(volume, str) and volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).is_dir(), f"{name}: {volume}"


def test_images_are_pinned(services):
    for name, definition in services.items():
        tag = definition["image"].rpartition(":")[2]
        assert tag not in {"", "latest"}, name
        assert re.search(r"\d", tag) or definition["build"] == ".", name


def test_airflow_and_mlflow_run_without_privileges(services):
    for name, definition in services.items():
        assert definition["security_opt"] == ["no-new-privileges:true"], name
        if definition.get("build"):
            assert definition["cap_drop"] == ["ALL"], name
            assert not definition["user"].startswith("0"), name


def test_only_workers_write_data_and_nobody_writes_the_code(services):
    for name, definition in services.items():
        for volume in definition.get("volumes", []):
            if isinstance(volume, str) and volume.startswith("./"):
                assert volume.endswith(":ro"), f"{name}: {volume}"
            if isinstance(volume, str) and volume.startswith("gatehouse:"):
                assert name == "airflow-worker"


def test_the_settings_of_the_local_stack_hold_here_too(services):
    shared = read_env_file(ROOT / "config" / "airflow.env")
    for name, definition in services.items():
        if name.startswith("airflow-"):
            assert definition["env_file"] == "config/airflow.env", name
            assert not set(shared) & set(definition["environment"]), f"{name} says it twice"
    allowed = shared["AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES"]
    assert allowed == "airflow.* include.records.*"
    assert shared["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"


def test_pools_that_dags_name_are_created():
    script = read_raw()["services"]["airflow-init"]["command"][-1]
    files = [*(ROOT / "dags").glob("*.py"), *(ROOT / "include/orchestration").glob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    for pool in re.findall(r"""\bpool["']?\s*[=:]\s*["']([^"']+)["']""", text):
        assert f"airflow pools set {pool} " in script


@pytest.mark.skipif(not _has_compose(), reason="the compose plugin is not installed here")
def test_docker_compose_reads_it(filled_env, tmp_path):
    env_file = tmp_path / "env"
    lines = [f"{name}={value}\n" for name, value in filled_env.items()]
    env_file.write_text("".join(lines), encoding="utf-8")
    command = ["docker", "compose", "--env-file", str(env_file), "--file", str(COMPOSE_FILE)]
    done = subprocess.run(
        [*command, "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
