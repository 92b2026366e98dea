"""Requests take turns: a bounded number waits, one is scored, none waits too long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


class FullError(Exception):
    """No place is left; the caller should come again."""


class ScoringQueue:
    """One thread that scores, so that the event loop is free to answer all else."""

    def __init__(self, *, places: int, seconds: float) -> None:
        """Make it.

        Args:
            places: Most requests that are read, wait or are scored.
            seconds: After which a request is given up, wherever it is.
        """
        self.taken = 0
        self._places = places
        self._seconds = seconds
        self._turn = asyncio.Semaphore(1)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="scoring")

    @contextlib.asynccontextmanager
    async def take_place(self) -> AsyncIterator[None]:
        """Hold a place while the block runs.

        Raises:
            FullError: All places are taken.
            TimeoutError: The block took too long; what had not begun will not begin.
        """
        if self.taken >= self._places:
            raise FullError
        self.taken += 1
        try:
            async with asyncio.timeout(self._seconds):
                yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work in the thread, when it is this request's turn."""
        loop = asyncio.get_running_loop()
        await self._turn.acquire()
        job = self._pool.submit(work)

        def pass_on(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(self._turn.release)

        # Also where the caller gave up: the thread is free only when its work has ended.
        job.add_done_callback(pass_on)
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
