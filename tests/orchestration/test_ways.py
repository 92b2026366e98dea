"""From Airflow's pages to MLflow: signed in, by way of our own addresses."""

import asyncio

import httpx
import pytest

from include.orchestration import ways
from include.settings import load_settings
from include.tracking.runs import open_run
from tests.builders import make_run

# What Airflow imports imports a test client, which warns of its own library.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with")


@pytest.fixture(autouse=True)
def mlflow(mlflow_server: str, data_root: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.core_api.security import get_user

    monkeypatch.setitem(ways._build_app().dependency_overrides, get_user, lambda: "ada")


def get(path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(ways.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_one_who_is_not_signed_in_learns_nothing():
    for path in ("/digits/runs", "/digits/champion", "/docs", "/openapi.json"):
        assert get(path).status_code in {401, 404}, path


@pytest.mark.usefixtures("signed_in")
def test_one_who_is_signed_in_is_led_to_the_runs():
    open_run(load_settings(), make_run(pipeline="led", run_id="manual__ways"))
    answer = get("/led/runs")
    assert answer.status_code == 307
    assert "viewStateShareKey=gatehouse" in answer.headers["location"]


@pytest.mark.usefixtures("signed_in")
def test_what_is_not_there_yet_is_said():
    answer = get("/unheard/champion")
    assert (answer.status_code, answer.text) == (
        404,
        "There is no champion of unheard yet: train it first.",
    )
    assert get("/unheard/secrets").status_code == 422


@pytest.mark.usefixtures("signed_in")
def test_an_mlflow_that_is_away_is_said(monkeypatch):
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", "http://127.0.0.1:9")
    answer = get("/digits/runs")
    assert answer.status_code == 503
    assert "must answer at http://127.0.0.1:9" in answer.text
