"""Files and directories that nobody but their owner can read, from their first byte on."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

# The bits that a process of the stack leaves out of whatever it creates.
OWNER_ONLY: Final = 0o077


def make_private_directory(path: Path) -> None:
    """Create a directory and what is missing above it, for the owner only, whatever the umask."""
    for each in (*reversed(path.parents), path):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def private_opener(path: str, flags: int) -> int:
    """Open a file as `open` would, but create it for the owner only."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Write a text file whole or not at all, for the owner only, whatever the umask."""
    make_private_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with open(temporary, "x", encoding="utf-8", opener=private_opener) as file:
        file.write(text)
    temporary.replace(path)


def read_or_make_secret(path: Path) -> str:
    """Read a secret from a file; the first who asks makes it up, for the owner only."""
    if not path.exists():
        own = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        write_private(own, secrets.token_hex(32) + "\n")
        # Of several that begin at once, one is first; the others take what it made.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(own)
        own.unlink()
    return path.read_text(encoding="utf-8").strip()
