"""The champion that is being served, and the next one when the alias moves."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from include.errors import InfrastructureError, IntegrityError
from include.records.names import GOLDEN
from include.serving.replay import GoldenRows, compare_predictions
from include.serving.scoring_model import ScoringModel
from include.tracking.aliases import find_champion, require_champion
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version

if TYPE_CHECKING:
    from include.settings import Settings

logger = logging.getLogger(__name__)


class ServedModel(NamedTuple):
    """A model that has answered its own example, and its version."""

    version: str
    model: ScoringModel


class ServedChampion:
    """Holds the model that answers; `refresh` follows the alias."""

    def __init__(self, settings: "Settings", name: str) -> None:
        """Load the champion.

        Raises:
            ParamError: There is none.
            IntegrityError: Its files are not those that were sealed, or it cannot predict.
            TrackingUnavailableError: The MLflow server does not answer.
        """
        self._settings = settings
        self._refused = ""
        self.name = name
        self.current = load_served(settings, name, require_champion(settings, name).version)

    def refresh(self) -> None:
        """Take the version that the alias names now; whatever fails, the old one answers on."""
        version = ""
        try:
            found = find_champion(self._settings, self.name)
            version = "" if found is None else found.version
            if version in {"", self.current.version, self._refused}:
                return
            self.current = load_served(self._settings, self.name, version)
        except InfrastructureError as error:
            logger.warning("version %s answers on: %s", self.current.version, error)
        except Exception:
            # It is not tried again until the alias moves to another version.
            self._refused = version
            message = "version %s cannot be served; version %s answers on"
            logger.exception(message, version, self.current.version)
        else:
            logger.warning("version %s of %s answers from now on", version, self.name)


def load_served(settings: "Settings", name: str, version: str) -> ServedModel:
    """Load a version and let it answer its golden rows as it did in its run.

    A bundle of before it carried them answers the example that was logged with it.

    Raises:
        IntegrityError: Its files are not those that were sealed, or it cannot predict.
        ReplayError: It answers otherwise.
    """
    directory = fetch_version(settings, name, version)
    model = ScoringModel.load(directory / DATA)
    if (directory / DATA / GOLDEN).is_file():
        golden = GoldenRows.model_validate_json((directory / DATA / GOLDEN).read_bytes())
        answer = model.predict(pd.DataFrame(golden.columns, dtype=object))
        compare_predictions(golden, {str(name): answer[name].tolist() for name in answer})
        return ServedModel(version, model)
    rows = _read_example(directory)
    numbers = model.predict(rows).select_dtypes("number").to_numpy(dtype=np.float64)
    if len(numbers) != len(rows) or not np.isfinite(numbers).all():
        raise IntegrityError(
            f"version {version} of {name} must answer its own example with finite numbers. "
            "Received: others. It is not served; train the model again."
        )
    return ServedModel(version, model)


def _read_example(directory: Path) -> pd.DataFrame:
    content = json.loads((directory / "input_example.json").read_bytes())
    return pd.DataFrame(content["data"], columns=content["columns"], dtype=object)
