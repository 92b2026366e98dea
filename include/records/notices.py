"""What people are told of a pipeline."""

from pydantic import Field

from include.records.run import Record


class Notice(Record):
    """One thing that happened; nothing in it comes from a row of data."""

    event: str
    pipeline: str
    what: str = Field(description="What happened, in one line.")
    why: str = ""
    link: str = Field(default="", description="Page where it is seen.")
    next_move: str = Field(default="", description="What to do about it.")
    key: str = Field(description="The same key is told once.")

    @property
    def text(self) -> str:
        """The notice as plain text, a line for each part."""
        return "\n".join(each for each in (self.why, self.next_move, self.link) if each)
