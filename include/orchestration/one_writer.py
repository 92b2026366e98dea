"""Calls that change Airflow's database take turns, where SQLite keeps it.

SQLite lets one connection write at a time; the next waits for it. Airflow's API server writes its
audit log on its event loop, though, while a call that wrote before ends its transaction only with
the help of that loop: each waits for the other until SQLite's time is over, and one is answered
HTTP 500. Where calls take turns nobody waits on the loop for a call of the same server.
"""

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class OneWriter:
    """ASGI middleware that hands on one call at a time of those that may write."""

    def __init__(self, app: Any) -> None:
        """Stand before an application."""
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a call on, when it is its turn."""
        if scope["type"] != "http" or scope["method"] in READING or not is_sqlite():
            await self._app(scope, receive, send)
            return
        # A caller that is slow to say what it wants takes nobody's turn.
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        async with self._turn:
            await self._app(scope, again(messages, receive), send)


def again(messages: list[Any], receive: Any) -> Any:
    """Give messages that were received once more, then what comes after them."""
    coming: Iterator[Any] = iter(messages)

    async def receive_again() -> Any:
        return next(coming, None) or await receive()

    return receive_again


@cache
def is_sqlite() -> bool:
    """Tell whether Airflow keeps its database in SQLite."""
    from airflow.configuration import conf

    return bool(conf.get("database", "sql_alchemy_conn").startswith("sqlite"))
