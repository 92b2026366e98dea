"""Who is told what happens to a pipeline, and over which channels."""

from typing import Literal, get_args

from pydantic import Field

from include.specs.base import SpecModel

Event = Literal["failed", "gates", "drift", "approval", "promoted", "rolled_back", "late"]


class WebhookSpec(SpecModel):
    """An address that takes JSON as Slack, Mattermost and others do."""

    connection: str = Field(
        default="",
        description="Airflow connection that holds the address: host, and the secret part of its "
        "path as password; GATEHOUSE_WEBHOOK_URL unless given.",
    )


class EmailSpec(SpecModel):
    """A mail server, and who gets its mail."""

    to: tuple[str, ...] = Field(min_length=1, description="Who gets it.")
    sender: str = Field(default="gatehouse@localhost", description="Whom it comes from.")
    connection: str = Field(
        default="",
        description="Airflow connection of the mail server; GATEHOUSE_SMTP_URL unless given.",
    )


class NotifySpec(SpecModel):
    """What is told; a file in `<data root>/notices/<pipeline>` always is."""

    events: tuple[Event, ...] = Field(
        default=get_args(Event),
        description="What is told: a run failed; a gate of the data or the model was not passed; "
        "scored rows drifted; an approval waits; a version was promoted, or rolled back; a run is "
        "late.",
    )
    late_hours: float = Field(
        default=24,
        gt=0,
        description="Hours after which a run is late; the wait for a person's answer is none.",
    )
    webhook: WebhookSpec | None = Field(default=None, description="Also post it to a webhook.")
    email: EmailSpec | None = Field(default=None, description="Also send it as mail.")
