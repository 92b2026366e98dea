"""Builders of small files as UCI Adult writes them."""

from pathlib import Path

import numpy as np


def census_rows(rows: int, *, first: int) -> list[list[str]]:
    """Make rows as UCI Adult writes them; years at school decide the income, `?` is missing."""
    random = np.random.default_rng(first)
    lines = []
    for number in range(first, first + rows):
        years = int(random.integers(1, 17))
        is_rich = years + random.normal(0, 3) > 10
        lines.append(
            [
                str(random.integers(17, 91)),
                "?" if number % 20 == 0 else str(random.choice(["Private", "State-gov"])),
                str(100_000 + number),  # makes the row one of its kind
                "Bachelors" if years > 12 else "HS-grad",
                str(years),
                str(random.choice(["Never-married", "Divorced"])),
                "?" if number % 20 == 0 else str(random.choice(["Sales", "Tech-support"])),
                str(random.choice(["Not-in-family", "Own-child"])),
                str(random.choice(["White", "Black"])),
                str(random.choice(["Female", "Male"])),
                str(random.choice([0, 0, 0, 7298])),
                "0",
                str(random.integers(1, 100)),
                "?" if number % 40 == 0 else "United-States",
                ">50K" if is_rich else "<=50K",
            ]
        )
    return lines


def write_census(path: Path, rows: list[list[str]], *, ending: str = "") -> None:
    """Write rows without a header, a blank after each comma, and a blank last line."""
    lines = [", ".join(row) + ending for row in rows]
    path.write_text("\n".join([*lines, "", ""]), encoding="utf-8")
