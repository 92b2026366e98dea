"""What every encoder and every fitter has in common.

A fitter sees the training rows batch by batch and ends as an encoder; an encoder is frozen data
(JSON, no pickle) that turns the values of one column into numbers for the network, row by row.
"""

from abc import ABC, abstractmethod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.records import FeatureInput
from include.values.statistics import Floats, RowSample

Matrix = npt.NDArray[np.float32]
Counts = dict[str, int]
# Fields of encoders that read texts by themselves, before there was one reading for all.
RETIRED: Final = frozenset({"pattern", "is_integer", "is_boolean"})


class Fitted(BaseModel):
    """What was fitted, as frozen data; a bundle's older JSON is read as well."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @model_validator(mode="before")
    @classmethod
    def drop_retired(cls, data: Any) -> Any:
        """Leave out what older versions wrote and nobody reads any more."""
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if name not in RETIRED}


class Encoder(Fitted):
    """A fitted column: everything that is needed to encode it again."""

    column: str = Field(description="Name of the column it reads.")

    def count_changes(self, values: pa.Array) -> Counts:
        """Count what encoding changes in these values beyond its notation, by action."""
        del values
        return {}


class DenseEncoder(Encoder):
    """An encoder whose numbers become positions of the dense input."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its positions."""
        raise NotImplementedError

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write the encoded values into `out`, zeros of shape (rows, positions)."""
        raise NotImplementedError


class InputEncoder(Encoder):
    """An encoder whose numbers are an input of their own."""

    input_name: str = Field(description="Name of the network's input.")

    @property
    def feature_input(self) -> FeatureInput:
        """Describe the input."""
        raise NotImplementedError

    def encode(self, values: pa.Array) -> npt.NDArray[Any]:
        """Encode the values as (rows, *shape)."""
        raise NotImplementedError


class Fitter(ABC):
    """Gathers what one column's encoder needs, from the training rows only."""

    needs_sample = False
    needs_second_pass = False

    def __init__(self, column: str) -> None:
        """Begin with a column's name and no rows."""
        self.column = column
        self.warnings: list[str] = []

    @abstractmethod
    def observe(self, values: pa.Array) -> Floats | None:
        """Take in a batch; gives its numbers if the fitter needs them sampled."""

    def settle(self, sample: RowSample) -> None:
        """Take in the sample once all batches were observed."""
        del sample

    def refine(self, values: pa.Array) -> None:
        """Take in a batch a second time, with what was settled at hand."""
        del values

    @abstractmethod
    def finish(self) -> Encoder | None:
        """Give the encoder, or None if the column has nothing to tell."""
