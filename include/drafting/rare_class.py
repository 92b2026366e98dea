"""Whether a target has a class so rare that a model may never predict it, and what is drafted."""

from typing import Final, NamedTuple

from include.drafting.kinds import canonical_values
from include.drafting.profile import ColumnProfile
from include.specs.features import SplitSpec
from include.values.formats import format_count, format_percent
from include.values.showing import cut_label

# Of the share that each class has where all are alike: of two classes 5 %.
RARE: Final = 0.1
ROWS_PER_CLASS: Final = 10


class RareClass(NamedTuple):
    """The rarest class beside the most frequent one, with their rows."""

    name: str
    rows: int
    usual: str
    usual_rows: int
    total: int

    @property
    def test_rows(self) -> int:
        """About how many rows of it the drafted split tests on."""
        return round(self.rows * SplitSpec().fractions[2])

    @property
    def can_be_compared(self) -> bool:
        """Whether these bound a metric that is a mean over classes."""
        return self.test_rows >= ROWS_PER_CLASS


def find_rare_class(target: ColumnProfile) -> RareClass | None:
    """Find the rarest class of a target if it has less than a tenth of an even share."""
    counts = dict(canonical_values(target))
    if len(counts) < 2:
        return None
    total = sum(counts.values())
    rarest, usual = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[rarest] >= RARE * total / len(counts):
        return None
    return RareClass(rarest, counts[rarest], usual, counts[usual], total)


def describe_rare_class(found: RareClass) -> str:
    """Say how rare it is, what was chosen for it, and what else there is."""
    share = format_percent(found.rows / found.total)
    right = format_percent(found.usual_rows / found.total)
    name, usual = repr(cut_label(found.name)), repr(cut_label(found.usual))
    if found.can_be_compared:
        chosen = "average_precision decides, which asks how surely it is found"
        advice = (
            "if answers are used and not probabilities, try `class_weights: balanced` in `training`"
        )
    else:
        chosen = "too few to decide by how surely it is found, so log_loss does"
        advice = "gather more of them"
    return (
        f"CHECK: {name} is {format_count(found.rows)} of {format_count(found.total)} rows "
        f"({share}), about {format_count(found.test_rows)} of them to test on: {chosen}; "
        f"always answering {usual} is right in {right}; {advice}"
    )
