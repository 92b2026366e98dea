"""How long a task waits for what is away: a little first, then longer, as a setting bounds it."""

from datetime import timedelta
from typing import Any, Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction
from airflow.sdk.definitions.retry_policy import RetryDecision

from include.settings import load_settings

# A server that restarts is back within the first; together they are all of the setting.
SHARES: Final = (1 / 60, 4 / 60, 15 / 60, 40 / 60)
# After a kill nobody is asked, and the scheduler waits this long.
WAIT_AFTER_KILL: Final = timedelta(seconds=10)


class GrowingRetryPolicy(ExceptionRetryPolicy):
    """Rules by exception whose retries wait longer each time, and say what for."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        """Decide by the rules, and let the wait grow with the tries that failed."""
        decision = super().evaluate(exception, try_number, max_tries, context)
        if decision.action is not RetryAction.RETRY:
            return decision
        failed = len(SHARES) - (max_tries - try_number) if max_tries >= try_number else len(SHARES)
        wait = growing_wait(failed, load_settings().outage_seconds)
        return RetryDecision.retry(
            delay=wait,
            reason=f"{decision.reason}; try {try_number} of {max_tries + 1} waits "
            f"{wait.total_seconds():.0f} s for: {type(exception).__name__}: {exception}"[:500],
        )


def growing_wait(failed_tries: int, seconds: float) -> timedelta:
    """Give the wait after a number of tries that failed.

    Args:
        failed_tries: How many there were, from 1 on.
        seconds: What all waits come to.

    Example:
        >>> [growing_wait(failed, 600).seconds for failed in (1, 2, 3, 4)]
        [10, 40, 150, 400]
    """
    number = min(max(failed_tries, 1), len(SHARES))
    return timedelta(seconds=SHARES[number - 1] * seconds)
