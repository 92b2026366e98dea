"""The HTTP server of `gatehouse serve`: bound first, open when the champion has answered."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from include.errors import ParamError
from include.serving.app import build_app
from include.serving.champion import ServedChampion
from include.values.private_files import read_or_make_secret

if TYPE_CHECKING:
    from include.settings import Settings

TOKEN_FILE: Final = "serve.token"  # noqa: S105 - the name of a file
# What is being answered may end; then the process does, whatever waits.
STOP_SECONDS: Final = 2
# A connection on which no request begins for so long is closed.
HEADER_SECONDS: Final = 10.0


def serve_champion(
    settings: "Settings", name: str, *, host: str, port: int, tell: Callable[[str], None]
) -> None:
    """Answer until interrupted.

    Args:
        settings: Where the registry is, limits, token.
        name: Name of the registered model.
        host: Address to listen on; beyond this machine callers must show the token.
        port: Port to listen on.
        tell: Called with lines for the person in front of it.

    Raises:
        ParamError: There is no champion, or the address is taken.
        IntegrityError: The champion's files are not those that were sealed.
    """
    with _bind(host, port) as listener:
        token = _choose_token(settings, host, tell)
        champion = ServedChampion(settings, name)
        app = build_app(champion, settings, token=token)
        config = uvicorn.Config(
            app,
            http=Connection,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}/invocations"
        ready = f"version {champion.current.version} of {name} answers at {address}"
        with suppress(KeyboardInterrupt):
            _Server(config, lambda: tell(ready), app.state.stop).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "example.org")]
        [True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Connection(HttpToolsProtocol):
    """A connection that is closed unless the next request's header is there in time.

    uvicorn itself waits for the first byte of a further request, and for no header's last.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a header."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """Tells when it listens, and what waits when it stops."""

    def __init__(
        self, config: uvicorn.Config, tell: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._tell = tell
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        await super().shutdown(sockets)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ParamError(
            f"{host}:{port} must be a free address of this machine. Received: {error}. "
            "Give another --host or --port."
        ) from error
    return listener


def _choose_token(settings: "Settings", host: str, tell: Callable[[str], None]) -> str:
    given = settings.serve_token.get_secret_value()
    if given or is_loopback(host):
        return given
    path = settings.home / TOKEN_FILE
    token = read_or_make_secret(path)
    tell(f"callers show the token in {path}, as `Authorization: Bearer <token>`")
    return token
