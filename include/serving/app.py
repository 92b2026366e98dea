"""The HTTP server's application: MLflow's protocol in front of the champion.

`/invocations` takes what `mlflow models serve` takes as JSON and answers alike, `/explain` takes
the same and tells what each column adds to the answer; `/ping`,
`/health` and `/version` tell that it is there, `/metrics` what it does, `/openapi.json` how to
ask. Rows are judged by the scoring model alone; this module bounds what they may cost.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from include.errors import DataError, ParamError
from include.serving.api_description import (
    describe_answer,
    describe_explanation,
    describe_request,
)
from include.serving.champion import ServedChampion
from include.serving.request_answers import Work, explain_bodies, score_bodies
from include.serving.request_metrics import CONTENT_TYPE, RequestMetrics
from include.serving.scoring_queue import ClosedError, FullError, ScoringQueue
from include.settings import Settings

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 10.0
VERSION_HEADER: Final = "Gatehouse-Version"
RETRY: Final = {"Retry-After": "1"}
LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class ScoringApi:
    """The routes of one served champion."""

    def __init__(self, champion: ServedChampion, settings: Settings, *, token: str) -> None:
        """Put the parts together; `build_app` makes the application."""
        from include.modeling.prediction import MIN_BATCH  # Keras, which a loaded model has anyway

        self.champion = champion
        self.settings = settings
        self.token = token
        self.metrics = RequestMetrics()
        # Nearly all that one row costs, so many cost as well.
        self._together = MIN_BATCH
        self._score = partial(score_bodies, max_rows=settings.serve_rows)
        self._explain = partial(explain_bodies, max_rows=settings.serve_rows)
        self.queue = ScoringQueue(places=settings.serve_queue)
        self._bytes_read = 0  # of bodies that have not ended

    async def invocations(self, request: Request) -> Response:
        """Predict rows."""
        return await self._measured(request, self._score, together=self._together)

    async def explain(self, request: Request) -> Response:
        """Tell what each column of a row adds to the answer."""
        return await self._measured(request, self._explain)

    async def _measured(self, request: Request, work: Work, together: int = 1) -> Response:
        started = time.perf_counter()
        response = await self._answer(request, work, together)
        status = str(response.status_code)
        self.metrics.seconds.labels(status).observe(time.perf_counter() - started)
        return response

    async def ping(self) -> Response:
        """Tell that the model is loaded and has answered its example."""
        return Response("\n", media_type="text/plain")

    async def read_version(self) -> Response:
        """Tell MLflow's version, as its own server does."""
        return Response(version("mlflow"), media_type="text/plain")

    async def read_metrics(self) -> Response:
        """Tell what was done, as Prometheus reads it."""
        in_hand, served = self.queue.taken, self.champion.current.version
        return Response(self.metrics.render(in_hand, served), media_type=CONTENT_TYPE)

    async def describe(self, request: Request) -> Response:
        """Describe this interface, with the columns of the version that answers."""
        served = self.champion.current
        document = get_openapi(
            title=self.champion.name, version=served.version, routes=request.app.routes
        )
        explanation, components = describe_explanation()
        document["components"]["schemas"] = components
        body = {"required": True, "content": _json_of(describe_request(served))}
        for path, answer in {
            "/invocations": describe_answer(served),
            "/explain": explanation,
        }.items():
            operation = document["paths"][path]["post"]
            operation["requestBody"] = body
            operation["responses"]["200"]["content"] = _json_of(answer)
        return JSONResponse(document)

    async def follow(self) -> None:
        """Follow the alias, in a thread of its own: scoring goes on while a version is loaded."""
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(1, thread_name_prefix="reload")
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                await loop.run_in_executor(pool, self.champion.refresh)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    async def check_caller(
        self,
        request: Request,
        given: Annotated[
            HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
        ],
    ) -> None:
        """Let in who shows the token; without a token, who asks for this machine by its name."""
        if self.token:
            shown = given.credentials if given else ""
            if not hmac.compare_digest(shown.encode(), self.token.encode()):
                raise HTTPException(
                    401,
                    "expected `Authorization: Bearer <token>`. Received: "
                    f"{'another token' if shown else 'none'}.",
                    {"WWW-Authenticate": "Bearer"},
                )
        elif request.headers.get("host", "").rpartition(":")[0] not in LOCAL_NAMES:
            # Else a web page could ask by a name of its own that leads here.
            raise HTTPException(403, f"expected one of the hosts {sorted(LOCAL_NAMES)}.")

    async def _answer(self, request: Request, work: Work, together: int) -> Response:
        try:
            async with asyncio.timeout(self.settings.serve_seconds):
                self.queue.check_open()
                # Only then it takes a place: a body that never ends keeps out nobody.
                body = await self._read_body(request)
                served = self.champion.current
                content, rows = await self.queue.run(work, served, body, together=together)
        except asyncio.CancelledError:
            if not self.queue.is_closed:
                raise
            return self._refuse(ClosedError())
        except Exception as error:
            return self._refuse(error)
        self.metrics.rows.inc(rows)
        headers = {VERSION_HEADER: served.version}
        return Response(content, media_type="application/json", headers=headers)

    def _refuse(self, error: Exception) -> Response:
        """Say why there is no answer; what is no fault of the caller's goes to the log alone."""
        match error:
            case DataError() | ParamError():
                told = 400, str(error)
            case HTTPException():
                told = error.status_code, error.detail
            case ClientDisconnect():
                told = 400, "the request ended before its body did."
            case FullError():
                told = 429, f"no room for another: {self.queue.taken} requests are in hand."
            case ClosedError():
                told = 503, "the server stops; it was given up."
            case TimeoutError():
                seconds = self.settings.serve_seconds
                told = 503, f"no answer within {seconds:g} s; it was given up."
            case _:
                logger.error("a request failed", exc_info=error)
                told = 500, "the model could not answer; the server's log tells why."
        return refuse(*told, RETRY if told[0] in {429, 503} else None)

    async def _read_body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, f"expected application/json. Received: {kind[:100] or 'none'}")
        if (coding := request.headers.get("content-encoding", "identity")) != "identity":
            raise HTTPException(415, f"expected a body as it is. Received: {coding[:100]}")
        announced = request.headers.get("content-length", "0")
        self._check_size(int(announced) if announced.isdecimal() else 0)
        size, parts = 0, []
        try:
            async for part in request.stream():
                size += len(part)
                self._bytes_read += len(part)
                self._check_size(size)
                parts.append(part)
        finally:
            self._bytes_read -= size
        return b"".join(parts)

    def _check_size(self, size: int) -> None:
        """Bound a body, and what of all bodies is held before they have ended."""
        most = self.settings.serve_bytes
        if size > most:
            raise HTTPException(413, f"expected at most {most:,} bytes. Send fewer rows at a time.")
        if self._bytes_read > most * self.settings.serve_queue:
            raise FullError


def build_app(champion: ServedChampion, settings: Settings, *, token: str = "") -> FastAPI:
    """Build the application.

    Args:
        champion: The model, which has answered its example.
        settings: Limits of a request.
        token: What callers must show; empty: only callers of this machine's own names are let in.
    """
    api = ScoringApi(champion, settings, token=token)

    @asynccontextmanager
    async def follow_alias(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(api.follow())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        api.queue.close()

    app = FastAPI(lifespan=follow_alias, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.stop = api.queue.close
    app.add_exception_handler(StarletteHTTPException, _refuse_as_json)
    for path, answer in {
        "/ping": api.ping,
        "/health": api.ping,
        "/version": api.read_version,
    }.items():
        app.add_api_route(path, answer, methods=["GET"])
    guarded = APIRouter(dependencies=[Depends(api.check_caller)])
    guarded.add_api_route("/invocations", api.invocations, methods=["POST"])
    guarded.add_api_route("/explain", api.explain, methods=["POST"])
    guarded.add_api_route("/metrics", api.read_metrics, methods=["GET"])
    guarded.add_api_route("/openapi.json", api.describe, methods=["GET"])
    app.include_router(guarded)
    return app


def refuse(status: int, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Answer with a reason, and nothing of this machine."""
    return JSONResponse({"error": words}, status_code=status, headers=headers)


async def _refuse_as_json(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - it is registered for these
    return refuse(error.status_code, str(error.detail), dict(error.headers or {}))


def _json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
