"""A way to a server that tests may shut, and let hang, while the server itself goes on."""

import contextlib
import select
import socket
import threading
from urllib.parse import urlsplit

from tests.mlflow_fixture import free_port


class NetworkDoor:
    """Hands connections to a local port on to a server; `taken` counts them."""

    def __init__(self, server: str) -> None:
        """Choose a free port; nobody listens there before `open`."""
        address = urlsplit(server)
        self._server = (str(address.hostname), int(address.port or 0))
        self._connections: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._is_passing = threading.Event()
        self.taken = 0
        # Calls that hold this are lost: on their way, or with their answer if they arrive.
        self.loses = b""
        self.is_answer_lost = False
        self.lost = 0
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listen, and hand on whatever comes."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._is_passing.set()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections and end those there are, like a server that is gone."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._is_passing.set()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def hang(self) -> None:
        """Take connections and answer nothing."""
        self._is_passing.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:  # shut
                return
            self.taken += 1
            there = socket.create_connection(self._server)
            self._connections += [here, there]
            threading.Thread(target=self._hand_on, args=(here, there), daemon=True).start()

    def _hand_on(self, here: socket.socket, there: socket.socket) -> None:
        other = {here: there, there: here}
        is_losing = False
        with contextlib.suppress(OSError, ValueError):  # shut meanwhile
            while True:
                for ready in select.select([here, there], [], [])[0]:
                    self._is_passing.wait()
                    sent = ready.recv(65536)
                    if ready is here and self.loses and self.loses in sent:
                        is_losing = True
                        self.lost += 1
                    if not sent or (is_losing and (ready is there or not self.is_answer_lost)):
                        here.shutdown(socket.SHUT_RDWR)
                        there.shutdown(socket.SHUT_RDWR)
                        return
                    other[ready].sendall(sent)
