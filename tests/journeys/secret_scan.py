"""Where secrets stand in what a stack leaves: in its files, and in both databases as bytes."""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from include.stack.environment import read_env_file
from tests.journeys.journey import Journey

GZIP = b"\x1f\x8b"
# Where the stack keeps its secrets, and nobody else may read.
KEPT = ("secrets.env", "signing.key", "airflow/passwords.json")


def list_secrets(journey: Journey) -> dict[str, str]:
    """List the secrets of a stack by name."""
    home = journey.settings.home
    secrets = read_env_file(home / "secrets.env")
    del secrets["GATEHOUSE_INSTALLATION"]  # a name, which runs are tagged with
    secrets["signing key"] = (home / "signing.key").read_text().strip()
    secrets["password"] = json.loads((home / "airflow" / "passwords.json").read_text())["admin"]
    secrets["token"] = journey.api.token
    return secrets


def find_secrets(home: Path, secrets: Mapping[str, str]) -> set[tuple[str, str]]:
    """Search logs, both databases with XComs and tags, artifacts, tables and the files of runs.

    Returns:
        Names of secrets, and the files below `home` that hold them.
    """
    kept = {home / place for place in KEPT}
    searched = [path for path in list_files(home) if path not in kept]
    return {
        (name, str(path.relative_to(home)))
        for path in searched
        for content in [read_plain(path)]
        for name, secret in secrets.items()
        if secret.encode() in content
    }


def list_files(home: Path) -> list[Path]:
    """List the files below a directory in which others may add and remove some meanwhile."""
    walked = (Path(place, name) for place, _, names in os.walk(home) for name in names)
    return [path for path in walked if path.is_file()]


def read_plain(path: Path) -> bytes:
    """Read a file as far as it is written, unpacked if it is packed; empty if it is gone."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    plain = b""
    while content.startswith(GZIP):  # one archive may follow another
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain += reader.decompress(content)
        content = reader.unused_data
    return plain + content
