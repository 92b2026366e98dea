"""What the bodies of requests are answered with: predictions, or explanations.

Each body gets an answer or the error that keeps it from one, as if it had come alone.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import pandas as pd

from include.errors import DataError
from include.serving.champion import ServedModel
from include.serving.request_rows import read_rows
from include.serving.scoring_model import ScoringModel
from include.specs.columns import DatetimeColumn

# Their JSON, and how many rows it is about.
Answer = tuple[bytes, int]
Answers = list[Answer | Exception]
Work = Callable[..., Answers]
T = TypeVar("T")


def score_bodies(served: ServedModel, bodies: Sequence[bytes], *, max_rows: int) -> Answers:
    """Predict the rows of each body."""
    read = [_attempt(_read, served, body, max_rows) for body in bodies]
    scored = iter(_score(served.model, [each for each in read if isinstance(each, pd.DataFrame)]))
    return [each if isinstance(each, Exception) else next(scored) for each in read]


def explain_bodies(served: ServedModel, bodies: Sequence[bytes], *, max_rows: int) -> Answers:
    """Tell of each body's rows what each column adds to the answer."""
    return [_attempt(_explain, served, body, max_rows) for body in bodies]


def _score(model: ScoringModel, frames: Sequence[pd.DataFrame]) -> Answers:
    """Predict frames as one, where that gives each the figures that it would get alone.

    Up to `MIN_BATCH` rows the network works on as many anyway, so that they are the same bit for
    bit; how a value is read does not depend on its neighbours.
    """
    from include.modeling.prediction import MIN_BATCH  # Keras, once a model is loaded

    ends = list(accumulate((len(each) for each in frames), initial=0))
    is_alike = all(list(each.columns) == list(frames[0].columns) for each in frames)
    if len(frames) > 1 and is_alike and ends[-1] <= MIN_BATCH:
        with suppress(DataError):  # in a row, of which only its own caller is to be told
            predicted = model.predict(pd.concat(frames, ignore_index=True))
            return [_write(predicted.iloc[start:end]) for start, end in pairwise(ends)]
    return [_attempt(lambda rows: _write(model.predict(rows)), each) for each in frames]


def _write(predicted: pd.DataFrame) -> Answer:
    names = list(predicted)
    rows = zip(*(predicted[name].tolist() for name in names), strict=True)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return json.dumps({"predictions": records}, allow_nan=False).encode(), len(predicted)


def _explain(served: ServedModel, body: bytes, max_rows: int) -> Answer:
    from include.serving.explain import MAX_ROWS, explain_raw  # Keras, once a model is loaded

    rows = _read(served, body, min(MAX_ROWS, max_rows))
    explained = [each.model_dump() for each in explain_raw(served.model, rows)]
    answer = {
        "explained_as": served.model.explainer.explained_as,
        "reference_row": dict(served.model.explainer.describe_reference()),
        "explanations": explained,
    }
    return json.dumps(answer, allow_nan=False).encode(), len(rows)


def _read(served: ServedModel, body: bytes, most: int) -> pd.DataFrame:
    columns = served.model.bundle.columns
    parts = [column.from_parts for column in columns if isinstance(column, DatetimeColumn)]
    names = dict.fromkeys([*(column.name for column in columns), *sum(parts, ())])
    return read_rows(body, names=names, max_rows=most)


def _attempt(work: Callable[..., T], *given: Any) -> T | Exception:
    try:
        return work(*given)
    except Exception as error:
        return error
