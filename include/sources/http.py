"""Files behind http(s) addresses: fetched, revalidated, resumed where they broke off.

Where bodies lie, and for how long, is for `downloads.py` to say.
"""

import json
import logging
import time
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx

from include.errors import InfrastructureError, SourceError
from include.specs.sources import HttpSource
from include.tables.digests import digest_key

logger = logging.getLogger(__name__)
ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 0.5


class _BrokenOffError(Exception):
    """The connection ended before the body did; what arrived is kept."""


class DownloadPlace(NamedTuple):
    """Where the body of an address lies, the part of it that arrived, and the notes on both."""

    body: Path
    partial: Path
    notes: Path


def find_place(uri: str, directory: Path) -> DownloadPlace:
    """Return the place of an address; each has a directory of its own."""
    home = directory / digest_key(uri)
    home.mkdir(parents=True, exist_ok=True)
    return DownloadPlace(home / f"body{_endings(uri)}", home / "body.part", home / "headers.json")


def fetch(source: HttpSource, place: DownloadPlace, *, advice: str) -> Path:
    """Fetch a body unless it has not changed; a connection that breaks is tried again.

    Args:
        source: Address, timeout and largest size.
        place: Where the body comes to lie, and what is known of it.
        advice: What to tell a reader when the server does not answer.

    Returns:
        Where the body lies; it is not there if its digest is noted and it has not changed.

    Raises:
        SourceError: The server refuses, or the body is too large.
        InfrastructureError: The server cannot be reached or fails.
    """
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            return _fetch(source, place)
        except (httpx.TransportError, _BrokenOffError) as error:
            reason = f"{type(error).__name__}: {error}"
            logger.warning("download broke off (try %d of %d): %s", attempt + 1, ATTEMPTS, reason)
    raise InfrastructureError(
        f"expected {shown_address(source.uri)} to answer. Received: {reason[:200]}. {advice}"
    )


def load_notes(path: Path) -> dict[str, Any]:
    """Read notes on a download; none if there are none."""
    try:
        notes = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def shown_address(uri: str) -> str:
    """Write an address without user, password and query, which may hold secrets.

    Example:
        >>> shown_address("https://me:pw@host.org/a.csv?token=1")
        'https://host.org/a.csv'
    """
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _fetch(source: HttpSource, place: DownloadPlace) -> Path:
    body, partial, notes = place
    known = load_notes(notes)
    headers = {"Accept-Encoding": "identity", **_conditions(known, body, partial)}
    with httpx.stream(
        "GET",
        source.uri,
        headers=headers,
        timeout=source.timeout_seconds,
        follow_redirects=True,
    ) as response:
        is_known = body.exists() or known.get("digest")
        if response.status_code == httpx.codes.NOT_MODIFIED and is_known:
            logger.info("reused download of %s: not modified", shown_address(source.uri))
            return body
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            partial.unlink(missing_ok=True)
            raise _BrokenOffError("the part that arrived does not fit the file any more")
        _check_status(source, response)
        _receive(source, response, partial, notes)
    partial.replace(body)
    notes.write_text(json.dumps({**_validators(response), "is_whole": True}), "utf-8")
    logger.info("downloaded %s: %d bytes", shown_address(source.uri), body.stat().st_size)
    return body


def _receive(source: HttpSource, response: httpx.Response, partial: Path, notes: Path) -> None:
    is_continued = response.status_code == httpx.codes.PARTIAL_CONTENT
    size = partial.stat().st_size if is_continued and partial.exists() else 0
    announced = int(response.headers.get("content-length") or 0)
    _check_size(source, size + announced)
    notes.write_text(json.dumps({**_validators(response), "is_whole": False}), "utf-8")
    received = 0
    with partial.open("ab" if is_continued else "wb") as file:
        for chunk in response.iter_raw():
            received += len(chunk)
            _check_size(source, size + received)
            file.write(chunk)
    if announced and received < announced:
        raise _BrokenOffError(f"{received} of {announced} bytes arrived")


def _conditions(known: dict[str, Any], body: Path, partial: Path) -> dict[str, str]:
    """Ask for nothing if the cached file is current, or for the rest of a broken download."""
    validator = known.get("etag") or known.get("last_modified")
    if not validator:
        return {}
    if known.get("is_whole") and (body.exists() or known.get("digest")):
        name = "If-None-Match" if known.get("etag") else "If-Modified-Since"
        return {name: validator}
    # Only a strong validator promises that the rest belongs to the same bytes.
    if partial.exists() and not validator.startswith("W/"):
        return {"Range": f"bytes={partial.stat().st_size}-", "If-Range": validator}
    return {}


def _check_status(source: HttpSource, response: httpx.Response) -> None:
    if response.is_success:
        return
    message = (
        f"expected {shown_address(source.uri)} to give a file. "
        f"Received: HTTP {response.status_code} {response.reason_phrase}. "
    )
    if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise InfrastructureError(message + "Try again later.")
    raise SourceError(message + "Check source.uri and its rights.")


def _check_size(source: HttpSource, size: int) -> None:
    if size > source.max_bytes:
        raise SourceError(
            f"expected a file of at most {source.max_bytes} bytes. Received: {size} or more from "
            f"{shown_address(source.uri)}. Raise source.max_bytes if that is right."
        )


def _validators(response: httpx.Response) -> dict[str, str]:
    return {
        "etag": response.headers.get("etag", ""),
        "last_modified": response.headers.get("last-modified", ""),
    }


def _endings(uri: str) -> str:
    name = Path(urlsplit(uri).path).name
    return "".join(Path(name).suffixes[-2:])[:20]
