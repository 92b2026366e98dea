"""The whole analysis of a table: one pass to read it, then everything from what that kept."""

from typing import Final

import numpy as np
import pandas as pd

from include.analysis.associations import MAX_COLUMNS, associate
from include.analysis.ordering import order_batches
from include.analysis.profiles import profile_columns
from include.analysis.relations import relate_target
from include.analysis.roles import is_in_time, list_filled
from include.analysis.scan import SAMPLE_ROWS, STRETCHES, Batches, Scan, scan_table
from include.analysis.story import tell_story
from include.analysis.timelines import follow_time
from include.records.analysis import Analysis, ColumnProfile, MissingMap
from include.specs import PipelineSpec

# A category with more levels than this share of its rows names rows rather than groups.
NAMES_ROWS: Final = 0.5


def analyze_table(
    spec: PipelineSpec, batches: Batches, rows: int, *, sample_rows: int = SAMPLE_ROWS
) -> Analysis:
    """Analyse a table in bounded memory.

    Args:
        spec: What each column is, what is predicted, and how the table is cleaned.
        batches: Gives the table's frames from the start, in its order.
        rows: Number of its rows.
        sample_rows: Beyond this many rows, quantiles and associations come from a sample of
            about as many; counts stay exact.
    """
    scan = scan_table(spec, order_batches(spec, batches), rows, sample_rows=sample_rows)
    profiles = profile_columns(spec, scan)
    compared, left_out = _choose_columns(spec, scan.sample, profiles)
    associations = associate(scan.sample[compared])
    filled = tuple(name for name in list_filled(spec) if name in scan.sample)
    found = Analysis(
        rows=scan.rows,
        sampled_rows=len(scan.sample),
        duplicates=scan.duplicates,
        is_in_time=is_in_time(spec),
        filled_columns=filled,
        profiles=profiles,
        missing=_map_missing(spec, scan, profiles),
        associations=associations,
        left_out=left_out,
        relations=relate_target(spec, scan.sample, associations),
        time=follow_time(spec, scan.sample, associations, is_whole=rows <= sample_rows),
    )
    return found.model_copy(update={"story": tell_story(spec, found)})


def _choose_columns(
    spec: PipelineSpec, sample: pd.DataFrame, profiles: tuple[ColumnProfile, ...]
) -> tuple[list[str], tuple[str, ...]]:
    """Choose the columns that are compared, and say why the others are not."""
    chosen: list[str] = []
    reasons: list[str] = []
    for profile in profiles:
        reason = _reason_against(profile, sample)
        if reason is None and len(chosen) >= MAX_COLUMNS and not profile.is_target:
            reason = f"beyond the first {MAX_COLUMNS} columns"
        if reason is None:
            chosen.append(profile.name)
        elif reason:
            reasons.append(f"{profile.name} ({reason})")
    return chosen, tuple(reasons)


def _reason_against(profile: ColumnProfile, sample: pd.DataFrame) -> str | None:
    """Say why a column is not compared; None if it is, empty if that needs no saying."""
    if profile.role == "private":
        return "private"
    if profile.role not in {"number", "category"}:
        return ""
    if profile.distinct < 2:
        return "constant" if profile.distinct else "empty"
    present = int(sample[profile.name].notna().sum())
    if profile.role == "category" and profile.distinct > max(50, NAMES_ROWS * present):
        return "names rows rather than groups"
    return None


def _map_missing(spec: PipelineSpec, scan: Scan, profiles: tuple[ColumnProfile, ...]) -> MissingMap:
    """Turn counts by stretch into shares, for the columns that miss anything."""
    place = {column.name: index for index, column in enumerate(spec.stored_columns)}
    gappy = [profile.name for profile in profiles if profile.missing]
    used = max(1, min(STRETCHES, -(-scan.rows // scan.rows_per_stretch)))
    sizes = np.full(used, scan.rows_per_stretch)
    sizes[-1] = max(1, scan.rows - scan.rows_per_stretch * (used - 1))
    shares = tuple(
        tuple(round(float(share), 4) for share in scan.stretches[place[name]][:used] / sizes)
        for name in gappy
    )
    return MissingMap(columns=tuple(gappy), rows_per_stretch=scan.rows_per_stretch, shares=shares)
