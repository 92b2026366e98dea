"""Which features of a draft give the target away: asked of the check that `prepare` makes."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from include.drafting.text_copy import TextCopy
from include.errors import DataError
from include.features.cleaning import plan_rows
from include.features.joint_leaks import find_joint_leaks
from include.features.leakage import find_leaks, sample_training_rows
from include.sources.composed_times import compose_times
from include.sources.row_casting import RowCaster
from include.specs import PipelineSpec
from include.specs.names import ROW_ID


def find_draft_leaks(
    spec: PipelineSpec, copy: TextCopy, unfit: tuple[int, ...]
) -> tuple[dict[str, str], str]:
    """Split the rows as the draft says and look for leaks among those that would train.

    Args:
        spec: The draft as a spec.
        copy: The source's rows.
        unfit: Lines of rows that will go to quarantine.

    Returns:
        The features that determine the target with how that was seen, and what else would keep
        the rows from training (empty: nothing).
    """
    source = compose_times(copy.open(getattr(spec.source, "missing", ()), unfit), spec.columns)
    by_name = {column.name: column for column in spec.stored_columns}

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        chosen = [by_name[name] for name in columns if name != ROW_ID]
        caster = RowCaster(chosen, has_private=True)
        batches = source.read(tuple(column.name for column in chosen))
        for rows, _ in caster.cast_batches(batches, source.reading):
            yield rows.select(list(columns))

    try:
        plan = plan_rows(spec, read, has_parts=False)
        sample = sample_training_rows(spec, plan)
        leaks = dict(find_leaks(spec, sample))
        for names, how in [] if leaks else find_joint_leaks(spec, sample):
            leaks |= dict.fromkeys(names, how)
        return leaks, ""
    except DataError as error:
        return {}, str(error)
