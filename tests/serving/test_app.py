"""The server of `gatehouse serve`: the real application on a real model, without a network."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from include.errors import IntegrityError, ReplayError, TrackingUnavailableError
from include.records.names import GOLDEN
from include.serving import champion as champions
from include.serving.app import build_app
from include.serving.champion import ServedChampion, ServedModel, load_served
from include.serving.replay import build_golden_rows
from include.serving.scoring_model import ScoringModel
from include.settings import Settings
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_run
from tests.bundle_builders import SmallBundle, make_bundle

ROW = {"age": 40, "income": 9.5, "married": False, "job": "nurse", "opened": "2024-01-01"}
NESTED = json.loads("[" * 18 + "{" + '"a": 1}' + "]" * 18)
Ask = Callable[[httpx.AsyncClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def model(small: SmallBundle) -> ScoringModel:
    return ScoringModel.load(small.directory)


@pytest.fixture
def served(model: ScoringModel) -> ServedChampion:
    """A champion as it is once its constructor has loaded it."""
    champion = ServedChampion.__new__(ServedChampion)
    champion.name = "loans"
    champion.current = ServedModel("3", model)
    return champion


def talk(
    served: ServedChampion,
    ask: Ask,
    *,
    token: str = "",
    host: str = "127.0.0.1:8000",
    **limits: Any,
) -> Any:
    """Run a conversation with the application."""

    async def run() -> Any:
        app = build_app(served, Settings(**limits), token=token)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await ask(client)

    return asyncio.run(run())


def post(served: ServedChampion, body: object, **options: Any) -> httpx.Response:
    """Ask once; a body that is no text is sent as JSON."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    path = options.pop("path", "/invocations")
    return talk(
        served,
        lambda client: client.post(path, content=content, headers=headers),
        **options,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [ROW, ROW]},
        {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())] * 2}},
        {"inputs": {name: [value] * 2 for name, value in ROW.items()}},
        {"inputs": [ROW, ROW]},
        {"instances": [{**ROW, "further": {"deep": []}}, ROW]},
    ],
    ids=["records", "split", "columns", "inputs", "instances"],
)
def test_every_form_gives_the_predictions_of_the_model(served, model, body):
    import pandas as pd

    answer = post(served, body)

    assert answer.status_code == httpx.codes.OK, answer.text
    expected = model.predict(pd.DataFrame([ROW, ROW], dtype=object)).to_dict("records")
    assert answer.json() == {"predictions": expected}
    assert answer.headers["Gatehouse-Version"] == "3"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"dataframe_records": [{"age": NaN}]}', "NaN, which JSON does not know"),
        ('{"dataframe_records": [{"age": -Infinity}]}', "-Infinity, which JSON does not know"),
        ('{"inputs": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ({"inputs": [{**ROW, "age": NESTED}]}, "more than 20 levels of brackets"),
        ({"inputs": [{**ROW, "age": "[" * 50}]}, "row 0, 'age': expected a whole number"),
        ('{"inputs": ' + "9" * 5_000 + "}", "must be JSON"),
        (b'{"inputs": "\xff"}', "must be JSON"),
        ("", "must be JSON"),
        ("[1]", "must be a JSON object with one of"),
        ("{}", "Received: an object with no keys"),
        ({"age": 39, "hours": 40}, "Received: an object with 'age, hours'"),
        ({"inputs": [ROW], "instances": [ROW]}, "Received: an object with 'inputs, instances'"),
        ({"dataframe_records": [1]}, "must hold a list of objects"),
        ({"dataframe_records": []}, "1 to 10,000 rows"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "1 values in every row"),
        ({"dataframe_split": 1}, "must hold `columns`"),
        ({"dataframe_split": {"columns": ["age"] * 2, "data": [[1, 2]]}}, "Received twice"),
        ({"inputs": {"a": [1], "b": []}}, "lists of the same length"),
        ({"dataframe_records": [ROW, {**ROW, "age": -5}]}, "row 1, 'age': expected values between"),
        ({"dataframe_records": [{**ROW, "age": 1e30}]}, "row 0, 'age': expected a whole number"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_is_refused_with_its_reason_alone(served, body, words):
    answer = post(served, body)

    assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "Traceback" not in answer.text
    assert "site-packages" not in answer.text


@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "streamed"])
def test_a_body_is_read_up_to_its_bound(served, is_announced):
    sent = []

    async def pieces() -> Any:
        for _ in range(1_000):
            sent.append(1)
            yield b" " * 1_000

    headers = {"Content-Type": "application/json"}
    if is_announced:
        headers["Content-Length"] = "1000000"
    answer = talk(
        served,
        lambda client: client.post("/invocations", content=pieces(), headers=headers),
        serve_bytes=5_000,
    )

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert "at most 5,000 bytes" in answer.json()["error"]
    assert len(sent) <= 6


def test_a_row_is_explained_by_its_columns(served, model):
    answer = post(served, {"inputs": [ROW, {**ROW, "age": 80}]}, path="/explain")

    assert answer.status_code == httpx.codes.OK, answer.text
    first, second = answer.json()["explanations"]
    assert {each["column"] for each in first["attributions"]} == set(ROW)
    total = sum(each["amount"] for each in second["attributions"])
    assert total == pytest.approx(second["output"] - second["reference_output"], abs=1e-3)
    assert set(answer.json()["reference_row"]) == set(ROW)
    assert answer.headers["Gatehouse-Version"] == "3"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"inputs": [{**ROW, "age": -5}]}, "row 0, 'age': expected values between"),
        ({"inputs": [ROW] * 101}, "1 to 100 rows. Received: 101"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_its_reason(served, body, words):
    answer = post(served, body, path="/explain")

    assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
    assert words in answer.json()["error"]


def test_rows_are_bounded(served):
    answer = post(served, {"dataframe_records": [ROW] * 3}, serve_rows=2)

    assert "1 to 2 rows. Received: 3" in answer.json()["error"]


def test_a_form_of_mlflow_that_is_not_json_is_refused(served):
    answer = post(served, "age\n1", headers={"Content-Type": "text/csv"})

    assert answer.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE


def test_a_compressed_body_is_refused_as_what_it_is(served):
    answer = post(served, b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    assert answer.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
    assert "Received: gzip" in answer.json()["error"]


@pytest.fixture
def held(served: ServedChampion) -> Iterator[threading.Event]:
    """Make the model wait until the event is set."""
    go = threading.Event()

    class Waiting:
        bundle = served.current.model.bundle
        calls = 0

        def predict(self, frame: Any) -> Any:
            Waiting.calls += 1
            go.wait()
            return served_model.predict(frame)

    served_model = served.current.model
    served.current = ServedModel("3", Waiting())  # type: ignore[arg-type]
    yield go
    go.set()


def test_while_rows_are_scored_ping_answers_and_a_full_queue_refuses(served, held):
    async def ask(client: httpx.AsyncClient) -> list[int]:
        body = {"dataframe_records": [ROW]}
        waiting = [asyncio.create_task(client.post("/invocations", json=body)) for _ in "ab"]
        refused = None
        while refused is None or refused.status_code != httpx.codes.TOO_MANY_REQUESTS:
            await asyncio.sleep(0)
            if (await client.get("/metrics")).text.count("gatehouse_requests_in_hand 2.0"):
                refused = await client.post("/invocations", json=body)
        assert refused.headers["Retry-After"]
        ping = await client.get("/ping")
        held.set()
        return [
            ping.status_code,
            *(answer.status_code for answer in await asyncio.gather(*waiting)),
        ]

    assert talk(served, ask, serve_queue=2) == [200, 200, 200]


def test_bodies_that_never_end_keep_nobody_out_and_are_bounded_together(served):
    never = asyncio.Event()

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        async def pieces() -> Any:
            yield b" " * 400
            await never.wait()

        def send() -> Awaitable[httpx.Response]:
            headers = {"Content-Type": "application/json"}
            return client.post("/invocations", content=pieces(), headers=headers)

        hanging = [asyncio.create_task(send()) for _ in "ab"]
        await asyncio.sleep(0.05)
        answers = [await client.post("/invocations", json={"inputs": [ROW]}), await send()]
        for each in hanging:
            each.cancel()
        return answers

    right, refused = talk(served, ask, serve_queue=1, serve_bytes=1_000)

    assert right.is_success, right.text
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert refused.headers["Retry-After"]


def test_work_that_waited_too_long_is_never_begun(served, held):
    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        body = {"dataframe_records": [ROW]}
        answers = await asyncio.gather(*(client.post("/invocations", json=body) for _ in "abc"))
        held.set()
        return answers

    answers = talk(served, ask, serve_seconds=0.2)

    assert {answer.status_code for answer in answers} == {httpx.codes.SERVICE_UNAVAILABLE}
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert type(served.current.model).calls <= 1


def test_small_requests_that_wait_are_answered_together_and_each_as_if_alone(served, held):
    """One row of them is wrong, which only its own caller is told, with its own number."""
    ages = [*range(20, 26), -5, *range(30, 36)]
    bodies = [{"inputs": [{**ROW, "age": age}] * (1 + (age == 25))} for age in ages]

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        first = asyncio.create_task(client.post("/invocations", json=bodies[0]))
        while not type(served.current.model).calls:
            await asyncio.sleep(0)
        others = [asyncio.create_task(client.post("/invocations", json=body)) for body in bodies]
        while "in_hand 14.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0)
        held.set()
        return await asyncio.gather(first, *others)

    _, *answers = talk(served, ask)

    assert type(served.current.model).calls < len(bodies)
    for body, answer in zip(bodies, answers, strict=True):
        alone = post(served, body)
        assert (answer.status_code, answer.content) == (alone.status_code, alone.content)
    assert "row 0, 'age': expected values between" in answers[6].json()["error"]
    assert [answer.status_code for answer in answers].count(400) == 1


def test_when_the_server_stops_what_waits_is_told_so_and_what_has_begun_is_answered(served, held):
    async def run() -> list[int]:
        app = build_app(served, Settings())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            body = {"inputs": [ROW]}
            asked = [asyncio.create_task(client.post("/invocations", json=body)) for _ in "abc"]
            while "in_hand 3.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0)
            app.state.stop()
            late = await client.post("/invocations", json=body)
            held.set()
            answers = [*await asyncio.gather(*asked), late]
            return [answer.status_code for answer in answers]

    assert asyncio.run(run()) == [200, 503, 503, 503]


def test_a_failure_of_the_model_tells_callers_nothing_of_this_machine(served):
    class Broken:
        bundle = served.current.model.bundle

        def predict(self, frame: Any) -> Any:
            raise RuntimeError("/home/somebody/secret")

    served.current = ServedModel("3", Broken())  # type: ignore[arg-type]
    answer = post(served, {"dataframe_records": [ROW]})

    assert answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert answer.json() == {"error": "the model could not answer; the server's log tells why."}


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json"])
@pytest.mark.parametrize("shown", [None, "Bearer another", "Basic dG9rZW4=", "Bearer "])
def test_without_the_token_nothing_is_answered_but_that_it_is_there(served, path, shown):
    headers = {} if shown is None else {"Authorization": shown}

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        body = {"dataframe_records": [ROW]}
        return [
            await client.get(path, headers=headers),
            await client.post("/invocations", json=body, headers=headers),
            await client.get("/ping"),
        ]

    *refused, ping = talk(served, ask, token="token", host="example.org")

    assert [answer.status_code for answer in refused] == [401, 401]
    assert all("Bearer <token>" in answer.json()["error"] for answer in refused)
    assert ping.is_success


def test_with_the_token_rows_are_answered(served):
    headers = {"Authorization": "Bearer token"}

    assert post(
        served, {"inputs": [ROW]}, token="token", host="example.org", headers=headers
    ).is_success


def test_on_loopback_a_name_that_a_web_page_made_up_is_refused(served):
    assert post(served, {"inputs": [ROW]}, host="evil.example:8000").status_code == 403


def test_the_interface_is_described_by_the_contract(served):
    document = talk(served, lambda client: client.get("/openapi.json")).json()

    operation = document["paths"]["/invocations"]["post"]
    forms = operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    row = forms[0]["properties"]["dataframe_records"]["items"]
    assert set(row["properties"]) == set(ROW)
    assert (row["properties"]["age"]["minimum"], row["properties"]["age"]["maximum"]) == (18, 100)
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert "probability_yes" in answer["properties"]["predictions"]["items"]["properties"]
    explained = document["paths"]["/explain"]["post"]
    assert explained["requestBody"] == operation["requestBody"]
    row = explained["responses"]["200"]["content"]["application/json"]["schema"]
    part = row["properties"]["explanations"]["items"]["properties"]["attributions"]["items"]
    name = part["$ref"].removeprefix("#/components/schemas/")
    assert "amount" in document["components"]["schemas"][name]["properties"]


def test_what_was_done_is_counted(served):
    async def ask(client: httpx.AsyncClient) -> str:
        await client.post("/invocations", json={"inputs": [ROW, ROW]})
        await client.post("/invocations", json={"inputs": []})
        return (await client.get("/metrics")).text

    text = talk(served, ask)

    assert "gatehouse_rows_total 2.0" in text
    assert 'gatehouse_request_seconds_count{status="200"} 1.0' in text
    assert 'gatehouse_request_seconds_count{status="400"} 1.0' in text
    assert "gatehouse_model_version 3.0" in text


def test_mlflows_other_addresses_answer(served):
    async def ask(client: httpx.AsyncClient) -> list[int]:
        paths = ("/ping", "/health", "/version", "/nothing")
        return [(await client.get(path)).status_code for path in paths]

    assert talk(served, ask) == [200, 200, 200, 404]


@pytest.fixture
def settings(mlflow_server: str, tmp_path: Any) -> Settings:
    return Settings(mlflow_url=mlflow_server, home=tmp_path)


def register(settings: Settings, small: SmallBundle, name: str) -> str:
    log = open_run(settings, make_run(run_id=f"manual__{name}"))
    uri = small.log_to(log, name)
    return register_model(
        settings, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )


def test_the_next_champion_takes_over_only_when_it_was_verified(settings, small, monkeypatch):
    first, forged, third = (register(settings, small, "followed") for _ in range(3))
    move_champion(settings, "followed", first, expected_current=None)
    champion = ServedChampion(settings, "followed")
    assert champion.current.version == first

    log = open_run(settings, make_run())
    log.client.set_model_version_tag("followed", forged, "gatehouse.seal", "0" * 64)
    move_champion(settings, "followed", forged, expected_current=first)
    champion.refresh()
    assert champion.current.version == first

    move_champion(settings, "followed", third, expected_current=forged)
    with monkeypatch.context() as patch:
        patch.setattr(champions, "find_champion", _away)
        champion.refresh()
    assert champion.current.version == first
    champion.refresh()
    assert champion.current.version == third


def _away(*_: object) -> None:
    raise TrackingUnavailableError("away")


def test_a_model_that_cannot_answer_its_example_is_not_served(settings, small, monkeypatch):
    version = register(settings, small, "unable")
    move_champion(settings, "unable", version, expected_current=None)
    right = ScoringModel.predict
    monkeypatch.setattr(
        ScoringModel,
        "predict",
        lambda self, rows: right(self, rows).assign(probability_yes=float("nan")),
    )

    with pytest.raises(IntegrityError, match="must answer its own example"):
        ServedChampion(settings, "unable")


@pytest.mark.parametrize("is_same", [True, False])
def test_a_version_is_served_once_it_answers_its_golden_rows_as_in_its_run(
    settings, tmp_path, is_same
):
    small = make_bundle(tmp_path)
    said = small.predictions if is_same else small.predictions[::-1]
    golden = build_golden_rows(small.bundle, small.frame, said)
    (small.directory / GOLDEN).write_text(golden.model_dump_json())
    name = f"golden_{is_same}".lower()
    version = register(settings, small, name)

    if is_same:
        assert load_served(settings, name, version).version == version
    else:
        with pytest.raises(ReplayError):
            load_served(settings, name, version)
