"""Write a first pipeline file, with the reason beside every guess."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from include.drafting.file_form import find_form
from include.drafting.guesses import LISTED_VALUES, describe_numbers, guess_task
from include.drafting.leaks import find_draft_leaks
from include.drafting.profile import FileProfile, profile_copy
from include.drafting.rendering import find_target, render_draft
from include.drafting.text_copy import TextCopy, copy_as_text
from include.errors import SourceError, SpecError
from include.specs.loader import load_pipeline_spec
from include.specs.pipeline import NAME_PATTERN, PipelineSpec


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
        SourceError: The source cannot be profiled, or its target not be learned.
        SchemaError: Two of its columns have the same name.
    """
    path = _find_place(name, directory)
    if not source.is_file() or source.stat().st_size == 0:
        raise SourceError(
            f"--from must name a file with rows. Received: {str(source)!r}. Check the path."
        )
    form = find_form(source, target)
    with TemporaryDirectory(prefix="gatehouse-draft-") as work:
        copy = copy_as_text(form, Path(work))
        profile = profile_copy(form, copy, target)
        _check_can_be_learned(profile, target)
        text = _draft_without_leaks(name, profile, target, copy)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".draft")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
    return path


def describe_draft(spec: PipelineSpec) -> str:
    """Say in one line what was drafted."""
    kinds = [column.kind for column in spec.columns]
    counts = (f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return f"{spec.target.task} of {spec.target.column!r} from {', '.join(counts)}"


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


def _draft_without_leaks(name: str, profile: FileProfile, target: str, copy: TextCopy) -> str:
    """Draft, let the draft's own split and check find leaks, and draft again without them."""
    spec = _load(name, render_draft(name, profile, target), copy.path.parent)
    leaks, warning = find_draft_leaks(spec, copy, profile.missing)
    text = render_draft(name, profile, target, leaks=leaks, warning=warning)
    _load(name, text, copy.path.parent)
    return text


def _load(name: str, text: str, directory: Path) -> PipelineSpec:
    path = directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_pipeline_spec(path)


def _check_can_be_learned(profile: FileProfile, target: str) -> None:
    column = find_target(profile, target)
    place = f"{target!r} of {profile.file_name}"
    if column.distinct <= 1:
        found = "one value only" if column.filled else "no value in any row"
        raise SourceError(
            f"--target must name a column of at least two values. Received: {place}, which has "
            f"{found}. Name another column, or a file with all outcomes in it."
        )
    is_spread = column.distinct > max(LISTED_VALUES, column.filled / 2)
    if column.is_nested or (is_spread and guess_task(column) == "classification"):
        found = describe_numbers(column) or f"{column.distinct} texts in {column.filled} rows"
        raise SourceError(
            "--target must name a column of numbers, or of classes that occur again and again. "
            f"Received: {place}, which has {found}. Name another column, or write its numbers "
            "with a decimal point and nothing else."
        )
