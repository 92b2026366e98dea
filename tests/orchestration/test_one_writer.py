"""Calls that may write take turns at a server whose database is SQLite; nobody else waits."""

import asyncio
from typing import Any

import httpx
import pytest

from include.orchestration import one_writer
from include.orchestration.one_writer import OneWriter


class Airflow:
    """An application whose calls write until they are let go; counts those at work together."""

    def __init__(self) -> None:
        self.writing = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        if scope["method"] not in one_writer.READING:
            self.writing += 1
            self.most = max(self.most, self.writing)
            await self.go.wait()
            await asyncio.sleep(0)
            self.writing -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        if body == b"fail":
            raise OSError


async def call_all(app: Airflow) -> list[httpx.Response]:
    """Change things by four calls, one of which fails, while a fifth does not end its body."""
    transport = httpx.ASGITransport(OneWriter(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
        never = asyncio.Event()

        async def slow():
            yield b"a"
            await never.wait()

        unsaid = asyncio.create_task(client.post("/slow", content=slow()))
        await asyncio.sleep(0)
        methods = ("POST", "PATCH", "DELETE", "PUT")
        calls = [client.request(x, "/", content=y) for x, y in zip(methods, WORDS, strict=True)]
        waiting = [asyncio.create_task(each) for each in calls]
        while not app.writing:
            await asyncio.sleep(0)
        # Whoever only reads is answered while a writer is at work.
        assert (await client.get("/")).status_code == 200
        assert not unsaid.done()
        app.go.set()
        answers = await asyncio.gather(*waiting)
        never.set()
        await unsaid
        return list(answers)


WORDS = (b"fail", b"b", b"c", b"d")


@pytest.mark.parametrize(("is_sqlite", "most"), [(True, 1), (False, 5)])
def test_calls_that_may_write_take_turns_at_sqlite_and_come_as_they_were(
    is_sqlite, most, monkeypatch
):
    monkeypatch.setattr(one_writer, "is_sqlite", lambda: is_sqlite)
    app = Airflow()
    answers = asyncio.run(asyncio.wait_for(call_all(app), 20))
    assert [each.content for each in answers] == list(WORDS)
    assert app.most == most


def test_where_the_database_is_airflow_says(monkeypatch):
    for url, expected in (("sqlite:////a.db?timeout=20", True), ("postgresql://x/y", False)):
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
        one_writer.is_sqlite.cache_clear()
        assert one_writer.is_sqlite() is expected
    one_writer.is_sqlite.cache_clear()
