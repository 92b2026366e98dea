"""One real MLflow server for all tests that track: SQLite, a free port, ended by its pid."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from include.stack.migrations import write_ahead

START_SECONDS = 90


class MlflowServer:
    """A server on a free port, with its state in a directory."""

    def __init__(self, directory: Path) -> None:
        """Choose a directory for its state and a free port."""
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_ahead(self.directory / "mlflow.db")
        log = (self.directory / "server.log").open("ab")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--backend-store-uri", f"sqlite:///{self.directory / 'mlflow.db'}"),
                *("--artifacts-destination", str(self.directory / "artifacts")),
            ],
            stdout=log,
            stderr=log,
            cwd=self.directory,
            start_new_session=True,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
        )
        log.close()
        self._wait()

    def stop(self) -> None:
        """End it and its workers."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.process = None

    def _wait(self) -> None:
        assert self.process is not None
        if wait_for(f"{self.url}/health", self.process):
            return
        text = (self.directory / "server.log").read_text()[-3000:]
        self.stop()
        pytest.fail(f"the MLflow server did not start within {START_SECONDS} s:\n{text}")


def wait_for(
    address: str, process: "subprocess.Popen[bytes]", *, seconds: float = START_SECONDS
) -> bool:
    """Tell whether a server answers before it ends or the time is over."""
    end = time.monotonic() + seconds
    # One client for all tries: each new one reads the machine's certificates.
    with httpx.Client(timeout=2) as client:
        while time.monotonic() < end and process.poll() is None:
            try:
                if client.get(address).is_success:
                    return True
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
    return False


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def mlflow_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory where the shared server keeps its database and artifacts."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="session")
def mlflow_server(mlflow_directory: Path) -> Iterator[str]:
    """Yield the address of a running MLflow server; GATEHOUSE_MLFLOW_URL names it too."""
    server = MlflowServer(mlflow_directory)
    server.start()
    before = os.environ.get("GATEHOUSE_MLFLOW_URL")
    os.environ["GATEHOUSE_MLFLOW_URL"] = server.url
    yield server.url
    if before is None:
        os.environ.pop("GATEHOUSE_MLFLOW_URL", None)
    else:
        os.environ["GATEHOUSE_MLFLOW_URL"] = before
    server.stop()
