"""The buttons to MLflow: there while a task takes long, and in no fork's way."""

import threading
import time
from types import SimpleNamespace

import pytest

from include.orchestration import links
from include.orchestration.links import MlflowRunLink, show_run_link

URL = "http://mlflow/#/experiments/1/runs/a?x"


@pytest.fixture
def pushed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List what a task of the name given pushes."""
    values: list[str] = []
    ti = SimpleNamespace(task_id=request.param, xcom_push=lambda key, value: values.append(value))
    monkeypatch.setattr(links, "get_current_context", lambda: {"ti": ti})
    monkeypatch.setattr(MlflowRunLink, "url", "")
    return values


@pytest.mark.parametrize("pushed", ["train"], indirect=True)
def test_a_task_that_takes_long_shows_its_run_meanwhile(pushed, monkeypatch):
    monkeypatch.setattr(links, "SHOW_AFTER_SECONDS", 0.01)
    with show_run_link() as on_open:
        on_open(URL)
        while not pushed:
            time.sleep(0.01)
    assert pushed == [URL]


@pytest.mark.parametrize("pushed", ["report"], indirect=True)
def test_a_short_task_leaves_it_to_airflow_and_no_thread_behind(pushed):
    before = threading.active_count()
    with show_run_link() as on_open:
        on_open(URL)
    assert (pushed, MlflowRunLink.url, threading.active_count()) == ([], URL, before)


@pytest.mark.parametrize("pushed", ["promote"], indirect=True)
def test_a_task_that_forks_has_no_second_thread(pushed):
    before = threading.active_count()
    with show_run_link() as on_open:
        on_open(URL)
        assert threading.active_count() == before
    assert pushed == [URL]
