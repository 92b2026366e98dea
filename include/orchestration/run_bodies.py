"""What may start a run: Airflow takes bodies that no task could then be handed.

A number beyond 64 bits, or brackets nested deeply, end the process that should hand them to the
task, before any code of ours runs: the task is tried again and again, with nothing in its log. So
its API refuses them; and where a run starts with them all the same, as by `airflow dags trigger`,
which writes to the database, words take their place, which the first task refuses.

The API refuses what the first task would refuse, too: parameters that the pipeline does not know,
and a network that could never fit into the machine, if that is the one that tasks run on.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from airflow.configuration import conf as airflow_options
from airflow.listeners import hookimpl

from include.errors import GatehouseError, ParamError, SpecError
from include.orchestration.one_writer import again
from include.records.form import apply_params
from include.settings import load_settings
from include.specs.loader import find_pipeline_spec

TRAINING: Final = re.compile(r"/api/v2/dags/train__([^/]+)/dagRuns$")
STARTS_RUNS: Final = re.compile(r"/api/v2/(dags/[^/]+/dagRuns|backfills(/dry_run)?)$")
# A form has a dozen fields, the longest of 4,000 characters; its deepest value is a list.
MAX_BYTES: Final = 65_536
MAX_LEVELS: Final = 20
BAD_REQUEST: Final = 400  # as Airflow answers a parameter out of bounds


class RunBodies:
    """ASGI middleware that answers for Airflow where a body cannot become a run."""

    def __init__(self, app: Any, knows: Callable[[Any], Awaitable[bool]] | None = None) -> None:
        """Stand before an application.

        Args:
            app: The application.
            knows: Tells whether Airflow knows who calls: only they learn of pipelines and memory.
        """
        self._app = app
        self._knows = knows or _is_signed_in

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a call on as it came, or refuse it."""
        is_start = scope["type"] == "http" and scope["method"] == "POST"
        if not is_start or not STARTS_RUNS.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        messages: list[Any] = []
        body = b""
        while not messages or messages[-1].get("more_body", False):
            messages.append(await receive())
            body += messages[-1].get("body", b"")
            if len(body) > MAX_BYTES:
                break
        try:
            check_body(body)
            training = TRAINING.search(scope["path"])
            if training is not None and body and await self._knows(scope):
                # It reads files, for which other calls should not wait.
                await asyncio.to_thread(check_training, training[1], json.loads(body))
        except GatehouseError as error:
            await _refuse(str(error), send)
            return
        await self._app(scope, again(messages, receive), send)


def check_body(body: bytes) -> None:
    """Refuse what no task could be handed.

    Raises:
        ParamError: It is long, deep, no strict JSON, or holds a number beyond 64 bits.

    Example:
        >>> check_body(b'{"conf": {"epochs": 3}}')
    """
    if len(body) > MAX_BYTES:
        raise _unfit(f"more than {MAX_BYTES} bytes")
    if not body:
        return
    try:
        content = json.loads(
            body, parse_int=_read_whole, parse_float=_read_float, parse_constant=_read_float
        )
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise _unfit("brackets nested too deeply") from error
    except UnicodeEncodeError as error:
        raise _unfit("half a character (a lone surrogate)") from error
    except ValueError as error:
        raise _unfit("no JSON") from error
    if (levels := _count_levels(content)) > MAX_LEVELS:
        raise _unfit(f"{levels} levels")


async def _is_signed_in(scope: Any) -> bool:
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from fastapi import HTTPException, Request

    request = Request(scope)
    try:
        await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        return False
    return True


def check_training(name: str, body: Any) -> None:
    """Refuse parameters of a training that its first task would refuse; what is no form passes.

    Args:
        name: Name of the pipeline; one without a right file is for Airflow to refuse.
        body: What was sent.

    Raises:
        ParamError: A parameter is unknown, or not one that the pipeline accepts.
        RoomError: The network could never fit into this machine, on which tasks run.
    """
    form = (body.get("conf") or {}) if isinstance(body, dict) else None
    try:
        spec = find_pipeline_spec(load_settings().pipelines_dir, name)
    except (ParamError, SpecError):
        return
    if not isinstance(form, dict):
        return
    effective = apply_params(spec, form)
    if "Local" in airflow_options.get("core", "executor"):
        from include.steps.least_room import check_least_room

        check_least_room(effective)


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:
    """Put words in the place of parameters that no task could be handed; in the scheduler."""
    del msg
    fit = {_name(name): _say_unfit(value) or value for name, value in (dag_run.conf or {}).items()}
    if fit != dag_run.conf:
        dag_run.conf = fit


def _name(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _say_unfit(value: Any) -> str:
    """Say why a parameter cannot be handed to a task; empty if it can."""
    try:
        check_body(json.dumps(value).encode())
    except (ParamError, RecursionError) as error:
        return str(error)
    return ""


def _read_whole(text: str) -> int:
    digits = len(text.lstrip("-"))
    if digits > len(str(1 << 63)) or not -(1 << 63) <= int(text) < 1 << 63:
        raise _unfit(f"a whole number of {digits} digits")
    return int(text)


def _read_float(text: str) -> float:
    if not math.isfinite(float(text)):
        raise _unfit(text[:40])
    return float(text)


def _unfit(received: str) -> ParamError:
    return ParamError(
        f"what starts a run must be JSON of at most {MAX_BYTES} bytes and {MAX_LEVELS} levels, "
        f"with finite numbers, whole ones of 64 bits. Received: {received}. "
        "Trigger the run again without it."
    )


def _count_levels(content: Any) -> int:
    """Count how deep lists and objects are nested."""
    levels, level = 0, [content]
    while level := [each for each in level if isinstance(each, dict | list)]:
        levels += 1
        level = [inner for each in level for inner in _list_inner(each)]
    return levels


def _list_inner(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


async def _refuse(detail: str, send: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": BAD_REQUEST, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})
