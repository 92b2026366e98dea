"""What becomes of an error of an object store: one of ours, which tells what to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from include.errors import InfrastructureError

# Where the clients of object stores define what they raise besides OSError.
CLIENTS: Final = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure")


@contextmanager
def object_store_calls() -> Iterator[None]:
    """Turn the exceptions of object stores' clients into one.

    What they raise as `OSError`, such as a missing object, is left to who knows what it means.

    Raises:
        InfrastructureError: The object store does not answer, or lets nobody in.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in CLIENTS:
            raise
        raise InfrastructureError(
            f"expected an answer of the object store. Received: {type(error).__name__}: "
            f"{str(error)[:300]}. See whether it is up, and check its address and credentials in "
            "the environment (for s3:// AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …)."
        ) from error
