"""What becomes of an error of disk, memory or object store: one that tells what to do."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.errors import InfrastructureError, RoomError

# Where the clients of object stores define what they raise besides OSError.
CLIENTS: Final = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure")
# What Python says of temporary directories that are all full or closed.
NO_TEMPORARY: Final = "No usable temporary directory"
# What to do about memory.
NEEDS_LESS: Final = (
    "A run with fewer rows (row_limit), a smaller batch_size or fewer units needs less; "
    "`gatehouse forecast NAME --rows N` tells how much."
)
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def explain_storage_errors(directory: str) -> Iterator[None]:
    """Explain a full disk or memory, and turn what object stores' clients raise into one error.

    What they raise as `OSError`, such as a missing object, is left to who knows what it means.

    Args:
        directory: Where the block writes, unless the error names a file itself.

    Raises:
        RoomError: No room is left on a disk or in memory.
        InfrastructureError: The object store does not answer, or lets nobody in.
    """
    try:
        yield
    except RoomError:  # explained already, nearer to where it happened
        raise
    except OSError as error:
        if NO_TEMPORARY in str(error):
            raise RoomError(
                f"expected room for temporary files. Received: {error.strerror}. Remove what is no "
                "longer needed there, or set TMPDIR to a larger disk; then clear the task."
            ) from error
        if error.errno not in FULL:
            raise
        raise explain_full_disk(error, directory) from error
    except MemoryError as error:
        raise explain_full_memory(error) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise explain_full_memory(error) from error
        if type(error).__module__.partition(".")[0] not in CLIENTS:
            raise
        raise InfrastructureError(
            f"expected an answer of the object store. Received: {type(error).__name__}: "
            f"{str(error)[:300]}. See whether it is up, and check its address and credentials in "
            "the environment (for s3:// AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …)."
        ) from error


def explain_full_disk(error: OSError, directory: str) -> RoomError:
    """Say where room is missing, how much there is and what to do; no half file is left.

    An error that names no file may as well be of a temporary one: then it is the fuller place.
    """
    named = [error.filename] if error.filename else [directory, tempfile.gettempdir()]
    free, place = min((_free_bytes(Path(str(each))), str(each)) for each in named)
    notes = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
    return RoomError(
        f"expected room to write at {place}.{notes} Received: {error.strerror}, with {free} bytes "
        "free there. Remove what is no longer needed, or set GATEHOUSE_DATA_ROOT, GATEHOUSE_HOME "
        "or, for temporary files, TMPDIR to a larger disk; then clear the task."
    )


def _free_bytes(place: Path) -> int:
    existing = next((each for each in (place, *place.parents) if each.exists()), Path("/"))
    return shutil.disk_usage(existing).free


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether DuckDB, JAX, Arrow or a thread found no memory; each has words of its own."""
    return (
        type(error).__name__ == "OutOfMemoryException"
        or "RESOURCE_EXHAUSTED" in str(error)
        or "can't start new thread" in str(error)
        or _is_unwrapped(error)
    )


def _is_unwrapped(error: BaseException) -> bool:
    """Tell whether Arrow found no memory for a Python object; its message quotes the value."""
    return type(error).__name__ == "ArrowException" and "Wrapping" in str(error)


def explain_full_memory(error: BaseException) -> RoomError:
    """Say what a step that ran out of memory can do with less."""
    said = "no room for a value" if _is_unwrapped(error) else str(error)[:300]
    return RoomError(
        "expected memory enough for the step. Received: "
        f"{type(error).__name__}: {said}. {NEEDS_LESS}"
    )
