"""Downloads with personal data: their bodies go as soon as they have been read.

What stays of a file are its validators and its digest, by which it is known again if the server
says that it has not changed.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.sources.http import fetch, find_place, load_notes
from include.specs.sources import HttpSource
from include.tables.leftovers import name_temporary, remove_leftovers

NOTES = "private.json"


@contextmanager
def open_scratch(directory: Path) -> Iterator[Path]:
    """Give a directory for bodies that is removed at the block's end.

    It lies where downloads lie, for there is room, and is named after its process, so that what
    a killed process left goes with the next call.

    Args:
        directory: The cache of downloads.
    """
    directory.mkdir(parents=True, exist_ok=True)
    remove_leftovers(directory)
    scratch = directory / name_temporary()
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def download_private(
    source: HttpSource, directory: Path, scratch: Path, *, needs_body: bool
) -> Path | str:
    """Bring a file into the scratch directory, or find that it is the one read before.

    Args:
        source: Address, timeout and largest size.
        directory: The cache; a body that it still has from before the contract named private
            columns is removed.
        scratch: Where the body comes to lie.
        needs_body: Whether an unchanged file is fetched all the same.

    Returns:
        The local file, or the digest of the unchanged file.

    Raises:
        SourceError: The server refuses, or the body is too large.
        InfrastructureError: The server cannot be reached or fails; trying again may help.
    """
    for old in find_place(source.uri, directory):
        old.unlink(missing_ok=True)
    place = find_place(source.uri, scratch)
    known = {} if needs_body else load_notes(_find_notes(source, directory))
    if not place.body.exists():
        place.notes.write_text(json.dumps(known), "utf-8")
    body = fetch(source, place, advice="Try again later.")
    return body if body.exists() else str(known["digest"])


def remember_digest(source: HttpSource, directory: Path, scratch: Path, digest: str) -> None:
    """Note the digest of a body in the cache, beside its validators, before the body goes."""
    validators = load_notes(find_place(source.uri, scratch).notes)
    text = json.dumps({**validators, "digest": digest})
    _find_notes(source, directory).write_text(text, "utf-8")


def _find_notes(source: HttpSource, directory: Path) -> Path:
    return find_place(source.uri, directory).notes.with_name(NOTES)
