"""`gatehouse serve` as a process: only what was sealed, and only when it is ready."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from include.settings import Settings
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import BASE_SPEC, make_run
from tests.bundle_builders import SmallBundle, make_bundle
from tests.mlflow_fixture import free_port, wait_for


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def settings(mlflow_server: str, tmp_path: Path) -> Settings:
    return Settings(mlflow_url=mlflow_server, home=tmp_path / "home")


@pytest.fixture
def champion(settings: Settings, small: SmallBundle, request: pytest.FixtureRequest) -> str:
    """Register the small bundle as champion of a pipeline named after the test."""
    name = request.node.name.removeprefix("test_")[:40]
    log = open_run(settings, make_run(run_id=f"manual__{name}"))
    uri = small.log_to(log, name)
    version = register_model(
        settings, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
    move_champion(settings, name, version, expected_current=None)
    return name


@pytest.fixture
def serving(
    settings: Settings, champion: str, tmp_path: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", str, Path]]:
    """Serve the champion as a person would; gives the process, its address and its output."""
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    text = yaml.safe_dump({**BASE_SPEC, "name": champion})
    (pipelines / f"{champion}.yaml").write_text(text, encoding="utf-8")
    port, output = free_port(), tmp_path / "output.txt"
    (tmp_path / "elsewhere").mkdir()
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "include.cli", "serve", champion, "--port", str(port)],
            cwd=tmp_path / "elsewhere",
            env={
                **os.environ,
                "GATEHOUSE_HOME": str(settings.home),
                "GATEHOUSE_MLFLOW_URL": settings.mlflow,
                "GATEHOUSE_PIPELINES_DIR": str(pipelines),
                "COLUMNS": "500",
            },
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield process, f"http://127.0.0.1:{port}", output
    if process.poll() is None:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def stored_files(directory: Path, settings: Settings, name: str) -> Path:
    """Find the champion's files where the server keeps them."""
    client = open_run(settings, make_run()).client
    version = client.get_model_version_by_alias(name, "champion")
    model_id = version.tags["gatehouse.bundle"].split("/")[1]
    return next(directory.glob(f"artifacts/*/models/{model_id}/artifacts"))


@pytest.fixture
def harmed(settings: Settings, champion: str, mlflow_directory: Path) -> None:
    """Flip one byte of the code that MLflow would import."""
    path = stored_files(mlflow_directory, settings, champion) / "code" / "include.zip"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("harmed")
def test_changed_files_are_refused_and_nothing_is_served(serving):
    process, url, output = serving
    assert not wait_for(f"{url}/ping", process, seconds=60)
    assert process.poll() == 1
    assert "must have the digest recorded at registration" in output.read_text()
    assert "answers at" not in output.read_text()


def test_the_champion_answers_when_it_says_so_and_ends_when_told(serving, small: SmallBundle):
    process, url, output = serving
    assert wait_for(f"{url}/ping", process, seconds=150), output.read_text()
    assert f"version 1 of {champion_of(output)} answers at {url}/invocations" in output.read_text()
    rows = json.loads(small.frame.head(3).to_json(orient="records", date_format="iso"))
    answer = httpx.post(f"{url}/invocations", json={"dataframe_records": rows}, timeout=60)
    assert answer.is_success, answer.text
    assert len(answer.json()["predictions"]) == 3
    why = httpx.post(f"{url}/explain", json={"dataframe_records": rows[:1]}, timeout=60)
    assert why.is_success, why.text
    said = why.json()["explanations"][0]["said"]
    assert said == answer.json()["predictions"][0]["prediction"]
    assert_one_reading(f"{url}/invocations")
    assert list((output.parent / "elsewhere").iterdir()) == []
    process.terminate()
    process.wait(timeout=20)
    assert "Traceback" not in output.read_text()


def champion_of(output: Path) -> str:
    """Give the name of the pipeline that the test wrote."""
    (path,) = (output.parent / "pipelines").glob("*.yaml")
    return path.stem


def assert_one_reading(address: str) -> None:
    """Check that a meaning has one answer, and that what breaks the contract has none."""
    row = {"age": 40, "income": 9.5, "married": False, "job": "nurse", "opened": "2024-01-01"}

    def ask(**changes: object) -> httpx.Response:
        body = {"dataframe_records": [{**row, **changes}]}
        return httpx.post(address, json=body, timeout=60)

    expected = ask().json()["predictions"]
    for same in ({"married": "False"}, {"married": "no"}, {"age": "40.0"}, {"job": " nurse "}):
        assert ask(**same).json()["predictions"] == expected, same
    missing = ask(job=None).json()["predictions"]
    assert missing != expected
    assert ask(job="NA").json()["predictions"] == missing
    refused = ask(age=-5)
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "row 0, 'age': expected values between 18 and 100, received '-5'" in refused.text
