"""Write a first pipeline file, with the reason beside every guess."""

import json
import re
from pathlib import Path
from typing import Any, Final

from include.drafting.guesses import find_time, guess_columns, guess_task
from include.drafting.profile import ColumnProfile, FileProfile, profile_file
from include.errors import SpecError
from include.specs.loader import load_pipeline_spec
from include.specs.pipeline import NAME_PATTERN, PipelineSpec

SMALL: Final = 5_000
LARGE: Final = 200_000
PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]|[A-Za-z_]")


def draft_pipeline(name: str, source: Path, target: str, directory: Path) -> Path:
    """Profile a file and write `<directory>/<name>.yaml`.

    Args:
        name: Name of the new pipeline.
        source: The file to learn from.
        target: The column to predict.
        directory: Where pipeline files lie.

    Returns:
        The file that was written; it loads, and nothing in it needs an edit to train.

    Raises:
        SpecError: The name is not one, or its file is there already.
        SourceError: The source cannot be profiled.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            "the name must be lower-case letters, digits and _, starting with a letter. "
            f"Received: {name!r}."
        )
    path = directory / f"{name}.yaml"
    if path.exists():
        raise SpecError(
            f"{path.name} must not be there yet. Received: it is, and stays as it is. "
            "Choose another name or remove the file."
        )
    profile = profile_file(source, target)
    text = render_draft(name, profile, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".draft")
    temporary.write_text(text, encoding="utf-8")
    try:
        load_pipeline_spec(temporary)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def render_draft(name: str, profile: FileProfile, target: str) -> str:
    """Render a profile as the text of a pipeline file."""
    column = next(column for column in profile.columns if column.name == target)
    guesses = guess_columns(profile, target)
    lines = [
        f"# Drafted from {profile.path.name}: {profile.rows:,} rows, "
        f"{len(profile.columns)} columns, {profile.duplicates:,} exact duplicates.",
        "# Each guess says why; correct what you know better, then: gatehouse check",
        f"name: {name}",
        f"source: {_flow(_source(name, profile))}",
        f"target: {_flow({'column': target, 'task': guess_task(column)})}",
        "columns:",
    ]
    lines += [f"  - {_flow(guess.column)}  # {_comment(guess.reason)}" for guess in guesses]
    lines += _choices(profile, column, find_time(guesses, profile))
    return "\n".join(lines) + "\n"


def _choices(profile: FileProfile, target: ColumnProfile, time: str | None) -> list[str]:
    cleaning: dict[str, Any] = {}
    if target.filled < target.rows:
        cleaning["missing_target"] = "drop"
    if time:
        cleaning["order_by"] = time
    is_regression = guess_task(target) == "regression"
    lines = [f"cleaning: {_flow(cleaning)}"] if cleaning else []
    if time:
        split = _flow({"method": "time", "by": time})
        lines.append(f"split: {split}  # the rows are ordered by it")
    elif not is_regression:
        lines.append("split: {method: stratified}  # the same shares of each class in every part")
    hidden = [32, 16] if profile.rows < SMALL else [64, 32] if profile.rows < LARGE else [256, 128]
    lines.append(f"model: {_flow({'kind': 'mlp', 'hidden': hidden})}  # by the number of rows")
    batch = 32 if profile.rows < SMALL else 128 if profile.rows < LARGE else 1024
    training = {"epochs": 30, "batch_size": batch}
    lines.append(f"training: {_flow(training)}  # early stopping ends it sooner")
    gate = "rmse" if is_regression else "log_loss"
    lines.append(f"promotion: {{compare: {gate}}}  # add `require`: what is good enough for you?")
    return lines


def _source(name: str, profile: FileProfile) -> dict[str, Any]:
    source: dict[str, Any] = {"kind": "file", "uri": f"{name}/{profile.path.name}"}
    if profile.format == "csv":
        if not profile.has_header:
            source["header"] = False
        if profile.separator != ",":
            source["separator"] = profile.separator
        source["missing"] = list(profile.missing)
    return source


def _flow(value: Any) -> str:
    """Write a value as YAML on one line; JSON is YAML, plain where it may be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and not _is_word_of_yaml(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_word_of_yaml(text: str) -> bool:
    return text.lower() in {"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"}


def _comment(text: str) -> str:
    """Keep a reason on its line, whatever the values it quotes hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


def describe_draft(spec: PipelineSpec) -> str:
    """Say in one line what was drafted."""
    kinds = [column.kind for column in spec.columns]
    counts = (f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return f"{spec.target.task} of {spec.target.column!r} from {', '.join(counts)}"
