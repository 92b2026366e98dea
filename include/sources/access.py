"""Which files a source typed at run time may name: those inside the allowed places."""

from collections.abc import Sequence
from pathlib import Path

from upath import UPath

from include.errors import SourceError
from include.sources.file_lists import check_plain_path, directory_of, expand_path
from include.specs.sources import FileSource, HttpSource
from include.values.showing import shorten


def check_files_allowed(
    source: FileSource | HttpSource, allowed_roots: Sequence[str], sources_root: str
) -> None:
    """Check the files of a source whose `uri` was given at run time.

    Args:
        source: The source; a relative `test_uri` starts beside `uri`, so it is checked, too.
        allowed_roots: Directories or URI prefixes; relative paths start at the first.
        sources_root: Where relative paths of the pipeline's file start.

    Raises:
        SourceError: Any of them leads somewhere else.
    """
    check_source_allowed(source.uri, allowed_roots)
    beside = source.test_uri if isinstance(source, FileSource) else None
    if beside is not None and "://" not in beside and not beside.startswith("/"):
        check_source_allowed(f"{directory_of(source.uri, sources_root)}/{beside}", allowed_roots)


def check_source_allowed(uri: str, allowed_roots: Sequence[str]) -> str:
    """Check a source given at run time: it must lie inside one of the allowed places.

    Args:
        uri: Path or URI, as a person typed it.
        allowed_roots: Directories or URI prefixes; relative paths start at the first.

    Returns:
        The path with every symbolic link resolved, or the URI as given.

    Raises:
        SourceError: It is too long, has tricks in it, or leads somewhere else.
    """
    check_plain_path(uri)
    if "://" in uri and not uri.startswith("file://"):
        if any(uri.startswith(f"{root.rstrip('/')}/") for root in allowed_roots if "://" in root):
            return uri
        raise _forbidden(uri, allowed_roots)
    path = uri.removeprefix("file://")
    first = next((root for root in allowed_roots if "://" not in root), None)
    if first is None:
        if not path.startswith("/") and allowed_roots:
            return uri
        raise _forbidden(uri, allowed_roots)
    # A glob is checked by the directory that its pattern starts in.
    resolved = (Path(first) / path).resolve()
    for root in allowed_roots:
        if "://" not in root and resolved.is_relative_to(Path(root).resolve()):
            _check_matches(resolved, Path(root).resolve(), uri, allowed_roots)
            return str(resolved)
    raise _forbidden(uri, allowed_roots)


def _check_matches(resolved: Path, root: Path, uri: str, allowed_roots: Sequence[str]) -> None:
    """Follow the links of everything that a pattern or directory stands for."""
    matches, _ = expand_path(UPath(resolved))
    if any(not Path(one).resolve().is_relative_to(root) for one in matches):
        raise _forbidden(uri, allowed_roots)


def _forbidden(uri: str, allowed_roots: Sequence[str]) -> SourceError:
    return SourceError(
        f"a source must lie inside one of {[shorten(root, 200) for root in allowed_roots]}. "
        f"Received: {shorten(uri, 120)}. Copy it there, or add its directory to "
        "GATEHOUSE_SOURCE_ROOTS."
    )
