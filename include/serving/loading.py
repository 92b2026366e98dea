"""Load a registered version: digest and seal checked first, then our own code reads the files.

The bundle's copy of the code is for those who serve it by MLflow elsewhere. None of our processes
imports it but the replay before promotion, after it was found equal to what this project packs.
"""

from typing import TYPE_CHECKING

from include.serving.scoring_model import ScoringModel
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version

if TYPE_CHECKING:
    from include.settings import Settings


def load_version(settings: "Settings", name: str, version: str) -> ScoringModel:
    """Load a registered version after its files match what was sealed when it was logged.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version's number.

    Raises:
        IntegrityError: The files differ from those sealed, or are not a bundle of ours.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    return ScoringModel.load(fetch_version(settings, name, version) / DATA)
