"""What starts a run is refused where no task could be handed it; all else passes as it came."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from airflow.models import DagRun
from msgspec import msgpack

from include.errors import ParamError
from include.orchestration import run_bodies
from include.orchestration.one_writer import OneWriter
from include.orchestration.run_bodies import MAX_BYTES, RunBodies
from include.records.form import apply_params
from tests.builders import make_spec

TRIGGER = "/api/v2/dags/train__digits/dagRuns"


async def airflow(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body as it came."""
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body, is_more = body + message["body"], message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def post(path: str, content: Any, method: str = "POST", *, is_known: bool = True) -> httpx.Response:
    async def knows(_: Any) -> bool:
        return is_known

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(RunBodies(airflow, knows))
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            return await client.request(method, path, content=content)

    return asyncio.run(ask())


def conf(text: str) -> bytes:
    return b'{"logical_date": null, "conf": {"x": ' + text.encode() + b"}}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (str(10**400), "a whole number of 401 digits"),
        (str(2**63), "a whole number of 19 digits"),
        ("-" + "9" * 5_000, "a whole number of 5000 digits"),
        ("1e400", "1e400"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[" * 200 + "]" * 200, "202 levels"),
        ("[" * 100_000 + "]" * 100_000, "more than 65536 bytes"),
        ('"' + "a" * 2_000_000 + '"', "more than 65536 bytes"),
        ("[" * 20_000 + "]" * 20_000, "brackets nested too deeply"),
        (r'"\ud800"', "half a character"),
        ("[1, ", "no JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("path", [TRIGGER, f"/prefix{TRIGGER}", "/api/v2/backfills"])
def test_what_no_task_could_be_handed_is_refused_with_what_it_was(path, value, said):
    answer = post(path, conf(value))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert f"Received: {said}" in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        conf(f'[{2**63 - 1}, {-(2**63)}, 0.1, null, true, "\\ud83d\\ude00"]'),
        json.dumps({"conf": {"note": "x" * (MAX_BYTES - 1_000)}}).encode(),
        b"",
    ],
    ids=["largest numbers", "long note", "nothing"],
)
def test_what_a_task_can_be_handed_passes_as_it_came(content):
    answer = post("/api/v2/dags/rollback/dagRuns", content)
    assert (answer.status_code, answer.content) == (200, content)


HUGE = [65_536] * 50


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"epoch": 3}, "Received: 'epoch'. Did you mean 'epochs'?"),
        ({"epochs": 0}, "epochs"),
        ({"hidden": HUGE}, "GB of all memory. Received: model.hidden=[65536"),
    ],
    ids=["unknown", "out of bounds", "too large for the machine"],
)
def test_what_the_first_task_would_refuse_is_refused_when_a_training_is_triggered(form, said):
    answer = post(TRIGGER, json.dumps({"logical_date": None, "conf": form}).encode())
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{"conf": {"epochs": 3, "note": "why"}}, {"conf": None}, {}, {"conf": [1]}, [1], 3]
)
def test_a_form_that_the_pipeline_accepts_passes_and_so_does_what_airflow_refuses(body):
    assert post(TRIGGER, json.dumps(body).encode()).status_code == 200


def test_a_pipeline_without_a_file_is_for_airflow_to_refuse():
    other = "/api/v2/dags/train__of_nobody/dagRuns"
    assert post(other, b'{"conf": {"epoch": 3}}').status_code == 200


def test_whom_airflow_does_not_know_learns_nothing_of_a_pipeline():
    body = json.dumps({"conf": {"epoch": 3}}).encode()
    assert post(TRIGGER, body, is_known=False).status_code == 200  # Airflow asks who it is


def test_where_tasks_run_elsewhere_their_memory_is_theirs_to_judge(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert post(TRIGGER, json.dumps({"conf": {"hidden": HUGE}}).encode()).status_code == 200


def test_a_body_that_comes_in_pieces_is_read_to_its_bound_and_no_further():
    sent = []

    async def pieces():
        for _ in range(1_000):
            sent.append(1)
            yield b"x" * 1_000

    assert post(TRIGGER, pieces()).status_code == 400
    assert len(sent) <= MAX_BYTES // 1_000 + 2

    async def small():
        yield b'{"conf": '
        yield b"{}}"

    assert post(TRIGGER, small()).content == b'{"conf": {}}'


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api/v2/variables", "POST"), (TRIGGER, "GET"), (f"{TRIGGER}/manual__1", "PATCH")],
)
def test_no_other_call_is_looked_into(path, method):
    answer = post(path, conf("[" * 200), method)
    assert answer.status_code == 200


def test_airflow_is_given_it():
    from plugins.gatehouse_plugin import GatehousePlugin

    given = [each["middleware"] for each in GatehousePlugin.fastapi_root_middlewares]
    assert given == [RunBodies, OneWriter]


@pytest.mark.parametrize(
    ("value", "said"),
    [(10**400, "a whole number of 401 digits"), ([[[]] * 2, [2**64]], "of 20 digits")],
    ids=["number", "within a list"],
)
def test_words_take_the_place_of_what_no_task_could_be_handed_and_its_first_task_refuses_them(
    value, said
):
    dag_run = DagRun(dag_id="train__loans", conf={"epochs": value, "note": "why"})
    with pytest.raises(OverflowError):
        msgpack.encode(dag_run.conf)  # as Airflow hands it to the task
    run_bodies.on_dag_run_running(dag_run, "started")
    assert msgpack.decode(msgpack.encode(dag_run.conf)) == dag_run.conf
    with pytest.raises(ParamError, match=f"training: epochs .*{said}"):
        apply_params(make_spec(), dag_run.conf)


@pytest.mark.parametrize("value", [{}, {"epochs": 3, "note": "\u00e9", "hidden": [8, 4]}])
def test_parameters_that_a_task_can_be_handed_stay(value):
    dag_run = DagRun(dag_id="train__loans", conf=value)
    run_bodies.on_dag_run_running(dag_run, "started")
    assert dag_run.conf == value


def test_deep_brackets_and_half_a_character_are_words_as_well():
    deep = []
    for _ in range(500):
        deep = [deep]
    dag_run = DagRun(dag_id="train__loans", conf={"x": deep, "\ud800": "\ud800"})
    run_bodies.on_dag_run_running(dag_run, "started")
    assert "501 levels" in dag_run.conf["x"]
    assert "half a character" in dag_run.conf["\\ud800"]
    msgpack.encode(dag_run.conf)
