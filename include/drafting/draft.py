"""Write a first pipeline file, with the reason beside every guess."""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from include.drafting.file_form import FileForm, FormHints, find_form
from include.drafting.guesses import LISTED_VALUES, guess_task
from include.drafting.leaks import find_draft_leaks
from include.drafting.order import Hints, find_order
from include.drafting.profile import FileProfile
from include.drafting.profiling import profile_copy
from include.drafting.rendering import Findings, find_target, render_draft
from include.drafting.text_copy import copy_as_text
from include.errors import SourceError, SpecError
from include.specs.json_schema import SCHEMA_FILE, render_schema
from include.specs.loader import load_pipeline_spec
from include.specs.pipeline import NAME_PATTERN, PipelineSpec
from include.values.duck import open_duckdb

# Leaks can hide others: a column that copies the target hides two whose sum it is.
MAX_ROUNDS: Final = 3
MAX_DOUBTS: Final = 20
DOUBT: Final = re.compile(r"CHECK|LEAK\?|PERSONAL\?|dropped|split|part|equal")


def draft_pipeline(
    name: str,
    source: Path,
    target: str,
    directory: Path,
    *,
    hints: Hints | None = None,
    form_hints: FormHints | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Profile a file and write `<directory>/<name>.yaml`.

    Args:
        name: Name of the new pipeline.
        source: The file to learn from.
        target: The column to predict.
        directory: Where pipeline files lie.
        hints: What a person knows better of the rows.
        form_hints: What a person knows better of how the file is written.
        tell: Is told how far it is.

    Returns:
        The file that was written; it loads, and nothing in it needs an edit to train.

    Raises:
        SpecError: The name is not one, or its file is there already.
        SourceError: The source cannot be profiled, or its target not be learned.
        SchemaError: Two of its columns have the same name.
    """
    path = _find_place(name, directory)
    if not source.is_file() or source.stat().st_size == 0:
        raise SourceError(
            f"--from must name a file with rows. Received: {str(source)!r}. Check the path."
        )
    hints = hints or Hints()
    if hints.task not in {None, "classification", "regression"}:
        raise SpecError(
            f"--task must be classification or regression. Received: {hints.task!r}. Leave it out "
            "to have it guessed."
        )
    form = find_form(source, target, form_hints or FormHints())
    _check_hints(form, target, hints)
    with TemporaryDirectory(prefix="gatehouse-draft-") as work, open_duckdb(memory_mb=1024) as duck:
        copy = copy_as_text(form, Path(work), lambda rows: tell(f"{rows:,} rows read"))
        profile = profile_copy(duck, form, copy, target, tell)
        _check_can_be_learned(profile, target, hints)
        text = _draft_without_leaks(name, profile, target, hints)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".draft")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
    path.with_name(SCHEMA_FILE).write_text(render_schema(), encoding="utf-8")
    return path


def describe_draft(spec: PipelineSpec) -> str:
    """Say in one line what was drafted."""
    kinds = [column.kind for column in spec.columns]
    counts = (f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return f"{spec.target.task} of {spec.target.column!r} from {', '.join(counts)}"


def list_doubts(text: str) -> list[str]:
    """List what of a draft wants to be looked at, from its comments; the first of many."""
    doubts = []
    for line in text.splitlines()[3:]:
        body, mark, comment = line.partition("  # ")
        if line.startswith("# "):
            doubts.append(line[2:])
        elif mark and DOUBT.search(comment):
            name = re.search(r"name: (\"[^\"]*\"|[^,}]*)", body)
            doubts.append(f"{name[1] if name else body.split(':')[0]}: {comment}")
    more = len(doubts) - MAX_DOUBTS
    return [*doubts[:MAX_DOUBTS], *([f"and {more} more in the file"] if more > 0 else [])]


def _find_place(name: str, directory: Path) -> Path:
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
    return path


def _draft_without_leaks(name: str, profile: FileProfile, target: str, hints: Hints) -> str:
    """Draft, let the draft's own split and check find leaks, and draft again without them."""
    order = find_order(profile, target, hints)
    findings = Findings()
    for _ in range(MAX_ROUNDS):
        text = render_draft(name, profile, target, order, hints, findings)
        spec = _load(name, text, profile.copy.path.parent)
        leaks, warning = find_draft_leaks(spec, profile.copy, profile.unfit)
        findings = findings._replace(warning=warning)
        if not leaks.keys() - findings.only.keys():
            break
        features = {column.name for column in spec.feature_columns} - {order.series, order.time}
        if features <= leaks.keys():
            findings = findings._replace(only=leaks)
            break
        findings = findings._replace(leaks={**findings.leaks, **leaks})
    final = render_draft(name, profile, target, order, hints, findings)
    if final != text:
        _load(name, final, profile.copy.path.parent)
    return final


def _check_hints(form: FileForm, target: str, hints: Hints) -> None:
    for option, name in (("--time", hints.time), ("--group", hints.group)):
        if name is not None and (name not in form.columns or name == target):
            raise SourceError(
                f"{option} must name a column beside the target. Received: {name!r}; columns: "
                f"{list(form.columns[:50])}."
            )


def _load(name: str, text: str, directory: Path) -> PipelineSpec:
    path = directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_pipeline_spec(path)


def _check_can_be_learned(profile: FileProfile, target: str, hints: Hints) -> None:
    column = find_target(profile, target)
    place = f"{target!r} of {profile.file_name}"
    if column.distinct <= 1:
        found = "one value only" if column.filled else "no value in any row"
        raise SourceError(
            f"--target must name a column of at least two values. Received: {place}, which has "
            f"{found}. Name another column, or a file with all outcomes in it."
        )
    is_spread = column.distinct > max(LISTED_VALUES, column.filled / 2)
    if column.distinct > LISTED_VALUES and (column.clocks == column.filled or column.time):
        kind = "times" if column.time else "durations"
        raise SourceError(
            f"--target must name a column of numbers or of classes. Received: {place}, which has "
            f"{kind}. Write them as numbers: seconds, or days from a day that is known."
        )
    if column.is_nested or (is_spread and guess_task(column, hints)[0] == "classification"):
        found = f"{column.distinct} different values in {column.filled} rows, which are no numbers"
        if column.numbers:
            found = found.replace("which are no", f"of which {column.numbers} are")
        raise SourceError(
            "--target must name a column of numbers, or of classes that occur again and again. "
            f"Received: {place}, which has {found}. Name another column, or write its numbers "
            "with a decimal point and nothing else."
        )
