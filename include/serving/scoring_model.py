"""Raw rows in, predictions out: the model that batch scoring, MLflow and the replay all use.

MLflow loads it through `_load_pyfunc` from the copy of our code inside a bundle, so this module
and what it imports must work where neither the project nor its settings exist.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from include.errors import SchemaError
from include.serving.bundle import NETWORK, PREPROCESSOR, Bundle, read_bundle
from include.tracking.signatures import output_columns

if TYPE_CHECKING:
    import keras

    from include.features.preprocessor import Preprocessor

CHUNK_ROWS: Final = 8_192


class ScoringModel:
    """A fitted preprocessor and a network, behind the raw columns of the contract."""

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
        # Keras asks for TensorFlow unless told otherwise, and a server's shell tells it nothing.
        os.environ.setdefault("KERAS_BACKEND", "jax")
        from include.features.preprocessor import Preprocessor
        from include.serving.network_file import load_network

        place = Path(directory)
        bundle = read_bundle(place)
        preprocessor = Preprocessor.model_validate_json((place / PREPROCESSOR).read_bytes())
        return cls(bundle, preprocessor, load_network(place / NETWORK))

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict raw rows, in their order and with their index.

        The order of columns does not matter and further columns are ignored.

        Args:
            frame: Rows with the bundle's columns.

        Returns:
            Classification: `prediction` (the class as text) and `probability_<class>` for every
            class; regression: `prediction`.

        Raises:
            SchemaError: A column is missing, or holds values of another kind.
        """
        rows = self._with_all_columns(frame)
        chunks = [
            self._predict_chunk(rows.iloc[start : start + CHUNK_ROWS])
            for start in range(0, len(rows), CHUNK_ROWS)
        ]
        names = output_columns(self.bundle.features)
        values = np.concatenate(chunks) if chunks else np.empty((0, max(1, len(names) - 1)))
        return self._name_outputs(values, names, frame.index)

    def _with_all_columns(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = self.bundle.columns
        given = set(frame.columns)
        missing = [c.name for c in columns if c.name not in given and not c.is_nullable]
        if missing:
            raise SchemaError(
                f"the model {self.bundle.name} needs the columns "
                f"{[column.name for column in columns][:50]}. Received no {missing[:50]}. "
                "Add them to the rows; their order does not matter."
            )
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise SchemaError(
                f"column names must differ. Received twice: {twice[:20]}. Rename or drop them."
            )
        absent = {
            c.name: pd.Series([None] * len(frame), index=frame.index, dtype=object)
            for c in columns
            if c.name not in given
        }
        return frame.assign(**absent)[[column.name for column in columns]]

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


class PyfuncModel:
    """What MLflow calls: the same model with MLflow's arguments."""

    def __init__(self, model: ScoringModel) -> None:
        """Wrap a scoring model."""
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict rows; there are no parameters."""
        return self.model.predict(pd.DataFrame(frame))


def _load_pyfunc(path: str) -> PyfuncModel:
    """Load the bundle for MLflow, which asks the loader module for this name."""
    return PyfuncModel(ScoringModel.load(path))
