"""A champion, and a folder of new rows."""

from pathlib import Path

import pytest

from include.specs import PipelineSpec
from tests.builders import make_spec
from tests.bundle_builders import SmallBundle, make_bundle
from tests.steps.score.scoring import promote_next


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def incoming(
    mlflow_server: str, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return data_root / "sources" / "incoming"


@pytest.fixture
def spec(request: pytest.FixtureRequest, small: SmallBundle, incoming: Path) -> PipelineSpec:
    """A pipeline of its own for each test, with a champion."""
    name = request.node.name.split("[")[0][5:55].rstrip("_")
    promote_next(small, name)
    return make_spec(name=name)
