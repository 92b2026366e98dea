"""One digest for all files of a model, by which it is recognised before it is loaded."""

import hashlib
from pathlib import Path
from typing import Final

from include.errors import IntegrityError

# MLflow writes it into a directory as it downloads; it is no part of the model.
DOWNLOAD_NOTE: Final = "registered_model_meta"


def digest_directory(directory: Path) -> str:
    """Digest the names and contents of all files below a directory, in name order.

    Args:
        directory: The directory of a model.

    Returns:
        SHA-256 in hexadecimal.

    Raises:
        IntegrityError: There is something else than plain files and directories.
    """
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*"), key=lambda item: item.relative_to(directory).parts):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise IntegrityError(
                "a model consists of plain files only. "
                f"Received: {path.relative_to(directory)}. Train and register it again."
            )
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name != DOWNLOAD_NOTE:
            total.update(f"{len(name)}:{name}:{digest_file(path)}\n".encode())
    return total.hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
