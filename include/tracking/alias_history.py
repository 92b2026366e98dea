"""What happened to the alias `champion`, by whom and when: a tag of the registered model.

MLflow keeps an alias and no history of it. Here every move that the project makes is written down,
so that one that somebody made by hand, or an alias that is gone, can be told from a model that
never had a champion. What was done by hand is added by the next run, which sees it.
"""

import json
import time
from typing import TYPE_CHECKING, Final

from pydantic import Field, TypeAdapter, ValidationError

from include.records import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

MOVES: Final = "gatehouse.champion_moves"
MAX_MOVES: Final = 20
BY_HAND: Final = "by hand"


class AliasMove(Record):
    """One move of the alias; `before` is empty where there was no champion."""

    at: int
    before: str
    after: str
    by: str
    rolled_back: str = Field(default="", description="Why a person went back; else empty.")


_MOVES: Final = TypeAdapter(tuple[AliasMove, ...])


def read_moves(client: "MlflowClient", name: str) -> tuple[AliasMove, ...]:
    """Read the latest moves, the oldest first; none where there is no model or no history."""
    from mlflow.exceptions import MlflowException

    try:
        text = client.get_registered_model(name).tags.get(MOVES, "[]")
    except MlflowException as error:
        if is_absent(client, name, error):
            return ()
        raise
    try:
        return _MOVES.validate_json(text)
    except ValidationError:
        return ()


def is_absent(client: "MlflowClient", name: str, error: "MlflowException") -> bool:
    """Tell whether a call failed because the registered model, or its alias, is not there.

    A server that asks for a log-in forbids what is not there, to all but its administrator.
    """
    if error.error_code == "PERMISSION_DENIED":
        return not client.search_registered_models(f"name = '{name}'", max_results=1)
    return error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


def write_move(
    client: "MlflowClient", name: str, *, before: str, after: str, by: str, rolled_back: str = ""
) -> None:
    """Write down a move."""
    said = {"by": by[:100], "rolled_back": rolled_back[:200]}
    move = AliasMove(at=int(time.time()), before=before, after=after, **said)
    kept = (*read_moves(client, name), move)[-MAX_MOVES:]
    client.set_registered_model_tag(
        name, MOVES, json.dumps([each.model_dump() for each in kept], separators=(",", ":"))
    )


def explain_change(moves: tuple[AliasMove, ...], current: str) -> str:
    """Say how the alias differs from where the project left it; empty if it does not.

    Args:
        moves: All that is known, also what was seen to be done by hand.
        current: The version behind the alias; empty for none.

    Example:
        >>> moved = AliasMove(at=0, before="1", after="2", by="a run")
        >>> explain_change((moved,), "1")
        'the champion was version 2, and somebody moved the alias to version 1 since'
        >>> explain_change((moved,), "2"), explain_change((), "")
        ('', '')
    """
    own = [each for each in moves if not each.by.startswith(BY_HAND)]
    if not own:
        return ""
    last = own[-1]
    if last.after == current:
        back = f"{last.by} went back from version {last.before} to version {last.after}"
        return f"{back} ({last.rolled_back})" if last.rolled_back else ""
    left = f"the champion was version {last.after}"
    if not current:
        return f"{left}, and its alias is gone"
    return f"{left}, and somebody moved the alias to version {current} since"
