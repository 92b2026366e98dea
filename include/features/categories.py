"""Categories: one-hot positions, embedding codes or hashed bins, learned on the training rows.

Rare values (below `min_share`, or beyond `max_values`) and values never seen in training are
the same thing to the network: *unknown*. With one-hot encoding the unknown and the missing have
a position only if training rows filled it; otherwise they are zeros in all positions, for a
position that never trained would only add the noise of its initial weight.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from include.features.encoders import Counts, DenseEncoder, Encoder, Fitter, InputEncoder, Matrix
from include.features.typed_values import read_texts
from include.records import FeatureInput
from include.specs.columns import CategoryColumn
from include.values.frames import Values
from include.values.hashing import hash_values
from include.values.statistics import ValueCounts

Codes = npt.NDArray[np.int64]
_UNKNOWN_CODE = 0
_MISSING_CODE = 1
_FIRST_CODE = 2


class OneHotEncoder(DenseEncoder):
    """A category as one position per value."""

    kind: Literal["one_hot"] = "one_hot"
    values: tuple[str, ...]
    fill: str | None = Field(description="Stands for a missing value; null: a category of its own.")
    has_missing: bool = Field(description="Whether missing values have a position.")
    has_unknown: bool = Field(description="Whether rare and unseen values have a position.")

    @property
    def names(self) -> tuple[str, ...]:
        """`column=value` for each position."""
        extra = ("(missing)",) * self.has_missing + ("(unknown)",) * self.has_unknown
        return tuple(f"{self.column}={value}" for value in (*self.values, *extra))

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write 1 at the position of each row's value."""
        codes, missing = find_codes(values, self.values, fill=self.fill)
        unknown = (codes < 0) & ~missing
        codes = np.where(missing, len(self.values) if self.has_missing else -1, codes)
        if self.has_unknown:
            codes = np.where(unknown, len(self.values) + self.has_missing, codes)
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1.0

    def count_changes(self, values: pa.Array) -> Counts:
        """Count filled values."""
        return _count_filled(values, self.fill)


class HashEncoder(DenseEncoder):
    """A category as one of a fixed number of bins; nothing about its values is stored."""

    kind: Literal["hash"] = "hash"
    bins: int = Field(ge=2)
    fill: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """`column#bin` for each position."""
        return tuple(f"{self.column}#{number}" for number in range(self.bins))

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write 1 at the bin of each row's value; a missing one has no bin."""
        texts = read_texts(values)
        if self.fill is not None:
            texts = texts.fill_null(self.fill)
        bins = (hash_values(texts) % np.uint64(self.bins)).astype(np.int64)
        rows = np.flatnonzero(pc.is_valid(texts).to_numpy(zero_copy_only=False))
        out[rows, bins[rows]] = 1.0

    def count_changes(self, values: pa.Array) -> Counts:
        """Count filled values."""
        return _count_filled(values, self.fill)


class IndexEncoder(InputEncoder):
    """A category as a code for an embedding: 0 unknown, 1 missing, then the values."""

    kind: Literal["index"] = "index"
    values: tuple[str, ...]
    fill: str | None

    @property
    def feature_input(self) -> FeatureInput:
        """One int32 code per row."""
        return FeatureInput(
            name=self.input_name,
            kind="index",
            shape=(1,),
            dtype="int32",
            size=len(self.values) + _FIRST_CODE,
            columns=(self.column,),
        )

    def encode(self, values: pa.Array) -> npt.NDArray[Any]:
        """Give the code of each row's value."""
        codes, missing = find_codes(values, self.values, fill=self.fill)
        codes = np.where(codes < 0, _UNKNOWN_CODE, codes + _FIRST_CODE)
        codes = np.where(missing, _MISSING_CODE, codes)
        return codes.astype(np.int32).reshape(-1, 1)

    def count_changes(self, values: pa.Array) -> Counts:
        """Count filled values."""
        return _count_filled(values, self.fill)


class CategoryFitter(Fitter):
    """Fits the encoder that the column's `encode` names."""

    def __init__(self, column: CategoryColumn, *, input_name: str) -> None:
        """Begin with a column and the name its input would have."""
        super().__init__(column.name)
        self._spec = column
        self._input_name = input_name
        self._counts = ValueCounts()
        self._has_value = False
        self._listed = column.values

    def observe(self, values: pa.Array) -> None:
        """Count the values, unless they are hashed and nothing is to be filled."""
        self._has_value = self._has_value or values.null_count < len(values)
        if self._spec.encode != "hash" or self._spec.fill != "own_category":
            self._counts.update(read_texts(values))

    def finish(self) -> Encoder | None:
        """Give the encoder; None, with a warning, for a column without any value."""
        if not self._has_value:
            self.warnings.append(f"column {self.column!r} has no value in training: left out")
            return None
        ranked = self._counts.ranked()
        fill = self._choose_fill(ranked)
        if self._spec.encode == "hash":
            return HashEncoder(column=self.column, bins=self._spec.hash_bins, fill=fill)
        values = self._choose_values(ranked)
        if self._spec.encode == "embedding":
            return IndexEncoder(
                column=self.column, input_name=self._input_name, values=values, fill=fill
            )
        known = set(values)
        return OneHotEncoder(
            column=self.column,
            values=values,
            fill=fill,
            has_missing=fill is None and self._counts.missing > 0,
            has_unknown=any(value not in known for value, _ in ranked),
        )

    def _choose_fill(self, ranked: list[tuple[str, int]]) -> str | None:
        if self._spec.fill != "most_frequent" or not ranked:
            return None
        return ranked[0][0]

    def _choose_values(self, ranked: list[tuple[str, int]]) -> tuple[str, ...]:
        least = self._spec.min_share * self._counts.total
        frequent = [value for value, count in ranked if count >= least]
        listed = self._listed
        if listed is not None:
            rare = {value for value, count in ranked if count < least}
            return tuple(value for value in listed if value not in rare)
        return tuple(sorted(frequent[: self._spec.max_values]))


def find_codes(
    column: Values, values: tuple[str, ...], *, fill: str | None
) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Find each value's place among `values`, -1 where it has none, and what is missing."""
    texts = read_texts(column)
    if fill is not None:
        texts = texts.fill_null(fill)
    places = pc.index_in(texts, value_set=pa.array(values, texts.type))
    missing = pc.is_null(texts).to_numpy(zero_copy_only=False)
    codes = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, missing


def _count_filled(values: pa.Array, fill: str | None) -> Counts:
    action = "values_missing_own_category" if fill is None else "values_filled_most_frequent"
    return {action: values.null_count}
