"""Go back: an earlier version becomes the champion again, checked, with a reason and a name."""

import logging

from include.errors import ParamError
from include.records import PromoteRecord
from include.serving.champion import load_served
from include.settings import load_settings
from include.tracking.aliases import PREVIOUS, find_champion, move_champion, require_champion

logger = logging.getLogger(__name__)


def rollback(
    name: str, *, to: str = "", instead_of: str = "", reason: str, by: str
) -> PromoteRecord:
    """Make an earlier version the champion; the one that it replaces becomes `previous`.

    Its files must match their seal, and by the installed project it must answer its golden rows
    as in its run. Whatever fails, the champion stays. The next candidate on any data asks a
    person, so that no schedule undoes what a person did.

    Args:
        name: Name of the registered model.
        to: The version; the alias `previous` unless given.
        instead_of: Go back only while this version is champion; from whichever unless given.
        reason: Why; it stands in the alias's history.
        by: Who goes back.

    Raises:
        ParamError: There is no champion, no reason, or nothing to go back to.
        PromotionError: The version's files are not those that were sealed, or it answers
            otherwise, or somebody else moved the alias meanwhile.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    if not reason.strip():
        raise ParamError("a reason is kept with every way back. Received: none. Say why.")
    champion = require_champion(settings, name)
    if instead_of and instead_of != champion.version:
        raise ParamError(
            f"expected version {instead_of} of {name} still to be champion. Received: version "
            f"{champion.version}, which stays."
        )
    previous = find_champion(settings, name, PREVIOUS)
    target = to or (previous.version if previous else "")
    if target in {"", champion.version}:
        raise ParamError(
            f"expected a version of {name} other than the champion, {champion.version}. Received: "
            f"{target or 'none, and there is no previous one'}. Name one with --to; MLflow lists "
            "them."
        )
    load_served(settings, name, target)
    move_champion(
        settings,
        name,
        target,
        expected_current=champion.version,
        by=by,
        rolled_back=reason.strip(),
    )
    told = f"version {target} is champion again, before it {champion.version}: {reason.strip()}"
    logger.info("%s: %s", name, told)
    return PromoteRecord(
        is_promoted=True, version=target, previous_version=champion.version, reason=told[:500]
    )
