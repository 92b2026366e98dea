"""When something runs by itself."""

from datetime import date

from pydantic import Field, field_validator

from include.specs.base import SpecModel


class ScheduleSpec(SpecModel):
    """When something runs by itself."""

    cron: str = Field(description='Cron expression, e.g. "0 3 * * 1" for Mondays at 3:00.')
    timezone: str = Field(default="UTC", description="IANA zone the cron is read in.")
    catchup_from: date | None = Field(
        default=None,
        description="Make up for the runs missed since this day; none are made up for without it.",
    )

    @field_validator("cron")
    @classmethod
    def check_cron(cls, value: str) -> str:
        """Refuse what croniter, Airflow's own reader, cannot read or never reaches."""
        from croniter import croniter
        from croniter.croniter import CroniterError

        try:
            # Airflow asks for both, and if there is none it writes down no DAG of the whole file.
            croniter(value).get_next()
            croniter(value).get_prev()
        except CroniterError as error:
            raise ValueError(
                'cron must be an expression such as "0 3 * * 1" that comes up again and again. '
                f"Received: {value!r}"
            ) from error
        return value

    @field_validator("timezone")
    @classmethod
    def check_timezone(cls, value: str) -> str:
        """Refuse a zone the system does not know."""
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"timezone must be an IANA name. Received: {value!r}") from error
        return value
