"""Which options of a column mean something where it is the target; the others are refused."""

from typing import Final

from include.specs.columns import Column
from include.specs.metrics import Task

FEATURES_ONLY: Final = "it would be for a feature; leave it out"
# Options that nobody reads of a target, and what to write instead.
NOT_OF_A_TARGET: Final = {
    "fill": "only forward and backward fill a target; for rows without one use "
    "cleaning.missing_target",
    "indicator": FEATURES_ONLY,
    "outliers": "targets are never clipped or dropped by quantile; bound them by min and max with "
    "quarantine",
    "outlier_quantiles": FEATURES_ONLY,
    "encode": FEATURES_ONLY,
    "min_share": "every class is learned; leave it out",
    "max_values": "every class is learned; leave it out",
    "hash_bins": FEATURES_ONLY,
    "scale": "classes are not scaled; leave it out",
}


def check_target_options(column: Column, task: Task) -> None:
    """Refuse options that would be ignored on the target.

    A regression's `scale` is honoured, and so are `fill` forward and backward, bounds, values,
    `unique`, `nulls`, `severity` and `quarantine`.

    Raises:
        ValueError: The column has such an option.
    """
    for name, advice in NOT_OF_A_TARGET.items():
        field = type(column).model_fields.get(name)
        value = getattr(column, name, None)
        is_honoured = (name == "scale" and task == "regression") or (
            name == "fill" and value in {"forward", "backward"}
        )
        if field is not None and value != field.default and not is_honoured:
            raise ValueError(
                f"columns.{column.name}.{name} has no meaning for the target: {advice}. "
                f"Received: {name}={value!r}"
            )
