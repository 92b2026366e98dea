"""Requests take turns: a bounded number waits, one thread works, none waits too long.

Small requests that wait when the thread is free are answered together: nearly all that one row
costs, eight cost as well. None waits for others to come.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

Answer = TypeVar("Answer")
Model = TypeVar("Model")

# Most bytes of requests that are answered together.
TOGETHER_BYTES: Final = 65_536


class FullError(Exception):
    """No place is left; the caller should come again."""


class ClosedError(Exception):
    """The server stops; what had not begun will not begin."""


class _Job(NamedTuple):
    """A body, what answers it, and where its answer goes."""

    work: Callable[..., Sequence[Any]]
    model: object
    body: bytes
    together: int
    answer: "asyncio.Future[Any]"

    def joins(self, jobs: Sequence["_Job"]) -> bool:
        """Tell whether it can be answered along with some others."""
        is_alike = (self.work, self.model) == (jobs[0].work, jobs[0].model)
        size = sum(len(job.body) for job in jobs) + len(self.body)
        return is_alike and len(jobs) < self.together and size <= TOGETHER_BYTES


class ScoringQueue:
    """One thread that scores, so that the event loop is free to answer all else."""

    def __init__(self, *, places: int) -> None:
        """Make it.

        Args:
            places: Most requests that wait or are scored.
        """
        self.taken = 0
        self.is_closed = False
        self._places = places
        self._waiting: list[_Job] = []
        self._is_busy = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="scoring")

    def check_open(self) -> None:
        """Refuse at once what would find no place.

        Raises:
            ClosedError: The server stops.
            FullError: All places are taken.
        """
        if self.is_closed:
            raise ClosedError
        if self.taken >= self._places:
            raise FullError

    async def run(
        self,
        work: Callable[[Model, Sequence[bytes]], Sequence[Answer | Exception]],
        model: Model,
        body: bytes,
        *,
        together: int = 1,
    ) -> Answer:
        """Answer a body in the thread, when it is its turn.

        Who gives up waiting gives up the place; what had not begun will not begin.

        Args:
            work: Gives an answer, or what keeps it from one, for each of some bodies.
            model: What it answers with.
            body: The body.
            together: Most bodies that are answered together, of the same work and model.

        Raises:
            ClosedError: The server stops.
            FullError: All places are taken.
        """
        self.check_open()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(work, model, body, together, answer))
        self.taken += 1
        try:
            self._begin()
            return await answer
        finally:
            self.taken -= 1

    def close(self) -> None:
        """Begin nothing more; what is being answered may end."""
        self.is_closed = True
        for job in self._waiting:
            if not job.answer.done():
                job.answer.set_exception(ClosedError())
        self._waiting = []
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        if self._is_busy or not (jobs := self._take()):
            return
        self._is_busy = True
        loop = asyncio.get_running_loop()
        done = self._pool.submit(jobs[0].work, jobs[0].model, [job.body for job in jobs])

        def pass_on(done: "Future[Sequence[Any]]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(self._end, jobs, done)

        # Also where a caller gave up: the thread is free only when its work has ended.
        done.add_done_callback(pass_on)

    def _take(self) -> list[_Job]:
        """Take who has waited longest, and who can be answered along with them."""
        waiting = [job for job in self._waiting if not job.answer.done()]
        jobs, self._waiting = waiting[:1], []
        for job in waiting[1:]:
            (jobs if job.joins(jobs) else self._waiting).append(job)
        return jobs

    def _end(self, jobs: list[_Job], done: "Future[Sequence[Any]]") -> None:
        self._is_busy = False
        self._begin()
        try:
            answers = done.result()
        except (Exception, CancelledError) as error:
            answers = [error] * len(jobs)
        for job, answer in zip(jobs, answers, strict=True):
            if job.answer.done():  # its caller gave up
                continue
            if isinstance(answer, BaseException):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)
