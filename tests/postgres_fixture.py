"""One real PostgreSQL for all tests that query: the machine's own, else one started for them."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.mlflow_fixture import free_port

# What a machine made for tests offers; an own server is started where it lets nobody in.
USUAL_URL = "postgresql+psycopg2://postgres@127.0.0.1:5432/test"
START_SECONDS = 60


class PostgresServer:
    """A server of our own: its data in a temporary directory, without a password, gone at the end.

    PostgreSQL refuses to run as root, so root starts it as `postgres`, or else as `nobody`.
    """

    def __init__(self, programs: Path) -> None:
        """Choose a directory and a free port; the programs are `initdb` and `pg_ctl`."""
        self.programs = programs
        # Not below pytest's own directories: those let no other user in.
        self.directory = Path(tempfile.mkdtemp(prefix="gatehouse-postgres-"))
        self.port = free_port()
        self.url = f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"
        self.user = _other_user() if os.geteuid() == 0 else None
        if self.user is not None:
            os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)

    def start(self) -> None:
        """Create its data and start it; returns once it answers."""
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self.directory / "server.log")
        self._run("pg_ctl", "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """End it and remove its data."""
        if (self.directory / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        identity = (
            {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
            if self.user is not None
            else {}
        )
        subprocess.run(
            [self.programs / program, "-D", self.directory / "data", *arguments],
            **identity,
            cwd=self.directory,
            env={**os.environ, "HOME": str(self.directory), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=2 * START_SECONDS,
        )


def accepts(url: str) -> bool:
    """Tell whether a server lets us in and lets us make tables."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            asked = sa.text("SELECT has_schema_privilege(current_schema(), 'CREATE')")
            return bool(connection.scalar(asked))
    except sa.exc.SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def find_programs() -> Path | None:
    """Find the directory of `initdb` and `pg_ctl`, which Debian keeps off the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if shutil.which("pg_config"):
        told = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=False
        )
        places.insert(0, Path(told.stdout.strip() or "/"))
    places += [Path(found).parent for found in [shutil.which("initdb")] if found]
    wanted = ("initdb", "pg_ctl")
    return next(
        (place for place in places if all((place / name).exists() for name in wanted)), None
    )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the SQLAlchemy URL of a PostgreSQL in which tests may make tables."""
    if accepts(USUAL_URL):
        yield USUAL_URL
        return
    programs = find_programs()
    if programs is None:
        pytest.skip(
            f"no PostgreSQL lets us in at {sa.make_url(USUAL_URL).host}:5432, and none can be "
            "started: initdb and pg_ctl are not installed (Debian: the package postgresql)"
        )
    server = PostgresServer(programs)
    try:
        try:
            server.start()
        except subprocess.SubprocessError as error:
            said = f"{getattr(error, 'stdout', '')}{getattr(error, 'stderr', '')}".strip()
            pytest.skip(f"PostgreSQL of {programs} does not start: {error} {said[-1000:]}")
        yield server.url
    finally:
        server.stop()


def _version(place: Path) -> float:
    name = place.parent.name
    return float(name) if name.replace(".", "", 1).isdigit() else 0.0


def _other_user() -> pwd.struct_passwd:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")
