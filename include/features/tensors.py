"""Arrays such as images: divided by a constant, otherwise handed on as they are."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from include.errors import DataError
from include.features.encoders import Counts, InputEncoder
from include.features.typed_values import read_tensors
from include.records import FeatureInput


class TensorEncoder(InputEncoder):
    """An array divided by `scale`; elements that are not a number become 0."""

    kind: Literal["tensor"] = "tensor"
    shape: tuple[int, ...]
    scale: float = Field(gt=0)

    @property
    def feature_input(self) -> FeatureInput:
        """One float32 array per row."""
        return FeatureInput(
            name=self.input_name, kind="tensor", shape=self.shape, columns=(self.column,)
        )

    def encode(self, values: pa.Array) -> npt.NDArray[Any]:
        """Divide; the source's numbers are not copied before."""
        raw = read_tensors(values, self.shape, self.column)
        scaled = np.divide(raw, np.float32(self.scale), dtype=np.float32, casting="unsafe")
        if raw.dtype.kind == "f":
            missing = np.isnan(scaled)
            if missing.any():
                scaled[missing] = 0.0
            if not np.isfinite(scaled).all():
                raise DataError(
                    f"column {self.column!r}: expected finite elements. Received: infinite "
                    f"ones in {int((~np.isfinite(scaled)).any(axis=1).sum())} rows. Correct the "
                    "source, or give the column `min` and `max` with `quarantine: true`."
                )
        return np.asarray(scaled).reshape(len(values), *self.shape)

    def count_changes(self, values: pa.Array) -> Counts:
        """Count elements that are not a number."""
        raw = read_tensors(values, self.shape, self.column)
        return {"values_filled_zero": int(np.isnan(raw).sum()) if raw.dtype.kind == "f" else 0}
