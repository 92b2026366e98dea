"""Harmful `.keras` files: refused by name, before anything of them runs."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from include.errors import IntegrityError
from include.serving.network_file import check_network_file, load_network


@pytest.fixture(scope="module", params=["of our own", "of the user's"])
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a network of either kind: the two are read in different ways."""
    import keras

    path = tmp_path_factory.mktemp("network") / "model.keras"
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    if request.param == "of our own":
        network = keras.Model(network.inputs, network.outputs)
    network.save(path)
    return path


def _rewrite(good: Path, place: Path, **changes: bytes | None) -> Path:
    """Copy an archive with members replaced, added or (None) left out; `_` stands for `.`."""
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, content in changes.items():
        key = name.replace("__", "/").replace("_", ".")
        if content is None:
            members.pop(key)
        else:
            members[key] = content
    path = place / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _with_layer(good: Path, place: Path, layer: dict[str, object]) -> Path:
    with zipfile.ZipFile(good) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"].append(layer)
    return _rewrite(good, place, config_json=json.dumps(config).encode())


def test_a_plain_network_is_loaded(good):
    assert load_network(good).count_params() == 3


def _lambda(good: Path, place: Path) -> Path:
    return _with_layer(
        good, place, {"class_name": "Lambda", "module": "keras.layers", "config": {}}
    )


def _foreign_class(good: Path, place: Path) -> Path:
    layer = {"class_name": "Popen", "module": "subprocess", "config": {"args": "touch canary"}}
    return _with_layer(good, place, layer)


def _no_layers(good: Path, place: Path) -> Path:
    return _rewrite(good, place, config_json=b'{"class_name": "Functional", "config": []}')


def _texts_for_layers(good: Path, place: Path) -> Path:
    config = b'{"class_name": "Functional", "config": {"layers": ["x"]}}'
    return _rewrite(good, place, config_json=config)


def _zip_bomb(good: Path, place: Path) -> Path:
    return _rewrite(good, place, model_weights_h5=bytes(50 << 20))


def _further_member(good: Path, place: Path) -> Path:
    return _rewrite(good, place, evil_py=b"open('canary', 'w')")


def _no_weights(good: Path, place: Path) -> Path:
    return _rewrite(good, place, model_weights_h5=None)


def _no_archive(good: Path, place: Path) -> Path:
    path = place / "model.keras"
    path.write_bytes(good.read_bytes()[:200])
    return path


def _h5_file(good: Path, place: Path) -> Path:
    path = place / "model.h5"
    path.write_bytes(good.read_bytes())
    return path


def _external_link(good: Path, place: Path) -> Path:
    outside = place / "outside.h5"
    with h5py.File(outside, "w") as file:
        file["0"] = np.zeros((2, 1), dtype="float32")
    with zipfile.ZipFile(good) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        group["0"] = h5py.ExternalLink(str(outside), "0")
    return _rewrite(good, place, model_weights_h5=weights.getvalue())


@pytest.mark.parametrize(
    "make",
    [
        _lambda,
        _foreign_class,
        _no_layers,
        _texts_for_layers,
        _zip_bomb,
        _further_member,
        _no_weights,
        _no_archive,
        _h5_file,
        _external_link,
    ],
    ids=lambda make: make.__name__.strip("_"),
)
def test_a_harmful_file_is_refused(good, make: Callable[[Path, Path], Path], tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(IntegrityError, match="without code"):
        load_network(make(good, tmp_path))

    assert not (tmp_path / "canary").exists()


def test_a_deeply_nested_configuration_does_not_exhaust_the_stack(good, tmp_path):
    depth = 900  # what Python's JSON reader still takes
    text = '{"a":' * depth + "1" + "}" * depth

    check_network_file(_rewrite(good, tmp_path, config_json=text.encode()))
