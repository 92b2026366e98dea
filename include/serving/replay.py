"""Golden rows: predictions made in the run, made again in a clean process before promotion.

The clean process is a fresh interpreter outside the project that sees the bundle and the
installed libraries only, so a bundle that needs anything else fails here and not in service.
"""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field

from include.errors import ReplayError
from include.records import Record
from include.serving.bundle import Bundle
from include.serving.clean_process import CleanProcess, clean_process_failed
from include.tracking.bundles import check_bundle_code
from include.tracking.signatures import PREDICTION, PROBABILITY, WARNING, rows_as_sent
from include.values.scaling import widest_step

logger = logging.getLogger(__name__)

GOLDEN_ROWS: Final = 64
MAX_VALUES: Final = 1_000_000
TOLERANCE: Final = 1e-5
TIMEOUT_SECONDS: Final = 300.0


class GoldenRows(Record):
    """Rows as a caller would send them, and what the run predicted for them."""

    # An element of an array may be NaN, which `null` is not.
    model_config = ConfigDict(ser_json_inf_nan="constants")

    columns: dict[str, list[Any]] = Field(description="Values by column.")
    predictions: list[list[float]] = Field(description="One list for each row.")
    classes: tuple[str, ...] = Field(description="Classes of the predictions; none: regression.")
    tolerance: float = Field(description="Largest difference that counts as the same.")


def build_golden_rows(
    bundle: Bundle, frame: pd.DataFrame, predictions: "np.ndarray[Any, Any]"
) -> GoldenRows:
    """Keep the first rows of a test table with the predictions that the run made for them.

    Args:
        bundle: What `write_bundle` returned.
        frame: Stored rows, such as the part `test_rows`.
        predictions: What `predict` gave for the same rows, in the same order.
    """
    size = sum(math.prod(getattr(column, "shape", ())) for column in bundle.columns)
    rows = min(GOLDEN_ROWS, max(4, MAX_VALUES // size), len(frame))
    kept = np.asarray(predictions[:rows], dtype=np.float64)
    sent = rows_as_sent(bundle.columns, frame.iloc[:rows])
    return GoldenRows(
        columns={str(name): _as_list(sent[name]) for name in sent},
        predictions=kept.reshape(rows, -1).tolist(),
        classes=bundle.features.classes,
        tolerance=TOLERANCE * max(1.0, widest_step(kept, bundle.features.scaling)),
    )


def replay(
    process: CleanProcess, model: Path, golden: GoldenRows, *, timeout: float = TIMEOUT_SECONDS
) -> float:
    """Predict the golden rows in a clean process and compare.

    Args:
        process: The clean process.
        model: Local directory of a model whose seal was checked.
        golden: Rows and the predictions made in the run.
        timeout: Seconds that the process may take.

    Returns:
        Seconds it took.

    Raises:
        IntegrityError: The code in the bundle is not that of this project; it was not run.
        ReplayError: It failed, took too long or predicts something else.
    """
    started = time.monotonic()
    check_bundle_code(model)
    predicted = process.predict(model, golden.columns, timeout=timeout)
    _check_code_places(model, predicted["code"])
    compare_predictions(golden, predicted["columns"])
    seconds = time.monotonic() - started
    logger.info("%d golden rows predicted the same in %.1f s", len(golden.predictions), seconds)
    return seconds


def compare_predictions(golden: GoldenRows, predicted: Mapping[str, Sequence[Any]]) -> None:
    """Compare the columns that a reloaded model gave with what its run predicted.

    Raises:
        ReplayError: Columns, numbers or classes differ.
    """
    names = (PREDICTION, *(f"{PROBABILITY}{name}" for name in golden.classes))
    if tuple(name for name in predicted if name != WARNING) != names:
        raise _different(f"the columns {list(predicted)[:20]} rather than {list(names)[:20]}")
    expected = np.asarray(golden.predictions, dtype=np.float64)
    numbers = names[1:] if golden.classes else names
    found = np.asarray([predicted[name] for name in numbers], dtype=np.float64).T
    if found.shape != expected.shape:
        raise _different(f"{found.shape} numbers rather than {expected.shape}")
    difference = np.abs(found - expected)
    # Written so that a NaN on either side counts as different.
    wrong = int(np.sum(~(difference <= golden.tolerance).all(axis=1)))
    if wrong:
        raise _different(
            f"{wrong} of {len(expected)} rows off by up to {np.max(difference):.3g}, "
            f"where {golden.tolerance:.0e} is allowed"
        )
    if golden.classes:
        _check_classes(golden, expected, predicted[PREDICTION])


def _check_classes(
    golden: GoldenRows, expected: "np.ndarray[Any, Any]", labels: Sequence[Any]
) -> None:
    best = np.asarray(golden.classes, dtype=object)[expected.argmax(axis=1)]
    ordered = np.sort(expected, axis=1)
    # Between two equally probable classes the last bit decides: either is right.
    is_clear = ordered[:, -1] - ordered[:, -2] > 2 * golden.tolerance
    wrong = (np.asarray(labels, dtype=object) != best) & is_clear
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise _different(f"class {labels[row]!r} rather than {best[row]!r} for row {row}")


def _check_code_places(model: Path, places: Sequence[str]) -> None:
    foreign = [at for at in places if not Path(at).resolve().is_relative_to(model.resolve())]
    if foreign or not places:
        raise clean_process_failed(f"code from {foreign[:5]}, which is not the bundle's own")


def _as_list(series: pd.Series) -> list[Any]:
    is_missing = series.isna()
    return [None if gone else value for value, gone in zip(series, is_missing, strict=True)]


def _different(received: str) -> ReplayError:
    return ReplayError(
        "reloaded in a clean process, the model must predict the golden rows as in its run. "
        f"Received: {received}. The champion stays; see whether the preprocessor or a layer "
        "depends on anything that is not in the bundle."
    )
