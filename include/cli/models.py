"""Commands on models: serve."""

from functools import partial
from typing import Annotated

import typer

from include.cli.shared import PipelineArgument, app, console, find_spec, readable_errors
from include.settings import load_settings


@app.command()
def serve(
    pipeline: PipelineArgument = "digits",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Answer HTTP requests with the champion of a pipeline, until interrupted.

    Its files are checked against their seal first, and so are those of the next champion, which
    takes over when the alias moves. Beyond this machine, callers must show a token.
    """
    from include.serving.server import serve_champion
    from include.stack.environment import make_home
    from include.tracking.connection import check_reachable

    with readable_errors():
        settings = load_settings()
        make_home(settings)
        name = find_spec(settings, pipeline).name
        check_reachable(settings.mlflow)
        show = partial(console.print, soft_wrap=True, markup=False)
        serve_champion(settings, name, host=host, port=port, tell=show)
