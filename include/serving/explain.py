"""What each column of a row adds to the model's answer, against the reference row it carries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.explaining.gradients import Integrator, Shares
from include.features.preprocessor import Preprocessor
from include.features.reference_row import (
    HIDDEN,
    Row,
    describe_reference,
    find_neutral,
    list_parts,
    unpack_reference,
)
from include.modeling.prediction import predict
from include.records.explanations import Attribution, ExplainedRow, Picture
from include.serving.raw_rows import cast_rows
from include.specs import Column
from include.specs.columns import TensorColumn
from include.values.formats import format_number
from include.values.scaling import unscale
from include.values.showing import show_value

if TYPE_CHECKING:
    import keras

    from include.serving.scoring_model import ScoringModel

# A row takes some hundred passes through the network.
MAX_ROWS: Final = 100
MAX_PIXELS: Final = 64
COLOURS: Final = (3, 4)


class RowExplainer:
    """Explains rows of one model; the first row compiles its gradient."""

    def __init__(
        self,
        preprocessor: Preprocessor,
        network: "keras.Model",
        reference: Row,
        *,
        columns: Sequence[Column],
        has_private: bool,
    ) -> None:
        """Put the parts together.

        Args:
            preprocessor: What turns rows into the network's inputs.
            network: The network.
            reference: What `find_reference` found.
            columns: The contract of what the model asks for.
            has_private: Whether any column of the spec is personal data.

        Raises:
            ParamError: The network is of a form that cannot be explained.
        """
        self.preprocessor, self.network, self.reference = preprocessor, network, reference
        self.schema = preprocessor.schema
        self._columns = {column.name: column for column in columns}
        self._has_private = has_private
        is_regression = self.schema.task == "regression"
        self._integrator = Integrator(
            network,
            self._choose,
            codes=[each.name for each in self.schema.inputs if each.dtype == "int32"],
            scale=self.schema.target_std if is_regression else 1.0,
        )

    @classmethod
    def of(cls, model: "ScoringModel") -> "RowExplainer":
        """Explain the answers of a model; one from before reference rows has a neutral one."""
        content = model.reference_row
        return cls(
            model.preprocessor,
            model.network,
            unpack_reference(content, model.preprocessor)
            if content
            else find_neutral(model.preprocessor),
            columns=model.bundle.columns,
            has_private=model.bundle.has_private,
        )

    @property
    def explained_as(self) -> str:
        """What the amounts are amounts of."""
        if self.schema.task == "regression":
            return f"{self.schema.target}, in its own unit"
        return "the probability of what is said"

    def describe_reference(self) -> tuple[tuple[str, str], ...]:
        """Write the row that rows are held against."""
        private = [name for name, column in self._columns.items() if column.private]
        return describe_reference(self.preprocessor, self.reference, private=private)

    def explain(
        self, frame: pd.DataFrame, *, names: Sequence[str] = (), actual: Sequence[str] = ()
    ) -> tuple[ExplainedRow, ...]:
        """Explain rows as they are stored.

        Args:
            frame: Rows with the model's columns.
            names: What each row is called; its place unless given.
            actual: What was true of each, where that is known.
        """
        inputs = self.preprocessor.transform(frame)
        predictions = predict(self.network, inputs, schema=self.schema)
        explained = []
        for place in range(len(frame)):
            row = {name: array[place : place + 1] for name, array in inputs.items()}
            target = 0 if predictions.ndim == 1 else int(predictions[place].argmax())
            shares = self._integrator.explain(row, self.reference, target=target)
            said, true = self._say(predictions[place], target), actual[place] if actual else ""
            explained.append(
                ExplainedRow(
                    row=names[place] if names else str(place),
                    said=said,
                    actual=true,
                    is_wrong=bool(self.schema.classes) and true not in {"", said},
                    output=shares.output,
                    reference_output=shares.reference_output,
                    gap=shares.gap,
                    attributions=self._attribute(shares, frame.iloc[place]),
                    pictures=self._picture(shares, row),
                )
            )
        return tuple(explained)

    def _choose(self, outputs: Any, target: Any) -> Any:
        import jax.numpy as jnp

        if self.schema.task == "regression":
            return unscale(outputs[:, 0], self.schema.scaling, jnp)
        if self.schema.outputs == 1:
            return jnp.where(target == 1, outputs[:, 0], 1.0 - outputs[:, 0])
        return jnp.take(outputs, target, axis=1) / outputs.sum(axis=1)

    def _say(self, prediction: npt.NDArray[np.float64], target: int) -> str:
        if self.schema.task == "regression":
            return format_number(float(prediction))
        return self.schema.classes[target]

    def _attribute(self, shares: Shares, row: pd.Series) -> tuple[Attribution, ...]:
        amounts: dict[str, float] = {}
        for part in list_parts(self.preprocessor):
            found = float(shares.amounts[part.input][part.start : part.stop].sum())
            amounts[part.column] = amounts.get(part.column, 0.0) + found
        ordered = sorted(amounts.items(), key=lambda each: -abs(each[1]))
        return tuple(
            Attribution(column=name, shown=self._show(name, row[name]), amount=amount)
            for name, amount in ordered
        )

    def _show(self, name: str, value: Any) -> str:
        column = self._columns.get(name)
        if column is None or column.private:
            return HIDDEN
        if isinstance(column, TensorColumn):
            return f"an array of {' × '.join(map(str, column.shape))}"
        if pd.isna(value):
            return "missing"
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float):
            value = f"{value:.6g}"
        return show_value(value, has_private=self._has_private).strip("'")

    def _picture(self, shares: Shares, row: Row) -> tuple[Picture, ...]:
        pictures = []
        for each in self.schema.inputs:
            name = each.columns[0] if each.kind == "tensor" else ""
            column = self._columns.get(name)
            if column is None or column.private or not _is_image(each.shape):
                continue
            image, heat = row[each.name][0], shares.amounts[each.name]
            if len(each.shape) == 1:
                image, heat = image[None], heat[None]
            pictures.append(_make_picture(name, image, heat))
        return tuple(pictures)


def explain_raw(model: "ScoringModel", frame: pd.DataFrame) -> tuple[ExplainedRow, ...]:
    """Explain rows as a caller has them, cast and checked as when they are predicted.

    Raises:
        SchemaError: A column is missing, or rows break the contract and are refused.
        ParamError: The network is of a form that cannot be explained.
    """
    model.check_columns(frame)
    return model.explainer.explain(cast_rows(model.bundle, frame).frame)


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) in {1, 2} or (len(shape) == 3 and shape[2] in {1, *COLOURS})


def _make_picture(name: str, image: npt.NDArray[Any], heat: npt.NDArray[np.float64]) -> Picture:
    """Shrink to a size that a page can carry; amounts of merged places are added."""
    heat = heat.sum(axis=2) if heat.ndim == 3 else heat
    image = image[:, :, 0] if image.ndim == 3 and image.shape[2] not in COLOURS else image
    image = image[:, :, :3] if image.ndim == 3 else image
    steps = [-(-size // MAX_PIXELS) for size in heat.shape]
    places = [np.arange(0, size, step) for size, step in zip(heat.shape, steps, strict=True)]
    for axis, starts in enumerate(places):
        sizes = np.diff(np.append(starts, heat.shape[axis]))
        heat = np.add.reduceat(heat, starts, axis=axis)
        shape = [1] * image.ndim
        shape[axis] = -1
        image = np.add.reduceat(image, starts, axis=axis) / sizes.reshape(shape)
    low, high = float(image.min()), float(image.max())
    values = (image - low) / (high - low or 1.0)
    return Picture(
        column=name,
        shape=image.shape,
        values=tuple(values.round(3).ravel().tolist()),
        heat=tuple(float(f"{value:.3g}") for value in heat.ravel()),
    )
