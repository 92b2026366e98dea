"""Whether a target has a class so rare that a model may never predict it."""

from typing import Final

from include.drafting.kinds import canonical_values
from include.drafting.profile import ColumnProfile
from include.specs.features import SplitSpec
from include.values.formats import format_count, format_percent
from include.values.showing import cut_label

# Of the share that each class has where all are alike: of two classes 5 %.
RARE: Final = 0.1
ROWS_PER_CLASS: Final = 10


def describe_rare_class(target: ColumnProfile) -> str:
    """Say how rare the rarest class is, and what there is to do; nothing if it is not so rare.

    By log loss a model may win that gives the class to no row; it decides all the same: of few rows
    it is the surer one, and it asks whether probabilities are true.
    """
    counts = dict(canonical_values(target))
    total = sum(counts.values())
    rarest = min(counts, key=counts.__getitem__, default="")
    if len(counts) < 2 or counts[rarest] >= RARE * total / len(counts):
        return ""
    usual = max(counts, key=counts.__getitem__)
    tested = round(counts[rarest] * SplitSpec().fractions[2])
    advice = (
        "look at average_precision, and if answers are used and not probabilities, try "
        "`class_weights: balanced` in `training` with `compare: average_precision`"
    )
    few = ", too few to tell" if tested < ROWS_PER_CLASS else ""
    return (
        f"CHECK: {cut_label(rarest)!r} is {format_count(counts[rarest])} of {format_count(total)} "
        f"rows ({format_percent(counts[rarest] / total)}), about {format_count(tested)} of them to "
        f"test on{few}, and always answering {cut_label(usual)!r} is right in "
        f"{format_percent(counts[usual] / total)}: {'gather more of them' if few else advice}"
    )
