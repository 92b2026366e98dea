"""The reference beside the trivial guesses: gradient boosting, fitted once for each features."""

import logging
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.explaining.boosting import BUDGET_SECONDS, Boosted, explain_unfit, fit_boosting
from include.promotion.budget import spend
from include.promotion.estimates import bound
from include.records import Evidence, FeatureSchema, TableRef
from include.records.explanations import ReferenceFit, ReferenceMetric
from include.settings import Settings
from include.specs import PipelineSpec
from include.steps.evaluate.court import Court, Predictions
from include.steps.train.feature_arrays import read_arrays
from include.tables.code import code_digest
from include.tables.store import TableStore, digest_key, read_manifest, read_table

logger = logging.getLogger(__name__)

NAME: Final = "gradient boosting"


class Reference(NamedTuple):
    """What the reference predicts for the test rows; None where there is none."""

    fit: ReferenceFit
    predictions: npt.NDArray[np.float64] | None = None

    def enter(self, court: Court, candidate: Predictions, evidence: Evidence) -> Evidence:
        """Enter it into the evidence, held against the candidate."""
        if self.predictions is None:
            return evidence.model_copy(update={"reference_note": self.fit.note})
        rival = court.compare(NAME, court.measure(candidate), self.predictions)
        return evidence.model_copy(update={"reference": rival})

    def tell(self, evidence: Evidence) -> ReferenceFit:
        """Tell how it was fitted, and how the candidate stands against it."""
        rival = evidence.reference
        if rival is None:
            return self.fit
        alpha = spend(evidence.tries.number)
        told = []
        for name, gap in rival.gaps.items():
            interval = bound(gap, alpha)
            told.append(
                ReferenceMetric(
                    name=name,
                    candidate=evidence.estimates[name].value,
                    reference=rival.metrics[name],
                    difference=gap.value,
                    low=interval.low if interval else None,
                    high=interval.high if interval else None,
                )
            )
        return self.fit.model_copy(update={"metrics": tuple(told), "confidence": 1 - 2 * alpha})


def find_reference_model(
    settings: Settings, spec: PipelineSpec, features: TableRef, schema: FeatureSchema
) -> Reference:
    """Give what gradient boosting predicts for the test rows: fitted, or as an earlier run left it.

    Args:
        settings: Where tables are.
        spec: The pipeline.
        features: The features table; what was fitted on it once is not fitted again.
        schema: Inputs and task.
    """
    rows = features.parts.get("train", 0)
    why = "the pipeline asks for none" if spec.evaluation.reference == "none" else ""
    why = why or explain_unfit(schema, rows)
    if why:
        return Reference(ReferenceFit(note=why))
    store = TableStore(settings.data)
    key = digest_key("reference", features.key, code_digest("include.explaining.boosting"))
    found = store.find("references", spec.name, key)
    if found is not None:
        table = read_table(found)
        values = np.column_stack([column.to_numpy() for column in table.columns])
        fit = ReferenceFit.model_validate(read_manifest(found)["made_from"]["fit"])
        logger.info("the reference of these features is reused: %d rounds", fit.trees)
        return Reference(
            fit.model_copy(update={"is_reused": True}),
            values[:, 0] if schema.task == "regression" else values,
        )
    boosted = _fit(features, schema)
    fit = ReferenceFit(
        rows=rows,
        trees=boosted.trees,
        seconds=round(boosted.seconds, 2),
        budget_seconds=BUDGET_SECONDS,
        is_cut=boosted.is_cut,
    )
    values = boosted.predictions.reshape(len(boosted.predictions), -1)
    table = pa.table({f"output_{place}": column for place, column in enumerate(values.T)})
    made_from = {"features": features.key, "fit": fit.model_dump()}
    with store.write("references", spec.name, key, made_from=made_from) as writer:
        writer.append(table)
    logger.info("the reference was fitted in %.1f s: %d rounds", fit.seconds, fit.trees)
    return Reference(fit, boosted.predictions)


def _fit(features: TableRef, schema: FeatureSchema) -> Boosted:
    train = read_arrays(features, schema, "train")
    test = read_arrays(features, schema, "test")
    return fit_boosting(schema, train.inputs, train.y, test.inputs)
