"""Rows like those of the census income table, as a CSV file without header.

Drawn column by column, with an income that hangs on some of them and missing values written `?`.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

PART_ROWS: Final = 250_000
# Each word half as often as the one before.
WORDS: Final = {
    "workclass": ("Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Federal-gov", "?"),
    "education": ("HS-grad", "Some-college", "Bachelors", "Masters", "Assoc-voc", "11th", "10th"),
    "marital_status": ("Married-civ-spouse", "Never-married", "Divorced", "Widowed", "Separated"),
    "occupation": ("Craft-repair", "Sales", "Exec-managerial", "Adm-clerical", "Tech-support", "?"),
    "relationship": ("Husband", "Not-in-family", "Own-child", "Unmarried", "Wife"),
    "race": ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"),
    "sex": ("Male", "Female"),
    "native_country": ("United-States", "Mexico", "Philippines", "Germany", "Canada", "?"),
}
COLUMNS: Final = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
)


def write_rows(file: Path, rows: int, *, seed: int, too_old: float = 0.0) -> None:
    """Write rows.

    Args:
        file: Where.
        rows: How many.
        seed: Other rows for another seed.
        too_old: Share of rows whose age breaks the contract.
    """
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        for part, start in enumerate(range(0, rows, PART_ROWS)):
            random = np.random.default_rng([seed, part])
            drawn = draw_rows(min(PART_ROWS, rows - start), random, too_old)
            pa_csv.write_csv(drawn, target, options)


def draw_rows(rows: int, random: np.random.Generator, too_old: float) -> pa.Table:
    """Draw rows, in the order of the file's columns."""
    drawn = {
        "age": np.where(random.random(rows) < too_old, 130, random.integers(17, 91, rows)),
        "fnlwgt": random.integers(12_285, 1_490_400, rows),
        "education_num": random.integers(1, 17, rows),
        "capital_gain": np.where(random.random(rows) < 0.08, random.integers(1, 99_999, rows), 0),
        "capital_loss": np.where(random.random(rows) < 0.05, random.integers(1, 4_356, rows), 0),
        "hours_per_week": random.integers(1, 100, rows),
    }
    for name, words in WORDS.items():
        shares = 0.5 ** np.arange(len(words))
        drawn[name] = random.choice(words, rows, p=shares / shares.sum())
    odds = 0.3 * drawn["education_num"] + 0.03 * drawn["hours_per_week"] - 6
    odds += 1.5 * (drawn["marital_status"] == "Married-civ-spouse")
    drawn["income"] = np.where(random.random(rows) < 1 / (1 + np.exp(-odds)), ">50K", "<=50K")
    return pa.table({name: drawn[name] for name in COLUMNS})
