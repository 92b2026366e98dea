"""The names of files on which two places must agree, once; those of columns: `specs/names.py`.

Paths are relative: of a run's files to its directory, of a table's to the table.
"""

from typing import Final

# The column of the features table that holds the target as the network sees it.
TARGET: Final = "y"

# Beside the rows of a features table.
PREPROCESSOR: Final = "preprocessor.json"
SCHEMA: Final = "schema.json"
CLEANING: Final = "cleaning.json"
TRAINED_ROWS: Final = "trained_rows.bin"
REFERENCE_DATA: Final = "reference_data.json"

# Beside the network in a bundle, as are `preprocessor.json` and `trained_rows.bin`.
REFERENCE_ROW: Final = "reference_row.npz"
ORIGIN: Final = "origin.json"

# Of a training run.
FINGERPRINT: Final = "fingerprint.json"
QUALITY: Final = "quality.json"
FAILURE: Final = "failure.json"
CHECKPOINT: Final = "checkpoint.npz"
NETWORK: Final = "model.keras"
HISTORY: Final = "history.csv"
TRAINED: Final = "train.json"
DETAILS: Final = "details.json"
GOLDEN: Final = "golden.json"
VERDICT: Final = "verdict.json"
DECISION: Final = "decision.json"
EVIDENCE: Final = "evidence.json"
PREDICTIONS: Final = "predictions.parquet"
EXPLANATIONS: Final = "explanations.json"
CURVE: Final = "learning_curve.json"
REPORT_PAGE: Final = "report.html"

# Of an exploring run.
STORY_PAGE: Final = "explore.html"
PAIRS: Final = "pairs.csv"
FINDINGS: Final = "explore.json"

# Of a scoring run.
SCORING: Final = "scoring.json"


def cost_file(step: str) -> str:
    """Name the file that says what a step took."""
    return f"costs/{step}.json"


def figure_file(stem: str) -> str:
    """Name the file of a figure."""
    return f"figures/{stem}.svg"
