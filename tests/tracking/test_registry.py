"""Versions and aliases on a real server: created once, moved with care, checked before use."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.errors import IntegrityError, PromotionError
from include.settings import Settings
from include.tracking import aliases
from include.tracking.alias_history import read_moves
from include.tracking.aliases import find_champion, move_champion, settle_disturbance
from include.tracking.registry import download_version, fetch_version, register_model
from include.tracking.runs import open_run
from tests.builders import make_run
from tests.bundle_builders import SmallBundle, make_bundle
from tests.registry_attack import find_files, put_code


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def settings(mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(mlflow_url=mlflow_server, home=tmp_path_factory.mktemp("home"))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A registered model for each test: they share the server."""
    return request.node.name[:60].replace("[", "_").replace("]", "")


def _log(settings: Settings, small: SmallBundle, name: str) -> tuple[str, str]:
    log = open_run(settings, make_run(run_id="manual__1"))
    uri = small.log_to(log, name)
    return uri, log.run_id


def _register(settings: Settings, small: SmallBundle, name: str) -> str:
    uri, run_id = _log(settings, small, name)
    return register_model(
        settings, name, bundle_uri=uri, run_id=run_id, decision=b"{}", tags={"test_accuracy": 1}
    )


def test_a_bundle_is_registered_once(settings, small, name):
    uri, run_id = _log(settings, small, name)

    versions = {
        register_model(settings, name, bundle_uri=uri, run_id=run_id, decision=b"{}", tags={})
        for _ in range(2)
    }

    assert versions == {"1"}
    other, run_id = _log(settings, small, name)
    assert (
        register_model(settings, name, bundle_uri=other, run_id=run_id, decision=b"{}", tags={})
        == "2"
    )


def test_there_is_no_champion_at_first(settings, name):
    assert find_champion(settings, name) is None


def test_the_alias_moves_and_the_old_champion_becomes_previous(settings, small, name):
    first, second = (_register(settings, small, name) for _ in range(2))

    move_champion(settings, name, first, expected_current=None)
    for _ in range(2):
        assert move_champion(settings, name, second, expected_current=first) == first

    assert find_champion(settings, name).version == second
    assert find_champion(settings, name, "previous").version == first


def test_a_champion_that_changed_meanwhile_is_not_replaced(settings, small, name):
    first, second, third = (_register(settings, small, name) for _ in range(3))
    move_champion(settings, name, first, expected_current=None)
    move_champion(settings, name, second, expected_current=first)

    with pytest.raises(PromotionError, match="must still be version 1"):
        move_champion(settings, name, third, expected_current=first)

    assert find_champion(settings, name).version == second


def test_an_intact_version_is_downloaded(settings, small, name, tmp_path):
    version = _register(settings, small, name)

    local = download_version(settings, name, version, tmp_path)

    assert (local / "data/bundle/model.keras").exists()
    model = yaml.safe_load((local / "MLmodel").read_text())
    assert set(model["flavors"]) == {"python_function"}
    assert not list(local.rglob("*.pkl"))
    assert not list(local.rglob("pipelines"))


def test_the_input_example_shows_five_rows_and_no_private_value(settings, name, tmp_path):
    spec_columns = [
        {"name": "mail", "kind": "category", "private": "hash"},
        {"name": "income", "kind": "number"},
        {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
    ]
    from tests.builders import make_frame, make_spec

    frame = make_frame(30).assign(mail="digest-of-someone").dropna()
    small = make_bundle(tmp_path, spec=make_spec(columns=spec_columns), frame=frame)
    version = _register(settings, small, name)

    (tmp_path / "model").mkdir()
    local = download_version(settings, name, version, tmp_path / "model")

    example = json.loads((local / "input_example.json").read_text())
    assert len(example["data"]) == 5
    assert not any("digest-of-someone" in path.read_text() for path in local.glob("*.json"))


def _flip_a_byte(files: Path) -> None:
    path = files / "data/bundle/model.keras"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _swap_the_loader(files: Path) -> None:
    path = files / "MLmodel"
    path.write_text(path.read_text().replace("include.serving.scoring_model", "evil"))
    (files / "code/evil.py").write_text("open('canary', 'w')")


def _add_code(files: Path) -> None:
    (files / "code/canary.py").write_text("open('canary', 'w')")


@pytest.mark.parametrize("harm", [_flip_a_byte, _swap_the_loader, _add_code])
def test_changed_files_are_refused_before_anything_runs(
    settings, small, name, harm, tmp_path, mlflow_directory, monkeypatch
):
    from include.serving.loading import load_version

    monkeypatch.chdir(tmp_path)
    version = _register(settings, small, name)
    harm(find_files(settings, name, version, mlflow_directory))

    with pytest.raises(IntegrityError, match="must have the digest recorded"):
        load_version(settings, name, version)

    assert not (tmp_path / "canary").exists()


def test_a_foreign_loader_is_refused_even_with_a_matching_digest(
    settings, small, name, tmp_path, mlflow_directory
):
    from include.tracking.file_digests import digest_directory

    version = _register(settings, small, name)
    files = find_files(settings, name, version, mlflow_directory)
    _swap_the_loader(files)
    client = open_run(settings, make_run()).client
    client.set_model_version_tag(name, version, "gatehouse.digest", digest_directory(files))

    with pytest.raises(IntegrityError, match="must be sealed by this installation"):
        download_version(settings, name, version, tmp_path)


@pytest.mark.parametrize(
    ("tag", "message"),
    [("", "must have the digest recorded"), ("gatehouse.digest", "must be sealed by")],
    ids=["archive", "archive_and_tag"],
)
@pytest.mark.parametrize("step", ["evaluate", "serve", "promote"])
def test_code_put_through_the_server_is_refused_and_never_run(
    settings, small, name, tag, message, step, tmp_path, mlflow_directory
):
    from include.serving.champion import load_served
    from include.serving.loading import load_version

    ways = {
        "evaluate": lambda version: load_version(settings, name, version),
        "serve": lambda version: load_served(settings, name, version),
        "promote": lambda version: download_version(
            settings, name, version, tmp_path, golden=b"{}"
        ),
    }
    version = _register(settings, small, name)
    files = find_files(settings, name, version, mlflow_directory)
    canary = tmp_path / "canary"
    put_code(settings, files, f"{name}/{version}", canary, tag=tag)

    with pytest.raises(IntegrityError, match=message):
        ways[step](version)

    assert not canary.exists()


def test_an_intact_copy_of_this_machine_goes_on_after_the_store_was_changed(
    settings, small, name, tmp_path, mlflow_directory
):
    from include.serving.loading import load_version

    version = _register(settings, small, name)
    load_version(settings, name, version)
    files = find_files(settings, name, version, mlflow_directory)
    put_code(settings, files, f"{name}/{version}", tmp_path / "canary", tag="")

    assert len(load_version(settings, name, version).predict(small.frame)) == len(small.frame)


def test_files_that_are_gone_from_the_store_are_named_unless_a_copy_is_here(
    settings, small, name, tmp_path, mlflow_directory
):
    version = _register(settings, small, name)
    copy = fetch_version(settings, name, version)
    shutil.rmtree(find_files(settings, name, version, mlflow_directory))
    assert fetch_version(settings, name, version) == copy

    shutil.rmtree(copy)
    with pytest.raises(IntegrityError, match=rf"{name}/{version} must be in the artifact store"):
        fetch_version(settings, name, version)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({}, "must have the digest recorded at registration, none"),
        ({"gatehouse.digest": ""}, "must be sealed by this installation.*no seal"),
    ],
    ids=["bare", "digest"],
)
def test_an_alias_moved_to_an_unsealed_version_is_refused(settings, small, name, tags, said):
    first = _register(settings, small, name)
    move_champion(settings, name, first, expected_current=None)
    client = aliases.connect(settings)
    ours = client.get_model_version(name, first)
    known = {tag: ours.tags[tag] for tag in tags}
    model_id = ours.tags["gatehouse.bundle"].removeprefix("models:/")
    other = client.create_model_version(
        name, ours.source, run_id=ours.run_id, model_id=model_id, tags=known
    )
    client.set_registered_model_alias(name, "champion", other.version)

    assert "somebody moved the alias to version 2" in settle_disturbance(
        settings, name, seen_by="a run"
    )
    with pytest.raises(IntegrityError, match=said):
        fetch_version(settings, name, find_champion(settings, name).version)


@pytest.mark.parametrize(
    "tag",
    ["gatehouse.golden", "gatehouse.run_id", "gatehouse.seal", "gatehouse.decision"],
    ids=str,
)
def test_what_the_seal_covers_cannot_change(settings, small, name, tag, tmp_path):
    version = _register(settings, small, name)
    client = open_run(settings, make_run()).client
    client.set_model_version_tag(name, version, tag, "0" * 64)

    with pytest.raises(IntegrityError, match="must be sealed by"):
        download_version(settings, name, version, tmp_path)


def test_other_golden_rows_than_the_run_made_are_refused(settings, small, name, tmp_path):
    version = _register(settings, small, name)

    with pytest.raises(IntegrityError, match="must be sealed by"):
        download_version(settings, name, version, tmp_path, golden=b"others")


def test_a_bundle_cannot_be_registered_under_another_name(settings, small, name):
    uri, run_id = _log(settings, small, "theirs")
    with pytest.raises(IntegrityError, match="must be sealed by"):
        register_model(settings, name, bundle_uri=uri, run_id=run_id, decision=b"{}", tags={})


def test_a_candidate_that_nobody_promoted_cannot_be_made_a_version(settings, small, name):
    _register(settings, small, name)
    uri, run_id = _log(settings, small, name)
    client = open_run(settings, make_run()).client
    logged = client.get_logged_model(uri.removeprefix("models:/"))
    tags = {**logged.tags, "gatehouse.run_id": run_id, "gatehouse.decision": ""}
    forged = client.create_model_version(
        name, logged.artifact_location, run_id=run_id, model_id=logged.model_id, tags=tags
    )
    with pytest.raises(IntegrityError, match="run and decision"):
        fetch_version(settings, name, forged.version)


class Rival:
    """A client that loses a race: right after its move, somebody else moves the alias."""

    def __init__(self, client: Any, version: str) -> None:
        self._client, self._version = client, version

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._client.set_registered_model_alias(name, alias, version)
        if alias == "champion":
            self._client.set_registered_model_alias(name, alias, self._version)


def test_a_race_that_was_lost_is_noticed(settings, small, name, monkeypatch):
    first, second, third = (_register(settings, small, name) for _ in range(3))
    move_champion(settings, name, first, expected_current=None)
    client = aliases.connect(settings)
    monkeypatch.setattr(aliases, "connect", lambda _: Rival(client, third))

    with pytest.raises(PromotionError, match=f"must still be version {second}.*version {third}"):
        move_champion(settings, name, second, expected_current=first)

    assert client.get_model_version(name, second).tags["gatehouse.status"] == "candidate"


def test_every_move_is_written_down_with_who_made_it(settings, small, name):
    first, second = (_register(settings, small, name) for _ in range(2))
    move_champion(settings, name, first, expected_current=None, by="run 1")
    for _ in range(2):
        move_champion(settings, name, second, expected_current=first, by="run 2")

    moves = read_moves(aliases.connect(settings), name)

    assert [(each.before, each.after, each.by) for each in moves] == [
        ("", first, "run 1"),
        (first, second, "run 2"),
    ]
    assert 0 <= moves[1].at - moves[0].at < 600
    assert settle_disturbance(settings, name, seen_by="run 3") == ""


def _read_statuses(settings: Settings, name: str, *numbers: str) -> list[str]:
    client = aliases.connect(settings)
    return [client.get_model_version(name, each).tags["gatehouse.status"] for each in numbers]


def test_what_somebody_did_to_the_alias_by_hand_is_told_and_written_down(settings, small, name):
    assert settle_disturbance(settings, name, seen_by="run 0") == ""
    first, second, third = (_register(settings, small, name) for _ in range(3))
    move_champion(settings, name, first, expected_current=None, by="run 1")
    move_champion(settings, name, second, expected_current=first, by="run 2")
    client = aliases.connect(settings)

    client.set_registered_model_alias(name, "champion", first)
    for run in ("run 3", "run 4"):
        told = settle_disturbance(settings, name, seen_by=run)
        assert "was version 2, and somebody moved the alias to version 1" in told
    assert _read_statuses(settings, name, first, second) == ["champion", "former"]
    client.delete_registered_model_alias(name, "champion")
    told = settle_disturbance(settings, name, seen_by="run 5")
    assert "was version 2, and its alias is gone" in told
    assert _read_statuses(settings, name, first, second) == ["previous", "former"]

    client.set_registered_model_alias(name, "champion", first)
    move_champion(settings, name, third, expected_current=first, by="run 6")
    assert settle_disturbance(settings, name, seen_by="run 7") == ""
    assert _read_statuses(settings, name, first, second, third) == [
        "previous",
        "former",
        "champion",
    ]
    moves = [(each.before, each.after, each.by) for each in read_moves(client, name)]
    assert moves[2:] == [
        (second, first, "by hand, seen by run 3"),
        (first, "", "by hand, seen by run 5"),
        (first, third, "run 6"),
    ]


def test_a_hand_that_puts_the_alias_back_disturbs_nothing(settings, small, name):
    first, second = (_register(settings, small, name) for _ in range(2))
    move_champion(settings, name, first, expected_current=None)
    move_champion(settings, name, second, expected_current=first)
    client = aliases.connect(settings)
    client.set_registered_model_alias(name, "champion", first)
    settle_disturbance(settings, name, seen_by="run 3")

    client.set_registered_model_alias(name, "champion", second)

    assert settle_disturbance(settings, name, seen_by="run 4") == ""
    assert _read_statuses(settings, name, first, second) == ["previous", "champion"]
    assert read_moves(client, name)[-1].after == second
