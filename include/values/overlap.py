"""Reading ahead, writing behind, columns side by side: a few threads, in the order given.

Arrow and hashlib let go of the interpreter while they work, so decoding the next batch and
digesting and writing the last one cost the step hardly any time of its own. Nothing is reordered,
and an error appears where it would have appeared without threads, or at the next batch.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

Item = TypeVar("Item")
# What is held beside the batch that is worked on; memory grows with it.
_DEPTH: Final = 2
THREADS: Final = 2
_END: Final = object()


def read_ahead(items: Generator[Item, None, None]) -> Iterator[Item]:
    """Take items from a generator in a thread of its own, one ahead.

    The generator runs and is closed in that one thread, as database connections ask for.

    Example:
        >>> list(read_ahead(number * number for number in range(4)))
        [0, 1, 4, 9]
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, items, _END)
        try:
            while (item := coming.result()) is not _END:
                coming = thread.submit(next, items, _END)
                yield item  # type: ignore[misc]  # the mark of the end was sorted out
        finally:
            thread.submit(items.close)


def map_ahead(function: Callable[[Any], Item], items: Iterable[Any]) -> Iterator[Item]:
    """Call a function for each item in two threads, at most two ahead; results are in order.

    Example:
        >>> list(map_ahead(str, [1, 2, 3]))
        ['1', '2', '3']
    """
    with ThreadPoolExecutor(THREADS, "batches") as threads:
        coming: deque[Future[Item]] = deque()
        for item in items:
            coming.append(threads.submit(function, item))
            if len(coming) > _DEPTH:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def map_in_threads(function: Callable[..., Item], *arguments: Iterable[Any]) -> list[Item]:
    """Call a function for each set of arguments, in two threads; results are in their order.

    Example:
        >>> map_in_threads(max, [1, 5], [4, 2])
        [4, 5]
    """
    with ThreadPoolExecutor(THREADS, "columns") as threads:
        return list(threads.map(function, *arguments))


class Follower:
    """Does pieces of work one after the other in a thread, at most two behind its caller."""

    def __init__(self) -> None:
        """Begin with nothing to do; the thread starts with the first piece."""
        self._thread = ThreadPoolExecutor(1, "write-behind")
        self._waiting: deque[Future[Any]] = deque()

    def do(self, work: Callable[..., Any], *args: Any) -> None:
        """Have a piece of work done after all before it; raises what an earlier one raised."""
        while len(self._waiting) >= _DEPTH:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(work, *args))

    def wait(self) -> None:
        """Wait until all is done; raises what a piece of it raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Drop what has not begun, and end the thread."""
        self._thread.shutdown(cancel_futures=True)
