"""Going back on a real registry: checked, explained, and not undone by the next run."""

import pytest

from include.errors import IntegrityError, ParamError
from include.settings import Settings, load_settings
from include.steps.rollback import rollback
from include.tracking.aliases import PREVIOUS, find_champion, move_champion, settle_disturbance
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_run
from tests.bundle_builders import SmallBundle, make_bundle
from tests.registry_attack import find_files, put_code


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def settings(mlflow_server: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return load_settings()


@pytest.fixture
def name(request: pytest.FixtureRequest, settings: Settings, small: SmallBundle) -> str:
    """A registered model for each test, whose champion is version 2."""
    name = request.node.name[:50].rstrip("_")
    for version in ("1", "2"):
        log = open_run(settings, make_run(run_id=f"manual__{name}{version}", pipeline=name))
        uri = small.log_to(log, name)
        assert version == register_model(
            settings, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
        )
        before = "1" if version == "2" else None
        move_champion(settings, name, version, expected_current=before)
    return name


def test_the_version_before_is_champion_again_and_the_other_one_previous(settings, name):
    assert settle_disturbance(settings, name, seen_by="a run") == ""
    done = rollback(name, reason="scores drifted", by="ada")
    assert (done.version, done.previous_version) == ("1", "2")
    assert find_champion(settings, name).version == "1"
    assert find_champion(settings, name, PREVIOUS).version == "2"


def test_the_next_candidate_is_told_so_that_a_person_is_asked(settings, name):
    rollback(name, reason="scores drifted", by="ada")
    told = settle_disturbance(settings, name, seen_by="a run")
    assert told == "ada went back from version 2 to version 1 (scores drifted)"
    move_champion(settings, name, "2", expected_current="1")
    assert settle_disturbance(settings, name, seen_by="a run") == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"to": "2", "reason": "why"}, "other than the champion, 2"),
        ({"reason": " "}, "Say why"),
        ({"to": "99", "reason": "why"}, "Received: 99, which MLflow does not have"),
        ({"to": "../1", "reason": "why"}, "Received: ../1, which MLflow does not have"),
    ],
)
def test_what_leads_nowhere_is_refused(name, given, message):
    with pytest.raises(ParamError, match=message):
        rollback(name, by="ada", **given)


@pytest.mark.parametrize(
    ("tag", "message"),
    [("", "must have the digest recorded"), ("gatehouse.digest", "must be sealed by")],
    ids=["files", "files_and_tag"],
)
def test_a_changed_version_never_comes_back(
    settings, name, tag, message, tmp_path, mlflow_directory
):
    canary = tmp_path / "canary"
    files = find_files(settings, name, "1", mlflow_directory)
    put_code(settings, files, f"{name}/1", canary, tag=tag)
    assert not (settings.home / "models").exists()  # no copy that would do instead

    with pytest.raises(IntegrityError, match=message):
        rollback(name, reason="scores drifted", by="ada")

    assert find_champion(settings, name).version == "2"
    assert not canary.exists()


def test_a_version_that_another_key_sealed_never_comes_back(settings, name):
    settings.home.joinpath("signing.key").write_text("another key that sealed nothing of this")
    with pytest.raises(IntegrityError, match="must be sealed by"):
        rollback(name, reason="again", by="ada")
    assert find_champion(settings, name).version == "2"
