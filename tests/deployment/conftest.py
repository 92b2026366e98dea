"""What the deployment tests share: a filled-in .env, as someone who follows .env.example has it."""

import base64
import secrets

import pytest

from tests.deployment.compose_file import EXAMPLE_FILE, read_env_file, read_filled


@pytest.fixture(scope="session")
def filled_env() -> dict[str, str]:
    """Give the variables of .env.example with every secret made up."""
    made = {name: secrets.token_hex(32) for name in read_env_file(EXAMPLE_FILE)}
    made["AIRFLOW_FERNET_KEY"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return made


@pytest.fixture(scope="session")
def stack(filled_env):
    """Give docker-compose.yaml as Docker Compose would see it with that .env."""
    return read_filled(filled_env)


@pytest.fixture(scope="session")
def services(stack):
    """Give the services by name."""
    return stack["services"]
