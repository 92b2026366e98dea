"""Seals of model versions: made with a key that the MLflow server does not have.

Whoever may write to MLflow can replace files and the digest beside them, but cannot seal them. A
seal covers the digest of all files of a bundle, its golden rows, its name and its run; that of a
version also the decision by which it was promoted, so that no candidate becomes one without.
"""

import hashlib
import hmac
import json
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from include.errors import IntegrityError
from include.values.private_files import read_or_make_secret

if TYPE_CHECKING:
    from include.settings import Settings

logger = logging.getLogger(__name__)

SEAL: Final = "gatehouse.seal"
KEY_FILE: Final = "signing.key"
MIN_KEY: Final = 16


class Sealed(NamedTuple):
    """What a seal covers."""

    name: str
    run_id: str
    files: str
    golden: str
    decision: str = ""


def make_seal(settings: "Settings", content: Sealed) -> str:
    """Seal with the first key."""
    return _compute(_read_keys(settings)[0], content)


def check_seal(settings: "Settings", content: Sealed, seal: str, *, version: str) -> None:
    """Check a seal by every key that is accepted.

    Args:
        settings: Where the keys are.
        content: What was found, now.
        seal: What the registry gives as its seal.
        version: What is checked, for errors, e.g. `models:/digits/3`.

    Raises:
        IntegrityError: No key of ours made this seal for this content.
    """
    keys = _read_keys(settings)
    # All are compared, in constant time: how long it takes tells nothing.
    matches = [hmac.compare_digest(_compute(key, content).encode(), seal.encode()) for key in keys]
    if not any(matches):
        raise IntegrityError(
            f"{version} must be sealed by this installation, over its files, golden rows, name, "
            f"run and decision. Received: {'a seal that does not fit' if seal else 'no seal'}. "
            "Nothing of it was read or run. If an earlier release registered it, train again; if "
            "another GATEHOUSE_SIGNING_KEY sealed it, add that key behind the first; otherwise "
            "find out who can write to the MLflow server."
        )


def digest_sealed(content: bytes) -> str:
    """Digest a file that a seal covers, as it is stored: golden rows, a decision."""
    return hashlib.sha256(content).hexdigest()


def _compute(key: str, content: Sealed) -> str:
    text = json.dumps(["gatehouse version 1", *content])
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _read_keys(settings: "Settings") -> list[str]:
    given = settings.signing_key.get_secret_value()
    text = given or read_or_make_secret(settings.home / KEY_FILE)
    keys = [key.strip() for key in text.split(",")]
    if any(len(key) < MIN_KEY for key in keys):
        raise IntegrityError(
            f"GATEHOUSE_SIGNING_KEY must be keys of {MIN_KEY} characters or more, separated by "
            f"commas. Received: {len(keys)}, one of them shorter. Make one: openssl rand -hex 32"
        )
    return keys
