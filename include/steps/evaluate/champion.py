"""Score the champion on the candidate's test rows, from the raw columns up."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import InfrastructureError, SchemaError
from include.features.preprocessor import Preprocessor
from include.promotion.dependence import MIN_ROWS
from include.records import FeatureSchema
from include.serving.loading import load_version
from include.serving.scoring_model import ScoringModel
from include.settings import Settings
from include.steps.evaluate.champion_reading import explain_unreadable
from include.tracking.aliases import find_champion
from include.values.row_filter import RowFilter

logger = logging.getLogger(__name__)

LoadChampion = Callable[[Settings, str, str], ScoringModel]


class ChampionScores(NamedTuple):
    """What the champion predicts for the test rows, or why it could not."""

    version: str
    predictions: npt.NDArray[np.float64] | None
    error: str = ""
    is_unreadable: bool = False
    # Rows that both or neither learned from.
    fair: npt.NDArray[np.bool_] | None = None


def score_champion(
    settings: Settings,
    name: str,
    rows: pd.DataFrame,
    *,
    schema: FeatureSchema,
    candidate: Preprocessor,
    split: str,
    trained_rows: RowFilter,
    load: LoadChampion = load_version,
) -> ChampionScores | None:
    """Predict the test rows with the champion; None where there is no champion.

    A champion that cannot be loaded or cannot take these rows is an error to be judged, not a
    reason to fail: otherwise it could never be replaced.

    Args:
        settings: Where the registry is.
        name: Name of the registered model.
        rows: Stored test rows.
        schema: What the candidate predicts.
        candidate: How the candidate reads rows.
        split: The spec's split as JSON; a champion of another one, which does not say what it
            learned from, is no fair rival.
        trained_rows: What the candidate learned from.
        load: Loads a version by settings, name and number.

    Raises:
        InfrastructureError: The registry is away.
    """
    found = find_champion(settings, name)
    if found is None:
        return None
    try:
        model = load(settings, name, found.version)
        unreadable = explain_unreadable(model.preprocessor, candidate, rows)
        if unreadable:
            logger.warning("champion version %s cannot read: %s", found.version, unreadable)
            return ChampionScores(found.version, None, unreadable[:400], is_unreadable=True)
        fair, unfair = find_fair_rows(model.trained_rows, trained_rows, rows)
        if fair is None and found.split and found.split != split:
            unfair = (
                "it was trained by another split, so it may have trained on these test rows: "
                f"{found.split} and now {split}"
            )
        if unfair:
            return ChampionScores(found.version, None, unfair)
        predictions = align_answer(model.predict_stored(rows), model.bundle.features, schema)
    except InfrastructureError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {str(error)[:400]}"
        logger.warning("champion version %s could not score the test rows: %s", found.version, text)
        return ChampionScores(found.version, None, text)
    return ChampionScores(found.version, predictions, fair=fair)


def find_fair_rows(
    theirs: bytes | None, ours: RowFilter, rows: pd.DataFrame
) -> tuple[npt.NDArray[np.bool_] | None, str]:
    """Find the test rows that champion and candidate may both be measured on.

    Left out is a row that one of both learned from and the other did not. Rows that are equal to
    one in the training rows of both, as repeated ones are, favour neither.

    Returns:
        Which rows, None where the champion does not say what it learned from; and why they are
        too few, empty if they are not.
    """
    if theirs is None:
        return None, ""
    known = RowFilter.from_bytes(theirs)
    if not set(known.columns) <= set(rows.columns):
        return None, ""
    fair = known.find(rows) == ours.find(rows)
    kept = int(fair.sum())
    if kept == len(rows) or kept >= MIN_ROWS:
        return fair, ""
    return fair, (
        f"it trained on {len(rows) - kept:,} of these {len(rows):,} test rows, and the other "
        f"{kept:,} are too few to compare on ({MIN_ROWS} are needed)"
    )


def align_answer(
    answer: pd.DataFrame, theirs: FeatureSchema, ours: FeatureSchema
) -> npt.NDArray[np.float64]:
    """Put the champion's answer into the candidate's form.

    A class that the champion does not know gets probability 0 from it.
    """
    if (theirs.task, theirs.target) != (ours.task, ours.target):
        raise SchemaError(
            f"the champion must predict {ours.target!r} ({ours.task}). Received: "
            f"{theirs.target!r} ({theirs.task}). Give the pipeline another name, or move the "
            "alias away in MLflow."
        )
    if ours.task == "regression":
        return answer["prediction"].to_numpy(dtype=np.float64)
    columns = [f"probability_{name}" for name in ours.classes]
    return answer.reindex(columns=columns, fill_value=0.0).to_numpy(dtype=np.float64)
