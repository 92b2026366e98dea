"""MLflow goes away between the logged bundle and its registration: one version afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import TrackingUnavailableError
from include.settings import Settings, load_settings
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_run
from tests.bundle_builders import SmallBundle, make_bundle
from tests.network_door import NetworkDoor


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def door(mlflow_server: str) -> Iterator[NetworkDoor]:
    door = NetworkDoor(mlflow_server)
    door.open()
    yield door
    door.shut()


@pytest.fixture
def settings(mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return load_settings()


@pytest.mark.parametrize("is_answer_lost", [False, True], ids=["call lost", "answer lost"])
def test_a_lost_registration_is_one_version_after_the_next_try(
    settings, small, door: NetworkDoor, is_answer_lost
):
    name = f"lost_{is_answer_lost}".lower()
    log = open_run(settings, make_run(run_id=f"manual__{name}", pipeline=name))
    uri = small.log_to(log, name)
    through = settings.model_copy(update={"mlflow_url": door.url})
    door.loses, door.is_answer_lost = b"model-versions/create", is_answer_lost

    with pytest.raises(TrackingUnavailableError, match="must answer"):
        register_model(through, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={})
    assert door.lost >= 1
    door.loses = b""
    version = register_model(
        through, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )

    assert version == "1"
    assert len(log.client.search_model_versions(f"name = '{name}'")) == 1
