"""Which paths a source may name: a spec's stay plain, those typed at run time stay inside."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from include.errors import SourceError
from include.tables.batches import shorten

MAX_URI: Final = 1_000


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


def check_plain_path(uri: str) -> None:
    """Refuse paths that mean something else than they say.

    Raises:
        SourceError: Longer than 1,000 characters, with control characters, `..`, a home
            directory, or any of these written with percent signs.
    """
    written = unquote(unquote(uri)).replace("\\", "/")
    has_control = any(ord(char) < 32 or ord(char) == 127 for char in written)
    climbs = ".." in written.split("/") or written.startswith("~")
    is_encoded = "://" not in uri and re.search(r"%(2e|2f|5c|00|25)", uri, re.IGNORECASE)
    if not uri.strip() or len(uri) > MAX_URI or has_control or climbs or is_encoded:
        raise SourceError(
            f"a source path must be plain: at most {MAX_URI} characters, no `..`, no control "
            f"characters, no percent codes. Received: {shorten(uri, 120)}. "
            "Name a file below the sources directory."
        )


def _check_matches(resolved: Path, root: Path, uri: str, allowed_roots: Sequence[str]) -> None:
    """Follow the links of everything that a pattern or directory stands for."""
    matches = [Path(one) for one in glob.glob(str(resolved), recursive=True)]  # noqa: PTH207
    inner = (one for match in matches if match.is_dir() for one in match.rglob("*"))
    if any(not one.resolve().is_relative_to(root) for one in [*matches, *inner]):
        raise _forbidden(uri, allowed_roots)


def _forbidden(uri: str, allowed_roots: Sequence[str]) -> SourceError:
    return SourceError(
        f"a source must lie inside one of {[shorten(root, 200) for root in allowed_roots]}. "
        f"Received: {shorten(uri, 120)}. Copy it there, or add its directory to "
        "GATEHOUSE_SOURCE_ROOTS."
    )
