"""How the texts of a source become values: part of the contract, and of the model."""

from typing import Final, NamedTuple

DEFAULT_MISSING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class Reading(NamedTuple):
    """How texts of a source are read."""

    missing: tuple[str, ...] = DEFAULT_MISSING
    trim: bool = True
    strip_suffix: str | None = None
