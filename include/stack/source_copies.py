"""Bring a local file to where runs may read it, with the test file that belongs to it."""

import contextlib
import filecmp
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from include.errors import ParamError, RoomError
from include.settings import Settings
from include.sources.file_lists import check_plain_path
from include.specs.pipeline import PipelineSpec
from include.specs.sources import FileSource
from include.values.private_files import make_private_directory, private_opener


def adopt_source(
    settings: Settings,
    spec: PipelineSpec,
    source: str,
    tell: Callable[[str], None],
    *,
    keep: bool = False,
) -> str:
    """Put a local file below the sources directory, and give the name that runs know it by.

    It gets a directory for the one it came from, so that two files of one name stay apart and
    scheduled runs go on with what they read. The test file, where the spec names one, always comes
    along from beside the file.

    Args:
        settings: Where sources lie.
        spec: The pipeline that will read it.
        source: A local path; a URI is given back as it is.
        tell: Called with a line for each copy.
        keep: Whether it becomes what the spec names: scheduled runs read it from now on.

    Raises:
        ParamError: The file or its test file is not there, the pipeline takes none, or it cannot
            be kept.
        SourceError: The spec's test file leads out of the sources directory.
    """
    if "://" in source:
        return source
    path = _locate(source)
    reads = _file_source(spec, source)
    files = [path, *_find_test_file(spec, reads, path)]
    root = Path(settings.sources.removeprefix("file://")).resolve()
    if path.is_relative_to(root) and not path.is_symlink() and not keep:
        return str(path.relative_to(root))
    place = _kept_place(reads, path) if keep else _own_place(spec, path)
    _check_local(settings, place, source)
    for file in files:
        beside = root / place.parent / file.relative_to(path.parent)
        _copy_if_changed(file, root / place if file == path else beside, tell)
    return str(place)


def _locate(source: str) -> Path:
    given = Path(source).expanduser()
    if not given.is_file():
        raise ParamError(
            f"SOURCE must be a file or a URI. Received: {source!r}, which is not there."
        )
    # A link stands for its target's rows, but its name and neighbours are its own.
    return given.parent.resolve() / given.name


def _file_source(spec: PipelineSpec, source: str) -> FileSource:
    if not isinstance(spec.source, FileSource):
        raise ParamError(
            f"only a pipeline whose source is of kind 'file' reads another file. "
            f"Received: SOURCE={source!r} for {spec.name}, whose source is of kind "
            f"{spec.source.kind!r}. Leave SOURCE out, or draft a pipeline for the file: "
            "gatehouse new NAME --from FILE --target COLUMN"
        )
    return spec.source


def _find_test_file(spec: PipelineSpec, reads: FileSource, path: Path) -> tuple[Path, ...]:
    """Find the test file beside the given one; one with a place of its own stays there."""
    name = reads.test_uri
    if not name or "://" in name or Path(name).is_absolute():
        return ()
    check_plain_path(name)
    found = path.parent / name
    if not found.is_file():
        raise ParamError(
            f"the test rows of {spec.name} must lie beside SOURCE, in {name}. "
            f"Received: no file {found}. Put it there, or change source.test_uri and split in the "
            "pipeline's file."
        )
    return (found,)


def _kept_place(reads: FileSource, path: Path) -> Path:
    named = Path(reads.uri)
    is_outside = "://" in reads.uri or named.is_absolute() or ".." in named.parts
    if is_outside or named.suffix != path.suffix:
        raise ParamError(
            f"a file that is kept must have the suffix of {reads.uri}, which must lie below the "
            f"sources directory. Received: {path.name}. Run it without --keep, or change "
            "source.uri in the pipeline's file."
        )
    return named


def _own_place(spec: PipelineSpec, path: Path) -> Path:
    origin = hashlib.sha256(os.fsencode(path.parent)).hexdigest()[:12]
    return Path(spec.name) / origin / path.name


def _check_local(settings: Settings, place: Path, source: str) -> None:
    if "://" in settings.sources.removeprefix("file://"):
        raise ParamError(
            f"SOURCE must be a URI where the data root is one. Received: {source!r}, with the "
            f"data root {settings.data}. Copy it to {settings.sources}/{place}, and give that "
            "as SOURCE."
        )


def _copy_if_changed(source: Path, target: Path, tell: Callable[[str], None]) -> None:
    # Size and time are not enough: another file of the same name may well have both.
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    tell(f"copying {source.name} ({source.stat().st_size / 1e6:.1f} MB) to {target.parent}")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        make_private_directory(target.parent)
        with source.open("rb") as rows, open(temporary, "xb", opener=private_opener) as copy:
            shutil.copyfileobj(rows, copy)
        os.utime(temporary, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
        temporary.replace(target)
    except OSError as error:
        raise RoomError(
            f"{source.name} must be readable and {target.parent} writable, with room for "
            f"{source.stat().st_size / 1e6:.1f} MB. Received: {error}. Correct rights or room, or "
            "set GATEHOUSE_DATA_ROOT to another place."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
