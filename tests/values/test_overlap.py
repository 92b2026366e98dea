"""Threads beside a step: order, errors and ends are those of the work without them."""

import threading
from collections.abc import Generator

import pytest

from include.values.overlap import Follower, map_ahead, read_ahead


class Numbers:
    """Counts up in whatever thread it is asked from, and notes how it ended."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.count, self.fails = count, fails
        self.given = 0
        self.threads: set[int] = set()
        self.is_closed = False

    def read(self) -> Generator[int, None, None]:
        try:
            for number in range(self.count):
                self.threads.add(threading.get_ident())
                self.given += 1
                yield number
            if self.fails:
                raise ValueError("the last page is torn")
        finally:
            self.threads.add(threading.get_ident())
            self.is_closed = True


def test_items_come_in_order_from_one_other_thread() -> None:
    numbers = Numbers(100)
    assert list(read_ahead(numbers.read())) == list(range(100))
    assert len(numbers.threads) == 1
    assert threading.get_ident() not in numbers.threads


def test_an_error_comes_after_the_items_before_it() -> None:
    reading = read_ahead(Numbers(3, fails=True).read())
    assert [next(reading) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="torn"):
        next(reading)


def test_a_reader_who_stops_ends_the_generator_and_was_at_most_two_items_behind() -> None:
    numbers = Numbers(100)
    reading = read_ahead(numbers.read())
    assert [next(reading), next(reading)] == [0, 1]
    reading.close()  # type: ignore[attr-defined]
    assert numbers.is_closed
    assert len(numbers.threads) == 1
    assert numbers.given <= 4


def test_batches_are_worked_on_ahead_and_given_in_order() -> None:
    numbers = Numbers(100)
    results = map_ahead(lambda number: number * 2, numbers.read())
    assert [next(results), next(results)] == [0, 2]
    assert numbers.given <= 5
    assert list(results) == list(range(4, 200, 2))
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda number: 1 / number, [1, 0]))


def test_work_is_done_in_order_and_waited_for() -> None:
    done: list[int] = []
    follower = Follower()
    for number in range(50):
        follower.do(done.append, number)
    follower.wait()
    follower.close()
    assert done == list(range(50))


def test_what_failed_is_raised_and_nothing_begins_after_the_end() -> None:
    follower = Follower()
    follower.do(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        follower.wait()
    follower.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        follower.do(int, "1")
