"""What a spec asks for that needs rows in order: which columns, in what order and groups."""

from include.features.contract import list_lag_columns
from include.specs import PipelineSpec


class SeriesPlan:
    """What a spec asks for that needs rows in order."""

    def __init__(self, spec: PipelineSpec) -> None:
        """Read the spec's `cleaning`, and the columns filled forward or backward.

        Rows of a time split have an order without being asked for one. Another order, such as the
        file's, could carry values from later parts into earlier ones.
        """
        cleaning = spec.cleaning
        of_split = spec.split.by if spec.split.method == "time" else None
        stored = {column.name for column in spec.stored_columns}
        by_fill = {
            way: [
                column.name
                for column in spec.columns
                if getattr(column, "fill", None) == way and column.name in stored
            ]
            for way in ("forward", "backward")
        }
        self.forward = tuple(dict.fromkeys((*cleaning.forward_fill, *by_fill["forward"])))
        self.backward = tuple(dict.fromkeys((*cleaning.backward_fill, *by_fill["backward"])))
        self.lags = cleaning.lags
        self.order_by = cleaning.order_by or of_split
        self.group_by = cleaning.group_by
        self.added = list_lag_columns(spec)
        self.horizon = cleaning.horizon
        steps = [step for lag in self.lags for step in lag.lags]
        windows = [step + self.horizon - 1 for lag in self.lags for step in lag.windows]
        self.history = max([1, *steps, *windows])

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.forward or self.backward or self.lags)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns that are read."""
        if not self.is_needed:
            return ()
        keys = [name for name in (self.order_by, self.group_by) if name is not None]
        return tuple(dict.fromkeys((*keys, *self.worked_on)))

    @property
    def worked_on(self) -> tuple[str, ...]:
        """Columns that are filled or looked back in."""
        lagged = [lag.column for lag in self.lags]
        return tuple(dict.fromkeys((*self.forward, *self.backward, *lagged)))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns that are filled or added."""
        return (*dict.fromkeys((*self.forward, *self.backward)), *self.added)
