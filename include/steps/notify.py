"""Tell people what happened: a file of its own always, a webhook and mail if the spec names them.

The file is also the memory: a notice is sent once over each channel, however often the task that
sends it is tried. A channel that fails is noted, and fails nothing else. Addresses are secrets:
they come from an Airflow connection or the environment, and no message or log shows one.
"""

import logging
import smtplib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import Field, ValidationError
from upath import UPath

from include.errors import ParamError
from include.records import Notice, Record
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.specs.notify import EmailSpec
from include.tables.layout import open_root, slug
from include.tables.run_files import write_atomically

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0
# Finds the address of an Airflow connection; where there is no Airflow, there is none.
FindAddress = Callable[[str], str]


class SentNotice(Record):
    """A notice as its file holds it."""

    notice: Notice
    at: datetime
    sent: tuple[str, ...] = Field(default=(), description="Channels that took it.")
    failed: dict[str, str] = Field(default_factory=dict, description="Channels that did not.")


def notify(spec: PipelineSpec, notice: Notice, find_address: FindAddress | None = None) -> None:
    """Tell a notice over the pipeline's channels, unless it was told before; never raises.

    Args:
        spec: The pipeline; its `notify` says what is told, and over which channels.
        notice: What happened.
        find_address: Gives the address that an Airflow connection holds.
    """
    if notice.event not in spec.notify.events:
        return
    # At this level it writes whole addresses down.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        _tell(spec, notice, find_address)
    except Exception as error:  # whatever it is, the run goes on
        logger.warning("%s could not be told: %s", notice.what, type(error).__name__)


def _tell(spec: PipelineSpec, notice: Notice, find_address: FindAddress | None) -> None:
    settings = load_settings()
    path = notice_path(settings, notice)
    before = _read(path)
    sent, failed = list(before.sent) if before else [], {}
    for name, send in _channels(spec, settings, find_address).items():
        if name in sent:
            continue
        try:
            send(notice)
            sent.append(name)
        except Exception as error:
            failed[name] = _explain(error)
            logger.warning("%s did not take %r: %s", name, notice.what, failed[name])
    at = before.at if before else datetime.now(UTC)
    told = SentNotice(notice=notice, at=at, sent=tuple(sent), failed=failed)
    write_atomically(path, told.model_dump_json(indent=1).encode())
    logger.info("told: %s", notice.what)


def notice_path(settings: Settings, notice: Notice) -> UPath:
    """Give the place of a notice's file."""
    name = slug(f"{notice.event} {notice.key}")
    return open_root(settings.data) / "notices" / notice.pipeline / f"{name}.json"


def _read(path: UPath) -> SentNotice | None:
    try:
        return SentNotice.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _channels(
    spec: PipelineSpec, settings: Settings, find_address: FindAddress | None
) -> Mapping[str, Callable[[Notice], None]]:
    def address(connection: str, setting: str) -> str:
        given = getattr(settings, setting).get_secret_value()
        if connection and find_address is not None:
            return find_address(connection)
        if connection or not given:
            raise ParamError(
                f"expected an address. Received: {connection or 'none'}, without "
                f"{'Airflow to look it up' if connection else f'GATEHOUSE_{setting.upper()}'}."
            )
        return str(given)

    webhook, email = spec.notify.webhook, spec.notify.email
    channels: dict[str, Callable[[Notice], None]] = {}
    if webhook is not None:
        channels["webhook"] = lambda notice: post(
            address(webhook.connection, "webhook_url"), notice
        )
    if email is not None:
        channels["email"] = lambda notice: mail(
            address(email.connection, "smtp_url"), email, notice
        )
    return channels


def post(address: str, notice: Notice) -> None:
    """Post a notice as Slack takes it; what it would read as markup stays text."""
    text = f"*{notice.pipeline}: {notice.what}*\n{notice.text}"
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(mark, name)
    httpx.post(address, json={"text": text}, timeout=SECONDS).raise_for_status()


def mail(address: str, spec: EmailSpec, notice: Notice) -> None:
    """Send a notice as mail, over TLS where the server offers it or the address says smtps.

    Args:
        address: `smtp://user:password@host:port` or `smtps://…`; user and password may be left out.
        spec: Whom it comes from and who gets it.
        notice: The notice.
    """
    message = EmailMessage()
    message["Subject"] = " ".join(f"[gatehouse] {notice.pipeline}: {notice.what}".split())
    message["From"], message["To"] = spec.sender, ", ".join(spec.to)
    message.set_content(f"{notice.what}\n\n{notice.text}\n")
    parts = urlsplit(address)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with kind(parts.hostname or "", parts.port or 0, timeout=SECONDS) as server:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            import ssl

            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _explain(error: Exception) -> str:
    """Say what failed without the address, of which most exceptions tell."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return str(error) if isinstance(error, ParamError) else type(error).__name__
