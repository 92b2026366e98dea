"""A server of one file on this machine that can be told to misbehave."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer(ThreadingHTTPServer):
    """Serves one body, and notes how each request was answered.

    Attributes:
        body: What is served.
        etag: Its validator; empty for a server that knows none.
        break_after: Bytes of the next answer after which the connection ends.
        status: A status to refuse with.
        requests: Status and headers of the requests so far.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.etag = body, '"one"'
        self.break_after: int | None = None
        self.status: int | None = None
        self.requests: list[tuple[int, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://user:canary@127.0.0.1:{self.server_port}/a.csv?token=canary"

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server, body, status = self.server, self.server.body, 200
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if server.status:
            status, body = server.status, b""
        elif self.headers.get("If-None-Match") == server.etag:
            status, body = 304, b""
        elif asked and self.headers.get("If-Range") == server.etag:
            status, body = 206, body[int(asked[1]) :]
        server.requests.append((status, dict(self.headers)))
        self.send_response(status)
        self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.break_after is not None:
            body, server.break_after = body[: server.break_after], None
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serve(body: bytes) -> Iterator[FileServer]:
    """Serve a body while the block runs."""
    with FileServer(body) as started:
        thread = threading.Thread(target=started.serve_forever, daemon=True)
        thread.start()
        yield started
        started.shutdown()
        thread.join()
