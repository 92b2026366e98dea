"""Every exception this project raises, and what the orchestrator does with each.

    GatehouseError
    ├── SpecError                  a pipeline file is wrong; its DAG is absent        fail
    ├── ParamError                 a trigger parameter is wrong                       fail
    ├── DataError                  the data is wrong; a retry would see the same      fail
    │   ├── SourceError            missing, unreadable or forbidden source
    │   ├── SchemaError            columns or types are not those of the contract
    │   ├── QualityError           a critical rule, or too many rows in quarantine
    │   └── LeakageError           the target, or test rows, reach the training side
    ├── TrainingError              a loss that is not finite, a builder that is wrong  fail
    ├── CodeChangedError           the project changed while a run was under way       fail
    ├── TrackingLoginError         the MLflow server lets this account not do it      fail
    ├── RoomError                  a disk or the memory is full                        fail
    ├── PromotionError             the model cannot be promoted                        fail
    │   ├── IntegrityError         its files are not those that were registered
    │   └── ReplayError            reloaded, it predicts something else
    └── InfrastructureError        something outside is away; try again                retry
        ├── TrackingUnavailableError   the MLflow server does not answer
        └── StoppedError               a task was asked to stop; it can be run again

Every message says what was expected, then `Received: …`, then the next move.
"""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ask for the name that was probably meant, to stand behind a sentence; empty if none is near.

    Example:
        >>> did_you_mean("digit", ["adult", "digits"])
        " Did you mean 'digits'?"
    """
    names = list(known)
    near = [one for one in names if one.strip().casefold() == name.strip().casefold()]
    near = near or difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


class GatehouseError(Exception):
    """Root of all exceptions that this project raises."""


class SpecError(GatehouseError):
    """A pipeline file is wrong: names the file, the key, what was expected and received."""


class ParamError(GatehouseError):
    """A trigger parameter is unknown or out of bounds."""


class DataError(GatehouseError):
    """The data is wrong: the same data would fail again, so nothing retries."""


class SourceError(DataError):
    """A source is missing, unreadable, empty or not allowed."""


class SchemaError(DataError):
    """Columns or types differ from the contract."""


class QualityError(DataError):
    """A critical rule failed, or more rows went to quarantine than the spec allows."""


class LeakageError(DataError):
    """The target, or rows of the test part, reach the training side."""


class TrainingError(GatehouseError):
    """Training cannot give a usable model: a loss that is not finite, a wrong builder."""


class CodeChangedError(GatehouseError):
    """The code or the pipeline's file is not what it was when the run began."""


class TrackingLoginError(GatehouseError):
    """The MLflow server asks for a log-in, or its account may not do this."""


class RoomError(GatehouseError):
    """There is no room left on a disk for what a step writes, or in memory for what it holds."""


class PromotionError(GatehouseError):
    """A model cannot be promoted."""


class IntegrityError(PromotionError):
    """A model's files differ from those recorded at registration."""


class ReplayError(PromotionError):
    """A reloaded model predicts something other than it did in its run."""


class InfrastructureError(GatehouseError):
    """A server, disk or network is away: the same call may succeed later."""


class TrackingUnavailableError(InfrastructureError):
    """The MLflow server does not answer."""


class StoppedError(InfrastructureError):
    """A task was asked to stop; a further try goes on, a fit from its checkpoint."""
