"""The ways from Airflow's pages to MLflow: `/gatehouse/<pipeline>/<runs | champion | report>`.

A DAG's page is written before MLflow knows the pipeline; so it links here, and from here on.
"""

from functools import cache
from typing import Any, Final

PREFIX: Final = "/gatehouse"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer as an ASGI application; built at the first request, since tasks load plugins too."""
    await _build_app()(scope, receive, send)


@cache
def _build_app() -> Any:
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI
    from fastapi.responses import PlainTextResponse, RedirectResponse, Response

    from include.errors import TrackingUnavailableError
    from include.settings import load_settings
    from include.tracking.lookup import Place, find_address

    served = FastAPI(
        dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None
    )

    def lead(pipeline: str, place: Place) -> Response:
        """Lead to MLflow, or say why not."""
        try:
            address = find_address(load_settings(), pipeline, place)
        except TrackingUnavailableError as error:
            return PlainTextResponse(str(error), 503)
        if not address:
            return PlainTextResponse(f"There is no {place} of {pipeline} yet: train it first.", 404)
        return RedirectResponse(address)

    served.get("/{pipeline}/{place}")(lead)
    return served
