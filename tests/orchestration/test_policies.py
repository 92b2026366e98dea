"""What retries: what is away may come back, a mistake stays one."""

import httpx
import pytest
import requests
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include import errors
from include.orchestration.policies import RETRY_POLICY
from include.orchestration.waits import GrowingRetryPolicy

OUTAGES = [
    errors.InfrastructureError("x"),
    errors.TrackingUnavailableError("x"),
    errors.StoppedError("x"),
    OSError("x"),
    ConnectionResetError("x"),
    TimeoutError("x"),
    EOFError("x"),
    requests.ConnectionError("x"),
    httpx.ConnectTimeout("x"),
    AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR)),
]
MISTAKES = [
    *(
        error("x")
        for error in errors.GatehouseError.__subclasses__()
        if error.__name__[:5] != "Infra"
    ),
    errors.QualityError("x"),
    errors.ReplayError("x"),
    ZeroDivisionError("x"),
    AttributeError("x"),
    ImportError("x"),
    KeyError("x"),
    IndexError("x"),
    TypeError("x"),
    ValueError("x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    AssertionError("x"),
    RuntimeError("x"),
    RecursionError("x"),
    NotImplementedError("x"),
    NameError("x"),
    MemoryError("x"),
    StopIteration("x"),
]


def name(error: Exception) -> str:
    return type(error).__name__


@pytest.fixture(params=["as written", "as the worker reads it"])
def policy(request):
    if request.param == "as written":
        return RETRY_POLICY
    return GrowingRetryPolicy.deserialize(RETRY_POLICY.serialize())


@pytest.mark.parametrize("error", OUTAGES, ids=name)
def test_what_is_away_is_tried_again(policy, error):
    decision = policy.evaluate(error, 1, 2)
    assert decision.action.value == "retry"
    assert decision.retry_delay is not None


@pytest.mark.parametrize("error", MISTAKES, ids=name)
def test_mistakes_never_retry(policy, error):
    assert policy.evaluate(error, 1, 2).action.value == "fail"
