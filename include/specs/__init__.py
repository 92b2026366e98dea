"""The YAML of a pipeline as checked, frozen models; imports nothing heavier than pydantic."""

from include.specs.columns import Column
from include.specs.pipeline import PipelineSpec

__all__ = ["Column", "PipelineSpec"]
