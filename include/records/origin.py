"""What a version was made from, and what became of making it again."""

from typing import Literal

from pydantic import Field

from include.records.run import Record
from include.specs import PipelineSpec

Likeness = Literal["equal", "within tolerance", "different"]


class Origin(Record):
    """What a candidate was made from: a file of its bundle, which the seal covers."""

    spec: PipelineSpec = Field(description="The pipeline, with the run's parameters written in.")
    features: str = Field(description="Digest of the feature rows, whatever code made them.")
    code: dict[str, str] = Field(description="Digests of the project's modules.")
    revision: str = Field(default="", description="Commit of the project; empty without git.")
    libraries: dict[str, str] = Field(description="Versions of what decides the numbers.")


class Stage(Record):
    """One step of a training that was made again, against what the version's records say."""

    name: str
    outcome: Likeness
    detail: str


class Reproduction(Record):
    """Result of `reproduce`."""

    version: str
    stages: tuple[Stage, ...]

    @property
    def outcome(self) -> Likeness:
        """The worst of the stages."""
        found = {each.outcome for each in self.stages}
        order: tuple[Likeness, ...] = ("different", "within tolerance", "equal")
        return next(each for each in order if each in found)

    @property
    def sentence(self) -> str:
        """What came of it, and at which step it first differs."""
        first = next((each for each in self.stages if each.outcome == self.outcome), None)
        if first is None or self.outcome == "equal":
            return f"version {self.version} comes out equal"
        return f"version {self.version} comes out {self.outcome}, first in {first.name}"
