"""Load a registered version: files checked first, then our own code reads them.

Code that lies in the artifact store is not run in this process; the bundle's own copy of the
code runs only where MLflow serves it, and in the replay before promotion.
"""

from typing import TYPE_CHECKING

from include.serving.scoring_model import ScoringModel
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version

if TYPE_CHECKING:
    from include.settings import Settings


def load_version(settings: "Settings", name: str, version: str) -> ScoringModel:
    """Load a registered version after its files match the digest taken when it was logged.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version's number.

    Raises:
        IntegrityError: The files differ from those registered, or are not a bundle of ours.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    return ScoringModel.load(fetch_version(settings, name, version) / DATA)
