"""Build something of every pipeline file, so that one that fails takes no other down.

Knows nothing of Airflow: what is built is handed in.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from include.errors import SpecError
from include.specs.loader import LoadedSpec
from include.specs.pipeline import PipelineSpec

logger = logging.getLogger(__name__)


class Buildable(Protocol):
    """What is built of a spec, e.g. a DAG."""

    def validate(self) -> None:
        """Raise if it is not sound."""


T = TypeVar("T", bound=Buildable)


def build_each(
    entries: Iterable[LoadedSpec], build: Callable[[PipelineSpec], T]
) -> tuple[list[T], list[SpecError]]:
    """Build and validate the DAG of every pipeline file that is right.

    Args:
        entries: The pipeline files; wrong ones are passed over.
        build: Builds the DAG of a spec.

    Returns:
        What could be built, whole; and one error for each spec whose DAG cannot be.
    """
    built, errors = [], []
    for path, spec, _ in entries:
        if spec is None:
            continue
        try:
            found = build(spec)
            found.validate()
            built.append(found)
        # Whatever it is, the DAGs of the other files must stay alive.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".rstrip(".")
            errors.append(
                SpecError(
                    f"{path.name}: expected a spec whose DAG can be built. Received: {reason}. "
                    "Change the part of the file that this names; see docs/spec.md."
                )
            )
            logger.error("%s", errors[-1], exc_info=error)
    return built, errors
