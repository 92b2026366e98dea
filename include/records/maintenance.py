"""What housekeeping did."""

from pydantic import Field

from include.records.run import Record


class MaintainRecord(Record):
    """Result of `clean`."""

    removed: dict[str, int] = Field(description="How many went, by what they were.")
    size_bytes: int
    is_dry_run: bool = False
