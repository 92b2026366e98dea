"""The fitted preprocessor: rows of a table in, arrays for the network out.

It is data: frozen models that are written as JSON and read back, never pickled. It is fitted on
training rows only and works row by row, so batches, row order, column order and further columns
make no difference to what it gives.
"""

from collections.abc import Callable, Collection
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from include.errors import DataError
from include.features.categories import HashEncoder, IndexEncoder, OneHotEncoder
from include.features.contract import DENSE_INPUT, list_feature_columns
from include.features.datetimes import DatetimeEncoder
from include.features.encoders import Counts, DenseEncoder
from include.features.fitting import Batches, fit_encoders
from include.features.numbers import BooleanEncoder, NumberEncoder
from include.features.target import TargetEncoder
from include.features.tensors import TensorEncoder
from include.features.text_tokens import TokenEncoder
from include.features.typed_values import check_present
from include.records import FeatureInput, FeatureSchema
from include.specs import PipelineSpec
from include.values.frames import Rows, one_array

FORMAT_VERSION: Final = 1
DenseEncoders = Annotated[
    NumberEncoder | BooleanEncoder | OneHotEncoder | HashEncoder | DatetimeEncoder,
    Field(discriminator="kind"),
]
InputEncoders = Annotated[IndexEncoder | TokenEncoder | TensorEncoder, Field(discriminator="kind")]


class Preprocessor(BaseModel):
    """Everything that turns stored rows into arrays.

    Example:
        `Preprocessor.model_validate_json(text).transform(frame)["dense"]` is a float32 matrix
        with one row for each row of the frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    dense: tuple[DenseEncoders, ...] = Field(description="Encoders of the dense input, in order.")
    inputs: tuple[InputEncoders, ...] = Field(description="Encoders with an input of their own.")
    target: TargetEncoder
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a frame must have to be transformed."""
        return tuple(encoder.column for encoder in (*self.dense, *self.inputs))

    @property
    def schema(self) -> FeatureSchema:  # type: ignore[override]  # pydantic's is deprecated
        """What the network takes in and gives out."""
        inputs = [encoder.feature_input for encoder in self.inputs]
        names = tuple(name for encoder in self.dense for name in encoder.names)
        if names:
            shape = (len(names),)
            inputs.insert(
                0, FeatureInput(name=DENSE_INPUT, kind="dense", shape=shape, columns=names)
            )
        return FeatureSchema(
            inputs=tuple(inputs),
            task=self.target.task,
            target=self.target.column,
            classes=self.target.classes,
            target_mean=self.target.mean,
            target_std=self.target.std,
            target_scale=self.target.scale,
        )

    def transform(self, rows: Rows) -> dict[str, npt.NDArray[Any]]:
        """Turn rows into one array per input of the network, shape (rows, *input shape).

        Raises:
            SchemaError: Columns are missing, or hold values of another kind.
            DataError: Numbers are infinite, or become so.
        """
        check_present(rows, self.columns)
        arrays: dict[str, npt.NDArray[Any]] = {}
        if self.dense:
            arrays[DENSE_INPUT] = self._build_dense(rows)
        for encoder in self.inputs:
            arrays[encoder.input_name] = encoder.encode(one_array(rows[encoder.column]))
        return arrays

    def transform_target(self, rows: Rows) -> npt.NDArray[Any]:
        """Give int32 class indices, or the raw float64 target.

        Raises:
            SchemaError: The target's column is missing.
            DataError: A target is missing, or of a class that training never saw.
        """
        check_present(rows, (self.target.column,))
        return self.target.encode(one_array(rows[self.target.column]))

    def count_changes(self, rows: Rows) -> Counts:
        """Count filled and clipped values of these rows, by action."""
        total: Counts = {}
        for encoder in (*self.dense, *self.inputs):
            for action, count in encoder.count_changes(one_array(rows[encoder.column])).items():
                total[action] = total.get(action, 0) + count
        return total

    def _build_dense(self, rows: Rows) -> npt.NDArray[np.float32]:
        widths = [len(encoder.names) for encoder in self.dense]
        # Column-major: encoders write whole columns, which is then contiguous.
        matrix = np.zeros((len(rows), sum(widths)), dtype=np.float32, order="F")
        start = 0
        for encoder, width in zip(self.dense, widths, strict=True):
            encoder.write(one_array(rows[encoder.column]), matrix[:, start : start + width])
            start += width
        return np.ascontiguousarray(matrix)


def fit_preprocessor(
    spec: PipelineSpec, batches: Batches, *, leave_out: Callable[[], Collection[str]] = tuple
) -> Preprocessor:
    """Fit a preprocessor on training rows, streamed.

    Args:
        spec: The pipeline.
        batches: Gives the training rows anew at each call, with stored columns; called once, or
            twice if a column is clipped or scaled by its logarithm. Tensor columns are not needed.
        leave_out: Names features that the network shall not see; called once all rows were seen.

    Raises:
        SchemaError: Columns are missing, or hold values of another kind.
        DataError: There is nothing to fit, or the target's classes do not do.
    """
    fitted = fit_encoders(spec, list_feature_columns(spec), batches, leave_out)
    if not fitted.encoders:
        raise DataError(
            "expected at least one feature with a value in training. Received: none. Check the "
            "source, and the columns of the pipeline's YAML."
        )
    dense = [each for each in fitted.encoders if isinstance(each, DenseEncoder)]
    inputs = [each for each in fitted.encoders if not isinstance(each, DenseEncoder)]
    return Preprocessor.model_validate(
        {
            "dense": dense,
            "inputs": inputs,
            "target": fitted.target,
            "warnings": fitted.warnings,
        }
    )
