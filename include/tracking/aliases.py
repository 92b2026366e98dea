"""The aliases `champion` and `previous` of a registered model: looked up, and moved with care.

MLflow moves an alias for whoever asks last. Here it is read before and after the move, so that a
candidate never replaces a champion that it was not compared with, and every move is written down.
On one machine moves wait for each other. Of two on different machines that meet within the moment
between reading and moving, one at least finds out, by the history or by the alias, and gives way.
"""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from include.errors import ParamError, PromotionError
from include.tracking.alias_history import (
    BY_HAND,
    AliasMove,
    explain_change,
    is_absent,
    read_moves,
    write_move,
)
from include.tracking.connection import connect, tracking_calls
from include.values.lock_files import hold_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from include.settings import Settings

logger = logging.getLogger(__name__)

CHAMPION: Final = "champion"
PREVIOUS: Final = "previous"
BUNDLE: Final = "gatehouse.bundle"
STATUS: Final = "gatehouse.status"
SPLIT: Final = "gatehouse.split"
FORMER: Final = "former"
# A move is some calls to MLflow, each of which waits for less than that.
LOCK_SECONDS: Final = 240


class ChampionRef(NamedTuple):
    """The version behind an alias."""

    version: str
    run_id: str
    uri: str
    bundle_uri: str = ""
    split: str = ""


def find_champion(settings: "Settings", name: str, alias: str = CHAMPION) -> ChampionRef | None:
    """Look up the version behind an alias; None where there is none.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        alias: `champion` or `previous`.
    """
    with tracking_calls(settings.mlflow):
        found = _version_of_alias(connect(settings), name, alias)
    if found is None:
        return None
    version = str(found.version)
    uri = f"models:/{name}/{version}"
    return ChampionRef(
        version, found.run_id or "", uri, found.tags.get(BUNDLE, ""), found.tags.get(SPLIT, "")
    )


def find_version(settings: "Settings", name: str, version: str) -> "ModelVersion | None":
    """Look up a version by its number; None where there is none of it."""
    from mlflow.exceptions import MlflowException

    if not version.isdecimal():
        return None
    with tracking_calls(settings.mlflow):
        try:
            return connect(settings).get_model_version(name, version)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None


def find_run_of_version(settings: "Settings", name: str, version: str) -> str:
    """Look up the MLflow run that made a version; empty where the version is gone."""
    found = find_version(settings, name, version)
    return str(found.run_id or "") if found else ""


def require_champion(settings: "Settings", name: str) -> ChampionRef:
    """Look up the champion that something is asked of.

    Raises:
        ParamError: There is none.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    found = find_champion(settings, name)
    if found is None:
        raise ParamError(
            f"{name} must have a champion. Received: none. Train one: make run PIPELINE={name}"
        )
    return found


def find_replaced(settings: "Settings", name: str, version: str) -> str:
    """Look up the version that a champion replaced by its promotion.

    Empty for a first champion, and for one that somebody went back to.
    """
    with tracking_calls(settings.mlflow):
        moves = read_moves(connect(settings), name)
    last = moves[-1] if moves else None
    return last.before if last and last.after == version and not last.rolled_back else ""


def require_version(settings: "Settings", name: str, wanted: str) -> str:
    """Give the number of a version, or of that behind an alias.

    Raises:
        ParamError: There is none.
    """
    if wanted.isdecimal():
        return wanted
    found = require_champion(settings, name) if wanted == CHAMPION else None
    found = found or find_champion(settings, name, wanted)
    if found is None:
        raise ParamError(f"expected a version of {name}. Received: {wanted}, which names none.")
    return found.version


def settle_disturbance(settings: "Settings", name: str, *, seen_by: str) -> str:
    """Say what happened to the alias `champion` behind the project's back; empty if nothing did.

    Somebody may have moved it by hand in MLflow, or deleted it with its version. A model without
    a champion that once had one is not a model that never had one. What was done is written down
    as a move, and the versions say `champion` and `former` accordingly.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        seen_by: The run that looks.
    """
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        moves, current = read_moves(client, name), _number_of_alias(client, name, CHAMPION) or ""
        if moves and moves[-1].after != current:
            by = f"{BY_HAND}, seen by {seen_by}"
            write_move(client, name, before=moves[-1].after, after=current, by=by)
            previous = _number_of_alias(client, name, PREVIOUS) or ""
            _settle_statuses(
                client, name, champion=current, previous="" if previous == current else previous
            )
    return explain_change(moves, current)


def move_champion(
    settings: "Settings",
    name: str,
    version: str,
    *,
    expected_current: str | None,
    by: str = "gatehouse",
    rolled_back: str = "",
) -> str:
    """Point `champion` to a version, and `previous` to the one it replaces.

    Safe to repeat: where the version is champion already, nothing changes.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version to promote.
        expected_current: Version that was champion when this one was judged; None for none.
        by: Who moves it: a run, and whether a person said yes.
        rolled_back: Why it goes back to an earlier version; empty if it does not.

    Returns:
        Version of `previous` after the move; empty if there is none.

    Raises:
        PromotionError: Another version became champion in the meantime.
    """
    client = connect(settings)
    # Moves on one machine wait for each other.
    lock = settings.home / "run" / f"alias-{name}.lock"
    doing = f"moving the alias of {name}"
    with (
        hold_lock(lock, doing, logger.info, timeout=LOCK_SECONDS),
        tracking_calls(settings.mlflow),
    ):
        # Before the alias: whoever moves it after it was read here writes that down later still.
        moves = read_moves(client, name)
        current = _number_of_alias(client, name, CHAMPION)
        if current != version:
            check_champion_unchanged(name, expected=expected_current, current=current)
            # First `previous`: a crash between the two calls then loses nothing.
            if current is not None:
                client.set_registered_model_alias(name, PREVIOUS, current)
            client.set_registered_model_alias(name, CHAMPION, version)
            _give_way(client, name, version, moves)
            logger.info("%s: champion is version %s, before it %s", name, version, current)
        previous = _number_of_alias(client, name, PREVIOUS) or ""
        if current != version or not moves or moves[-1].after != version:
            before = previous if current == version else current or ""
            said = {"by": by, "rolled_back": rolled_back}
            write_move(client, name, before=before, after=version, **said)
            # After the history: of two that did not see each other's there, the first sees this.
            after = _number_of_alias(client, name, CHAMPION)
            check_champion_unchanged(name, expected=version, current=after)
        _settle_statuses(client, name, champion=version, previous=previous)
    return previous


def _give_way(
    client: "MlflowClient", name: str, version: str, known: tuple[AliasMove, ...]
) -> None:
    """Undo a move of the alias to a version, if another was made and written down meanwhile.

    Raises:
        PromotionError: It was, on another machine.
    """
    found = read_moves(client, name)
    if found == known or found[-1].after == version:
        return
    last = found[-1]
    client.set_registered_model_alias(name, CHAMPION, last.after)
    if last.before:
        client.set_registered_model_alias(name, PREVIOUS, last.before)
    raise _changed(name, expected=known[-1].after if known else None, current=last.after)


def check_champion_unchanged(name: str, *, expected: str | None, current: str | None) -> None:
    """Refuse to go on when somebody else moved the alias.

    Raises:
        PromotionError: It is not the version that was expected.
    """
    if (expected or None) != current:
        raise _changed(name, expected=expected, current=current)


def _changed(name: str, *, expected: str | None, current: str | None) -> PromotionError:
    return PromotionError(
        f"the champion of {name} must still be version {expected or 'none'}, which the "
        f"candidate was compared with. Received: version {current or 'none'}. Clear the task "
        "`evaluate` with those after it: the candidate is then judged against the new one."
    )


def _settle_statuses(client: "MlflowClient", name: str, *, champion: str, previous: str) -> None:
    """Let one version say `champion`, one `previous`, and those that said so before `former`."""
    for status in (CHAMPION, PREVIOUS):
        said = client.search_model_versions(f"name = '{name}' and tags.`{STATUS}` = '{status}'")
        for each in said:
            if str(each.version) not in {champion, previous}:
                set_status(client, name, str(each.version), FORMER)
    for number, status in ((champion, CHAMPION), (previous, PREVIOUS)):
        if number:
            set_status(client, name, number, status)


def set_status(client: "MlflowClient", name: str, version: str, status: str) -> None:
    """Record what became of a version, and since when, unless it is recorded."""
    if client.get_model_version(name, version).tags.get(STATUS) == status:
        return
    client.set_model_version_tag(
        name, version, f"gatehouse.{status}_at", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )
    client.set_model_version_tag(name, version, STATUS, status)


def _version_of_alias(client: "MlflowClient", name: str, alias: str) -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if is_absent(client, name, error):
            return None
        raise


def _number_of_alias(client: "MlflowClient", name: str, alias: str) -> str | None:
    found = _version_of_alias(client, name, alias)
    return None if found is None else str(found.version)
