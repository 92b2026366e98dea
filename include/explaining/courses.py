"""Actual against predicted values over time: the whole stretch as means, and its end row by row."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.records.explanations import Course

MAX_POINTS: Final = 240
Floats = npt.NDArray[np.float64]


def trace_courses(times: npt.NDArray[Any], actual: Floats, predicted: Floats) -> tuple[Course, ...]:
    """Trace the courses of test rows in order of time.

    Args:
        times: Times of the rows, any order, datetime64 or numbers.
        actual: The true values.
        predicted: The predicted ones.

    Returns:
        The whole in at most `MAX_POINTS` means; where that leaves rows out, also the last rows.
    """
    order = np.argsort(times, kind="stable")
    columns = [np.asarray(each)[order] for each in (times, actual, predicted)]
    if len(order) < 2:
        return ()
    size = -(-len(order) // MAX_POINTS)
    whole = "All test rows" if size == 1 else f"All test rows, means of {size}"
    courses = [_trace(whole, size, columns)]
    if size > 1:
        last = [each[-MAX_POINTS:] for each in columns]
        courses.append(_trace(f"The last {MAX_POINTS} test rows", 1, last))
    return tuple(courses)


def _trace(title: str, size: int, columns: list[npt.NDArray[Any]]) -> Course:
    times, *values = columns
    starts = np.arange(0, len(times), size)
    counts = np.diff(np.append(starts, len(times)))
    means = [np.add.reduceat(each.astype(np.float64), starts) / counts for each in values]
    return Course(
        title=title,
        rows_per_point=size,
        times=tuple(_write(time) for time in times[starts]),
        actual=tuple(means[0].tolist()),
        predicted=tuple(means[1].tolist()),
    )


def _write(time: Any) -> str:
    if isinstance(time, np.datetime64):
        return str(time.astype("datetime64[m]")).replace("T", " ")
    return f"{float(time):g}"
