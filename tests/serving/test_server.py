"""Connections of the server: one that says nothing, or never comes to an end, is closed."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from include.serving import server
from include.serving.server import Connection

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def answer_slowly(scope: dict[str, object], receive: object, send: object) -> None:
    """Answer after longer than a header may take."""
    assert scope["type"] == "http"
    assert callable(send)
    await asyncio.sleep(0.6)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"late"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve by our connections, with little patience; gives the port."""
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(answer_slowly, http=Connection, log_level="warning", lifespan="off")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        running.should_exit = True
        thread.join()


@pytest.mark.parametrize("sent", [b"", REQUEST[:20]], ids=["nothing", "half a header"])
def test_a_connection_that_never_asks_is_closed(port: int, sent: bytes):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_one_that_never_asks_again_is_closed_however_it_drips(port: int):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(REQUEST)
        told = b""
        while b"late" not in told:
            told += connection.recv(1000)
        with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 - it is closed under way
            for byte in REQUEST[:-4] * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)


def test_an_answer_may_take_longer_than_a_header_and_the_connection_serves_the_next(port: int):
    with httpx.Client() as client:
        answers = [client.get(f"http://127.0.0.1:{port}/", timeout=30).text for _ in range(2)]
    assert answers == ["late", "late"]
