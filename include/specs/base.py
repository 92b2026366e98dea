"""The base of all spec models: frozen, finite, and closed to keys it does not know."""

from pydantic import BaseModel, ConfigDict


class SpecModel(BaseModel):
    """A part of a pipeline's YAML: checked once, never changed after."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
