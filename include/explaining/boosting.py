"""The reference that needs no network: gradient boosting on the same feature rows.

scikit-learn's histogram gradient boosting with its own defaults, in rounds of ten trees until its
time is over or a share of the training rows held back shows no more gain.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from include.records import FeatureSchema

MAX_ROWS: Final = 200_000
# A tenth of a gigabyte of features, and with their bins an eighth more.
MAX_CELLS: Final = 50_000_000
MAX_CATEGORIES: Final = 255
MAX_CLASSES: Final = 30
BUDGET_SECONDS: Final = 15.0
MAX_ROUNDS: Final = 100
ROUNDS_AT_ONCE: Final = 10
PATIENCE: Final = 20


class Boosted(NamedTuple):
    """What the reference predicts for the test rows, in the form of `predict`."""

    predictions: npt.NDArray[np.float64]
    trees: int
    seconds: float
    is_cut: bool


def explain_unfit(schema: FeatureSchema, rows: int) -> str:
    """Say why there is no such reference for these features; empty where there is."""
    kinds = {each.kind for each in schema.inputs}
    if kinds & {"tensor", "tokens"}:
        return "it reads tables, and this model reads arrays or texts"
    if rows > MAX_ROWS:
        return f"it is fitted on at most {MAX_ROWS:,} training rows, and there are {rows:,}"
    width = sum(each.shape[0] for each in schema.inputs)
    if rows * width > MAX_CELLS:
        return f"{rows:,} rows of {width:,} numbers would take it too long"
    if len(schema.classes) > MAX_CLASSES:
        return f"it grows a tree for every class, and there are {len(schema.classes)}"
    return ""


def fit_boosting(
    schema: FeatureSchema,
    train: dict[str, npt.NDArray[Any]],
    y: npt.NDArray[Any],
    test: dict[str, npt.NDArray[Any]],
    *,
    seconds: float = BUDGET_SECONDS,
) -> Boosted:
    """Fit on the training rows and predict the test rows.

    Args:
        schema: The network's inputs and task.
        train: The network's inputs of the training rows.
        y: Class indices, or raw values.
        test: The network's inputs of the test rows.
        seconds: It ends after the round in which this is over.
    """
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )
    from threadpoolctl import threadpool_limits

    is_regression = schema.task == "regression"
    kind = HistGradientBoostingRegressor if is_regression else HistGradientBoostingClassifier
    model = kind(
        warm_start=True,
        max_iter=0,
        categorical_features=_list_categories(schema),
        early_stopping=len(y) > 1_000,
        n_iter_no_change=PATIENCE,
        random_state=0,
    )
    names = [each.name for each in schema.inputs]
    features, started = _join(train, names), time.monotonic()
    is_cut = False
    # Its threads wait by turning round: beside other work two take ten times as long as one.
    with threadpool_limits(1, "openmp"):
        while model.max_iter < MAX_ROUNDS and not is_cut:
            model.max_iter += ROUNDS_AT_ONCE
            model.fit(features, y)
            if model.n_iter_ < model.max_iter:
                break
            is_cut = time.monotonic() - started > seconds and model.max_iter < MAX_ROUNDS
        taken = time.monotonic() - started
        rows = _join(test, names)
        if is_regression:
            predictions = np.asarray(model.predict(rows), dtype=np.float64)
        else:
            predictions = np.zeros((len(rows), len(schema.classes)))
            predictions[:, model.classes_] = model.predict_proba(rows)
    return Boosted(predictions, int(model.n_iter_), taken, is_cut)


def _join(inputs: dict[str, npt.NDArray[Any]], names: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.concatenate([inputs[name].astype(np.float32) for name in names], axis=1)


def _list_categories(schema: FeatureSchema) -> list[bool]:
    return [
        each.kind == "index" and each.size <= MAX_CATEGORIES
        for each in schema.inputs
        for _ in range(each.shape[0])
    ]
