"""One measured claim: a ratio with the bound it must keep, and the figures behind it."""

from pydantic import BaseModel, ConfigDict, Field


class Result(BaseModel):
    """A ratio and where it comes from."""

    model_config = ConfigDict(frozen=True)

    name: str
    ratio: float = Field(description="The figure that is claimed: this over the reference.")
    bound: float | None = Field(default=None, description="The ratio must not exceed this.")
    is_minimum: bool = Field(default=False, description="The ratio must reach the bound instead.")
    seconds: float
    reference_seconds: float
    reference: str
    peak_memory_mb: float | None = None
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the ratio keeps its bound."""
        if self.bound is None:
            return True
        return self.ratio >= self.bound if self.is_minimum else self.ratio <= self.bound
