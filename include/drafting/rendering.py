"""A profile written down as a pipeline file, each guess with its reason."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from include.drafting.file_form import WESTERN, default_separator
from include.drafting.guesses import Guess, find_time, guess_columns, guess_task
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.yaml_text import write_comment, write_flow
from include.errors import SourceError

SMALL: Final = 5_000
LARGE: Final = 200_000
USUAL_QUARANTINE: Final = 0.01


def render_draft(
    name: str,
    profile: FileProfile,
    target: str,
    *,
    leaks: Mapping[str, str] | None = None,
    warning: str = "",
) -> str:
    """Render a profile as the text of a pipeline file.

    Args:
        name: Name of the pipeline.
        profile: The file.
        target: The column to predict.
        leaks: Columns that give the target away, and how that was seen.
        warning: What keeps these rows from training, if anything does.

    Raises:
        SourceError: No column is left that can be learned from.
    """
    column = find_target(profile, target)
    guesses = guess_columns(profile, target, leaks)
    _check_has_feature(profile, guesses, target)
    lines = [
        f"# Drafted from {write_comment(profile.file_name)}: {profile.rows:,} rows, "
        f"{len(profile.columns)} columns, {profile.duplicates:,} exact duplicates.",
        "# Each guess says why; correct what you know better, then: gatehouse check",
        *(f"# NOT YET: {write_comment(line)}" for line in warning.splitlines()[:3]),
        *(f"# Not read: {write_comment(reason)}." for reason in profile.left_out),
        f"name: {name}",
        *_source_lines(name, profile),
        f"target: {write_flow({'column': target, 'task': guess_task(column)})}",
        "columns:",
    ]
    lines += [
        f"  - {write_flow(guess.column)}  # {write_comment(guess.reason)}" for guess in guesses
    ]
    lines += _choices(profile, column, find_time(guesses, profile))
    return "\n".join(lines) + "\n"


def find_target(profile: FileProfile, target: str) -> ColumnProfile:
    """Find the column to predict.

    Raises:
        SourceError: It has a name that cannot be read.
    """
    found = next((column for column in profile.columns if column.name == target), None)
    if found is None:
        raise SourceError(
            f"--target must name a column that can be read. Received: {target[:80]!r}; not read: "
            f"{'; '.join(profile.left_out)}. Rename it in the file."
        )
    return found


def _check_has_feature(profile: FileProfile, guesses: list[Guess], target: str) -> None:
    if any(guess.is_feature and guess.column["name"] != target for guess in guesses):
        return
    others = [guess for guess in guesses if guess.column["name"] != target]
    found = "; ".join(f"{guess.column['name']!r} ({guess.reason[:80]})" for guess in others[:5])
    raise SourceError(
        f"{profile.file_name} must hold a column beside {target!r} that can be learned from. "
        f"Received: {found or 'no other column'}. Name a file with features in it."
    )


def _choices(profile: FileProfile, target: ColumnProfile, time: str | None) -> list[str]:
    cleaning: dict[str, Any] = {}
    if target.filled < target.rows:
        cleaning["missing_target"] = "drop"
    if time:
        cleaning["order_by"] = time
    is_regression = guess_task(target) == "regression"
    lines = [f"cleaning: {write_flow(cleaning)}"] if cleaning else []
    if profile.rejected_share > USUAL_QUARANTINE:
        limit = math.ceil(profile.rejected_share * 150) / 100
        lines.append(f"quarantine_limit: {limit}  # rows that cannot be read are many here")
    if time:
        split = write_flow({"method": "time", "by": time})
        lines.append(f"split: {split}  # the rows are ordered by it")
    elif not is_regression:
        lines.append("split: {method: stratified}  # the same shares of each class in every part")
    rows = profile.rows
    hidden = [32, 16] if rows < SMALL else [64, 32] if rows < LARGE else [256, 128]
    lines.append(f"model: {write_flow({'kind': 'mlp', 'hidden': hidden})}  # by the number of rows")
    batch = 32 if rows < SMALL else 128 if rows < LARGE else 1024
    training = {"epochs": 30, "batch_size": batch}
    lines.append(f"training: {write_flow(training)}  # early stopping ends it sooner")
    gate = "rmse" if is_regression else "log_loss"
    lines.append(f"promotion: {{compare: {gate}}}  # add `require`: what is good enough for you?")
    return lines


def _source_lines(name: str, profile: FileProfile) -> list[str]:
    lines = []
    if profile.form.source.encoding == WESTERN:
        lines.append(
            f"# ENCODING? Its letters are not UTF-8; {WESTERN} is a guess: look at its accents."
        )
    if profile.rejected:
        reason = write_comment(f"{profile.rejected} rows cannot be read: {profile.first_reason}")
        lines.append(f"# {reason}")
    return [*lines, f"source: {write_flow(_source(name, profile))}"]


def _source(name: str, profile: FileProfile) -> dict[str, Any]:
    """Write down of how the file is read what ingest would not do by itself."""
    form = profile.form.source
    source: dict[str, Any] = {"kind": "file", "uri": f"{name}/{profile.file_name}"}
    if form.format != "auto":
        source["format"] = form.format
    if not form.header:
        source["header"] = False
    if form.separator not in {None, default_separator(Path(form.uri))}:
        source["separator"] = form.separator
    if form.quote != '"':
        source["quote"] = form.quote
    if form.encoding != "utf-8":
        source["encoding"] = form.encoding
    # Every format has them: a `?` in a Parquet text is as missing as one in a CSV file.
    source["missing"] = list(profile.missing)
    return source
