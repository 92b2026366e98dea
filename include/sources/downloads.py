"""The place that downloads: each address is asked once, and personal data do not stay.

Bodies lie in a cache, where they are found again if the server says that they have not changed.
Where the contract has private columns a body lies in a directory that goes as soon as the rows
have been read; what stays are its validators and its digest, by which it is known again.
"""

import hashlib
import json
import shutil
from pathlib import Path
from tempfile import gettempdir
from typing import Final, Self

from include.sources.http import DownloadPlace, fetch, find_place, load_notes
from include.specs.sources import HttpSource
from include.tables.leftovers import name_temporary, remove_leftovers

PRIVATE_NOTES: Final = "private.json"


class Downloads:
    """Brings files behind http(s) addresses to this machine, while its `with` block lasts."""

    def __init__(self, directory: str, *, is_private: bool) -> None:
        """Name the cache, and its policy.

        Args:
            directory: The cache; in the temporary directory if it is no local path.
            is_private: Whether bodies are personal data.
        """
        is_remote = "://" in directory
        self._cache = Path(gettempdir()) / "gatehouse/downloads" if is_remote else Path(directory)
        self._is_private = is_private
        self._scratch: Path | None = None
        self._bodies: dict[str, Path] = {}
        self._digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Begin to download; nothing is asked for yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what must not stay."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch, self._bodies, self._digests = None, {}, {}

    def find_digest(self, source: HttpSource) -> str:
        """Give the digest of a file; one with personal data that is unchanged is not fetched.

        Raises:
            SourceError: The server refuses, or the body is too large.
            InfrastructureError: The server cannot be reached or fails; trying again may help.
        """
        if source.uri not in self._digests:
            self._bring(source, needs_body=not self._is_private)
        return self._digests[source.uri]

    def find_body(self, source: HttpSource) -> Path:
        """Give the local file, with the ending of the address.

        Raises:
            SourceError: The server refuses, or the body is too large.
            InfrastructureError: The server cannot be reached or fails; trying again may help.
        """
        if source.uri not in self._bodies:
            self._bring(source, needs_body=True)
        return self._bodies[source.uri]

    def _bring(self, source: HttpSource, *, needs_body: bool) -> None:
        kept = find_place(source.uri, self._cache)
        if not self._is_private:
            advice = "Try again later; what has arrived is kept and continued."
            self._take(source, fetch(source, kept, advice=advice))
            return
        for old in kept:
            old.unlink(missing_ok=True)
        place = find_place(source.uri, self._open_scratch())
        notes = kept.notes.with_name(PRIVATE_NOTES)
        known = {} if needs_body else load_notes(notes)
        place.notes.write_text(json.dumps(known), "utf-8")
        body = fetch(source, place, advice="Try again later.")
        if body.exists():
            self._take(source, body)
            _remember(notes, place, self._digests[source.uri])
        else:
            self._digests[source.uri] = str(known["digest"])

    def _take(self, source: HttpSource, body: Path) -> None:
        self._bodies[source.uri] = body
        with body.open("rb") as file:
            self._digests[source.uri] = hashlib.file_digest(file, "sha256").hexdigest()

    def _open_scratch(self) -> Path:
        """Make a directory for bodies, named after its process: what it leaves if killed goes next.

        It lies where downloads lie, for there is room.
        """
        if self._scratch is None:
            remove_leftovers(self._cache)
            self._scratch = self._cache / name_temporary()
            self._scratch.mkdir(mode=0o700)
        return self._scratch


def _remember(notes: Path, place: DownloadPlace, digest: str) -> None:
    """Note the digest of a body beside its validators, before the body goes."""
    notes.write_text(json.dumps({**load_notes(place.notes), "digest": digest}), "utf-8")
