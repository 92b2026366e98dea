"""Refuse a network that could never fit into this machine, before a row of a run is read."""

from include.features.contract import least_schema
from include.modeling.memory import total_bytes
from include.modeling.room import check_room
from include.specs import PipelineSpec


def check_least_room(spec: PipelineSpec) -> None:
    """Refuse a pipeline whose network needs more than all memory here, whatever its rows say.

    `train` looks again when the inputs are known, at the memory that is free then.

    Raises:
        RoomError: Its weights, their gradients, the optimizer and one batch need more.
    """
    check_room(spec.model, spec.training, least_schema(spec), total=total_bytes())
