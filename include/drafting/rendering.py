"""A profile written down as a pipeline file, each guess with its reason."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from include.drafting.file_form import WESTERN, default_separator
from include.drafting.guesses import guess_columns, guess_task
from include.drafting.kinds import Guess
from include.drafting.order import Hints, RowOrder
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.rare_class import find_rare_class
from include.drafting.sheets import find_repeated_names
from include.drafting.yaml_text import write_comment, write_flow
from include.errors import SourceError
from include.specs.json_schema import MODELINE

SMALL: Final = 5_000
LARGE: Final = 200_000
USUAL_QUARANTINE: Final = 0.01
SOME: Final = 0.01


class Findings(NamedTuple):
    """What the draft's own split and check found.

    Attributes:
        leaks: Columns that give the target away, and how that was seen.
        only: Those among them that are all there is to learn from, so that they stay.
        warning: What keeps these rows from training, if anything does.
    """

    leaks: Mapping[str, str] = MappingProxyType({})
    only: Mapping[str, str] = MappingProxyType({})
    warning: str = ""


def render_draft(
    name: str,
    profile: FileProfile,
    target: str,
    order: RowOrder,
    hints: Hints,
    findings: Findings,
) -> str:
    """Render a profile as the text of a pipeline file.

    Args:
        name: Name of the pipeline.
        profile: The file.
        target: The column to predict.
        order: What orders and groups the rows.
        hints: What a person knows better.
        findings: What the draft's own split and check found.

    Raises:
        SourceError: No column is left that can be learned from.
    """
    column = find_target(profile, target)
    guesses = guess_columns(profile, target, order, hints, findings.leaks)
    _check_has_feature(profile, guesses, target)
    task = guess_task(column, hints)[0]
    lines = [
        MODELINE,
        f"# Drafted from {write_comment(profile.file_name)}: {profile.rows:,} rows, "
        f"{len(profile.columns)} columns, {profile.duplicates:,} exact duplicates.",
        "# Each guess says why; correct what you know better, then: gatehouse check",
        *(f"# NOT YET: {write_comment(line)}" for line in findings.warning.splitlines()[:3]),
        *(f"# Not read: {write_comment(reason)}." for reason in profile.copy.left_out),
        f"name: {name}",
        *_source_lines(name, profile),
        f"target: {write_flow({'column': target, 'task': task})}",
        "columns:",
    ]
    lines += [
        f"  - {write_flow(guess.column)}  # {write_comment(_add_leak(guess, findings))}"
        for guess in guesses
    ]
    lines += [f"# {write_comment(line)}" for line in [find_repeated_names(profile)] if line]
    lines += _hidden_repeats(profile, guesses)
    order = order._replace(key=_find_key(profile, guesses))
    lines += _choices(profile, column, order, task, findings)
    return "\n".join(lines) + "\n"


def _hidden_repeats(profile: FileProfile, guesses: list[Guess]) -> list[str]:
    """Say how many rows only an id tells from another: it may have been given to copies."""
    ids = {guess.column["name"] for guess in guesses if guess.column["kind"] == "id"}
    others = [column.name for column in profile.columns if column.name not in ids]
    if not ids or profile.duplicates:
        return []
    repeated = profile.rows - profile.count_distinct(*others)
    if repeated < SOME * profile.rows:
        return []
    return [
        f"# CHECK: {repeated:,} rows equal another but for {write_comment(' and '.join(ids))}: if "
        "they are the same thing again, remove them from the source, or they train and test"
    ]


def _add_leak(guess: Guess, findings: Findings) -> str:
    how = findings.only.get(guess.column["name"], "")
    return f"{guess.reason}; LEAK? {how}; CHECK: there is no other feature" if how else guess.reason


def find_target(profile: FileProfile, target: str) -> ColumnProfile:
    """Find the column to predict.

    Raises:
        SourceError: It has a name that cannot be read.
    """
    found = next((column for column in profile.columns if column.name == target), None)
    if found is None:
        raise SourceError(
            f"--target must name a column that can be read. Received: {target[:80]!r}; not read: "
            f"{'; '.join(profile.copy.left_out)}. Rename it in the file."
        )
    return found


def _check_has_feature(profile: FileProfile, guesses: list[Guess], target: str) -> None:
    if any(guess.is_feature and guess.column["name"] != target for guess in guesses):
        return
    others = [guess for guess in guesses if guess.column["name"] != target]
    found = "; ".join(
        [
            *(f"{guess.column['name']!r} ({guess.reason[:200]})" for guess in others[:5]),
            *profile.copy.left_out,
        ]
    )
    raise SourceError(
        f"{profile.file_name} must hold a column beside {target!r} that can be learned from. "
        f"Received: {found or 'no other column'}. Name a file with features in it."
    )


def _choices(
    profile: FileProfile, target: ColumnProfile, order: RowOrder, task: str, findings: Findings
) -> list[str]:
    lines = _cleaning_lines(profile, target, order, task, findings)
    if profile.lost_share > USUAL_QUARANTINE / 2:
        limit = math.ceil(profile.lost_share * 150 + 1) / 100
        lines.append(f"quarantine_limit: {limit}  # rows that do not fit are many here")
    lines.append(_split_line(order, task))
    rows = profile.rows
    hidden = [32, 16] if rows < SMALL else [64, 32] if rows < LARGE else [256, 128]
    is_forecast = bool(order.lags) and task == "regression"
    model: dict[str, Any] = {"kind": "mlp", "hidden": hidden}
    reason = "by the number of rows"
    if is_forecast:
        model["change_from"] = f"{target.name}_lag_{order.lags[0]}"
        reason += "; it starts from repeating the past, and learns the change"
    lines.append(f"model: {write_flow(model)}  # {reason}")
    batch = 32 if rows < SMALL else 128 if rows < LARGE else 1024
    training = {"epochs": 30, "batch_size": batch}
    lines.append(f"training: {write_flow(training)}  # early stopping ends it sooner")
    gate = _choose_metric(target, task)
    past = "; that it beats repeating the past is a gate by itself" if is_forecast else ""
    note = f"add `require`: what is good enough for you?{past}"
    lines.append(f"promotion: {{compare: {gate}}}  # {note}")
    return lines


def _choose_metric(target: ColumnProfile, task: str) -> str:
    if task == "regression":
        return "rmse"
    rare = find_rare_class(target)
    return "average_precision" if rare and rare.can_be_compared else "log_loss"


def _cleaning_lines(
    profile: FileProfile, target: ColumnProfile, order: RowOrder, task: str, findings: Findings
) -> list[str]:
    cleaning: dict[str, Any] = {}
    notes = []
    if target.filled < target.rows:
        cleaning["missing_target"] = "drop"
        notes.append(f"{target.rows - target.filled} rows without a target are dropped")
    if order.time:
        cleaning["order_by"] = order.time
    if order.series:
        cleaning["group_by"] = order.series
    if order.lags and task == "regression":
        lags = {"column": target.name, "lags": list(order.lags), "windows": [max(3, *order.lags)]}
        cleaning |= {"horizon": 1, "lags": [lags]}
        notes.append("predicts 1 row ahead; CHECK: is all else in a row known by then?")
    if findings.only:
        cleaning["leakage"] = "warn"
    if profile.duplicates:
        notes.append(
            f"{profile.duplicates:,} rows equal another in every column and are kept: without an "
            "id they may be other things; `duplicates: drop` drops them"
        )
    if not cleaning:
        return [f"# {note}" for note in notes]
    return [f"cleaning: {write_flow(cleaning)}" + "".join(f"  # {note}" for note in notes[:1])] + [
        f"# {note}" for note in notes[1:]
    ]


def _split_line(order: RowOrder, task: str) -> str:
    reason = write_comment(order.reason)
    if order.time:
        return f"split: {write_flow({'method': 'time', 'by': order.time})}  # {reason}"
    if order.group:
        return f"split: {write_flow({'method': 'group', 'by': order.group})}  # {reason}"
    split = {"method": "stratified" if task == "classification" else "hash"}
    reason = "rows are taken for separate things, in no order"
    if task == "classification":
        reason = "the same shares of each class in every part"
    if order.key:
        split["by"] = order.key
        reason += "; a row stays in its part wherever it stands in the file"
    return f"split: {write_flow(split)}  # {reason}{write_comment(order.reason)}"


def _find_key(profile: FileProfile, guesses: list[Guess]) -> str | None:
    """Find an id that is there, and another, in every row."""
    whole = {each.name for each in profile.columns if each.is_unique and each.filled == each.rows}
    ids = (guess.column["name"] for guess in guesses if guess.column["kind"] == "id")
    return next((name for name in ids if name in whole), None)


def _source_lines(name: str, profile: FileProfile) -> list[str]:
    lines = []
    if profile.form.source.encoding == WESTERN:
        lines.append(
            f"# ENCODING? Its letters are not UTF-8; {WESTERN} is a guess: look at its accents."
        )
    if profile.copy.rejected:
        reason = write_comment(
            f"{profile.copy.rejected} rows cannot be read: {profile.copy.first_reason}"
        )
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
