"""Notices over real channels: an HTTP server and a mail server on this machine."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.records import Notice
from include.settings import load_settings
from include.steps.notify import SentNotice, notice_path, notify
from tests.builders import make_spec
from tests.mlflow_fixture import free_port

NOTICE = Notice(
    event="drift",
    pipeline="loans",
    what="the rows have <drifted>",
    why="income & age",
    link="http://127.0.0.1/dags/x",
    next_move="Train again.",
    key="1 age",
)


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it gets, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, str]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/s3cr3t"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.got.append(body)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Mailbox(threading.Thread):
    """A mail server for one message: enough of RFC 5321, and `AUTH PLAIN`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.lines: list[str] = []

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with self.listener, connection, connection.makefile("rwb") as stream:

            def say(text: str) -> None:
                stream.write(f"{text}\r\n".encode())
                stream.flush()

            say("220 ready")
            in_message = False
            for raw in stream:
                line = raw.decode().rstrip("\r\n")
                self.lines.append(line)
                verb = line.upper().split(" ")[0]
                if in_message:
                    in_message = line != "."
                    if not in_message:
                        say("250 kept")
                elif verb == "DATA":
                    in_message = True
                    say("354 go on")
                elif verb == "AUTH":
                    say("235 welcome")
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250-here\r\n250 AUTH PLAIN" if verb == "EHLO" else "250 fine")


@pytest.fixture
def hook(data_root, monkeypatch) -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("GATEHOUSE_WEBHOOK_URL", server.address)
        yield server
        server.shutdown()
        thread.join()


def read_file() -> SentNotice:
    return SentNotice.model_validate_json(notice_path(load_settings(), NOTICE).read_bytes())


def test_a_file_always_holds_it(data_root):
    notify(make_spec(), NOTICE)
    assert read_file().notice == NOTICE
    assert read_file().sent == ()


def test_what_was_not_asked_for_is_not_told(data_root):
    notify(make_spec(notify={"events": ["failed"]}), NOTICE)
    assert not notice_path(load_settings(), NOTICE).exists()


def test_a_webhook_gets_what_why_link_and_next_move_as_plain_text(hook):
    notify(make_spec(notify={"webhook": {}}), NOTICE)
    (body,) = hook.got
    assert body == {
        "text": "*loans: the rows have &lt;drifted&gt;*\nincome &amp; age\nTrain again.\n"
        "http://127.0.0.1/dags/x"
    }


def test_it_is_told_once_however_often_the_task_is_tried(hook):
    for _ in range(3):
        notify(make_spec(notify={"webhook": {}}), NOTICE)
    notify(make_spec(notify={"webhook": {}}), NOTICE.model_copy(update={"key": "2 age"}))
    assert len(hook.got) == 2


def test_a_broken_channel_fails_nothing_says_no_secret_and_is_tried_again(hook, caplog):
    caplog.set_level(logging.DEBUG)
    hook.status = 500
    spec = make_spec(notify={"webhook": {}})
    notify(spec, NOTICE)
    assert read_file().failed == {"webhook": "HTTP 500"}
    hook.status = 200
    notify(spec, NOTICE)
    assert len(hook.got) == 1
    assert (read_file().sent, read_file().failed) == (("webhook",), {})
    ours = [each.getMessage() for each in caplog.records if each.name.startswith(("inc", "httpx"))]
    assert ours
    assert not any("s3cr3t" in line for line in ours)


def test_a_channel_that_is_away_keeps_no_other_from_taking_it(hook, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    notify(make_spec(notify={"webhook": {}, "email": {"to": ["a@b.org"]}}), NOTICE)
    assert len(hook.got) == 1
    assert read_file().failed == {"email": "ConnectionRefusedError"}


def test_mail_goes_to_all_who_are_named_signed_in_with_the_connection(data_root):
    mailbox = Mailbox()
    mailbox.start()
    port = mailbox.listener.getsockname()[1]
    spec = make_spec(notify={"email": {"to": ["a@b.org", "c@d.org"], "connection": "mail"}})
    notify(spec, NOTICE, {"mail": f"smtp://me:p%40ss@127.0.0.1:{port}"}.__getitem__)
    mailbox.join(20)
    assert read_file().sent == ("email",)
    # Python 3.13.0 writes `rcpt to:`; SMTP's commands have no case (RFC 5321, 2.4).
    told = [each.lower() for each in mailbox.lines]
    assert [each for each in told if each.startswith("rcpt")] == [
        "rcpt to:<a@b.org>",
        "rcpt to:<c@d.org>",
    ]
    assert "AUTH PLAIN AG1lAHBAc3M=" in mailbox.lines
    assert "Subject: [gatehouse] loans: the rows have <drifted>" in mailbox.lines
    assert "Train again." in mailbox.lines


def test_without_an_address_the_file_says_what_is_missing(data_root):
    notify(make_spec(notify={"webhook": {}}), NOTICE)
    assert "without GATEHOUSE_WEBHOOK_URL" in read_file().failed["webhook"]


def test_a_connection_is_asked_of_airflow_only(data_root):
    notify(make_spec(notify={"webhook": {"connection": "slack"}}), NOTICE)
    assert "slack, without Airflow" in read_file().failed["webhook"]
