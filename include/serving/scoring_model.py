"""Raw rows in, predictions out: the model that batch scoring, MLflow and the replay all use.

MLflow loads it through `_load_pyfunc` from the copy of our code inside a bundle, so this module
and what it imports must work where neither the project nor its settings exist.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from include.errors import DataError, SchemaError
from include.records.names import REFERENCE_ROW, TRAINED_ROWS
from include.serving.bundle import NETWORK, PREPROCESSOR, Bundle, read_bundle
from include.serving.raw_rows import cast_rows, take_stored
from include.specs import Column
from include.specs.columns import DatetimeColumn
from include.tracking.signatures import WARNING, output_columns

if TYPE_CHECKING:
    import keras

    from include.features.preprocessor import Preprocessor
    from include.serving.explain import RowExplainer

CHUNK_ROWS: Final = 8_192


class ScoringModel:
    """A fitted preprocessor and a network, behind the raw columns of the contract."""

    trained_rows: bytes | None = None  # which rows it learned from; older bundles do not say
    reference_row: bytes | None = None  # what rows are held against when they are explained

    def __init__(
        self, bundle: Bundle, preprocessor: "Preprocessor", network: "keras.Model"
    ) -> None:
        """Put the parts together; `ScoringModel.load` reads them from a directory."""
        self.bundle = bundle
        self.preprocessor = preprocessor
        self.network = network

    @classmethod
    def load(cls, directory: Path | str) -> "ScoringModel":
        """Load a bundle directory, looking at every file first.

        Raises:
            IntegrityError: A file is missing, unreadable or holds code.
        """
        from include.features.preprocessor import Preprocessor
        from include.serving.network_file import load_network

        place = Path(directory)
        bundle = read_bundle(place)
        preprocessor = Preprocessor.model_validate_json((place / PREPROCESSOR).read_bytes())
        model = cls(bundle, preprocessor, load_network(place / NETWORK))
        if (place / TRAINED_ROWS).is_file():
            model.trained_rows = (place / TRAINED_ROWS).read_bytes()
        if (place / REFERENCE_ROW).is_file():
            model.reference_row = (place / REFERENCE_ROW).read_bytes()
        return model

    @cached_property
    def explainer(self) -> "RowExplainer":
        """What explains rows of this model.

        Raises:
            ParamError: The network is of a form that cannot be explained.
        """
        from include.serving.explain import RowExplainer

        return RowExplainer.of(self)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict raw rows, in their order and with their index.

        The order of columns does not matter and further columns are ignored.

        Args:
            frame: Rows with the bundle's columns, as texts of the source or as typed values.

        Returns:
            Classification: `prediction` (the class as text) and `probability_<class>` for every
            class; regression: `prediction`. Where the bundle may warn, `warning` as well.

        Raises:
            SchemaError: A column is missing, or rows break the contract and are refused.
        """
        self.check_columns(frame)
        parts = [
            cast_rows(self.bundle, frame.iloc[start : start + CHUNK_ROWS], first_row=start)
            for start in range(0, len(frame), CHUNK_ROWS)
        ]
        answer = self._answer([part.frame for part in parts], frame.index)
        if self.bundle.may_warn:
            answer[WARNING] = pd.Series(
                [text for part in parts for text in part.warnings], index=frame.index, dtype="str"
            )
        return answer

    def predict_stored(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict rows at rest, such as the test rows of a run: as `predict`, without warnings.

        Raises:
            SchemaError: A column is missing, or holds values of another kind.
        """
        self.check_columns(frame)
        parts = [
            take_stored(self.bundle, frame.iloc[start : start + CHUNK_ROWS])
            for start in range(0, len(frame), CHUNK_ROWS)
        ]
        return self._answer(parts, frame.index)

    def check_columns(self, frame: pd.DataFrame) -> None:
        """Refuse rows that lack a column, or have one twice.

        Raises:
            SchemaError: They do.
        """
        given = set(frame.columns)
        missing = [c.name for c in self.bundle.columns if not (c.nulls or _is_given(c, given))]
        if missing:
            raise SchemaError(
                f"the model {self.bundle.name} needs the columns "
                f"{[column.name for column in self.bundle.columns][:50]}. Received no "
                f"{missing[:50]}. Add them to the rows; their order does not matter."
            )
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise SchemaError(
                f"column names must differ. Received twice: {twice[:20]}. Rename or drop them."
            )

    def _answer(self, parts: list[pd.DataFrame], index: pd.Index) -> pd.DataFrame:
        names = output_columns(self.bundle.features)
        chunks = [self._predict_chunk(part) for part in parts]
        values = np.concatenate(chunks) if chunks else np.empty((0, max(1, len(names) - 1)))
        return self._name_outputs(values, names, index)

    def _predict_chunk(self, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        from include.modeling.prediction import predict

        inputs = self.preprocessor.transform(rows)
        values = predict(self.network, inputs, schema=self.bundle.features)
        return values.reshape(len(rows), -1)

    def _name_outputs(
        self, values: np.ndarray[Any, Any], names: tuple[str, ...], index: pd.Index
    ) -> pd.DataFrame:
        if self.bundle.features.task == "regression":
            return pd.DataFrame({names[0]: values[:, 0].astype(np.float64)}, index=index)
        classes = np.array(self.bundle.features.classes, dtype=object)
        labels = pd.Series(classes[values.argmax(axis=1)], index=index, dtype="str")
        shares = pd.DataFrame(values.astype(np.float64), columns=list(names[1:]), index=index)
        return pd.concat([labels.rename(names[0]), shares], axis=1)


def _is_given(column: Column, given: set[str]) -> bool:
    parts = column.from_parts if isinstance(column, DatetimeColumn) else ()
    return column.name in given or (bool(parts) and set(parts) <= given)


class PyfuncModel:
    """What MLflow calls: the same model with MLflow's arguments."""

    def __init__(self, model: ScoringModel) -> None:
        """Wrap a scoring model."""
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict rows; there are no parameters.

        Raises:
            MlflowException: The rows are not what the model asks for; its server answers 400 with
                our words, which of any other error it keeps to its log.
        """
        from mlflow.exceptions import MlflowException

        try:
            return self.model.predict(pd.DataFrame(frame))
        except DataError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _load_pyfunc(path: str) -> PyfuncModel:
    """Load the bundle for MLflow, which asks the loader module for this name."""
    return PyfuncModel(ScoringModel.load(path))
