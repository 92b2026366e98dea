from pathlib import Path

import numpy as np
import pytest

from include.modeling.checkpoints import Checkpoint, CheckpointFile
from include.modeling.progress import FitState


def make_checkpoint(epochs: int = 2, width: int = 3) -> Checkpoint:
    history = tuple({"loss": 0.1 + 0.2 * epoch, "val_loss": 1 / 3} for epoch in range(epochs))
    weights = [np.arange(width, dtype="float32"), np.array(7, dtype="uint32")]
    state = FitState(history=history, best_loss=0.25, best_epoch=1, best_weights=weights[:1])
    return Checkpoint(state, weights, [np.ones((2, 2))])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file, written = CheckpointFile(tmp_path / "new" / "c.npz", "f"), make_checkpoint()
    assert file.read() is None
    file.write(written)
    found = file.read()
    assert found is not None
    assert found.state.history == written.state.history
    assert (found.state.epoch, found.state.best_epoch, found.state.best_loss) == (2, 1, 0.25)
    for one, other in zip(found.weights, written.weights, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert [len(found.state.best_weights), len(found.slots)] == [1, 1]


def test_many_arrays_keep_their_order(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "c.npz", "f")
    weights = [np.array([number]) for number in range(25)]
    file.write(Checkpoint(FitState(), weights, []))
    found = file.read()
    assert found is not None
    assert [int(each[0]) for each in found.weights] == list(range(25))


@pytest.mark.parametrize("kept", [0, 10, 200], ids=["empty", "short", "half"])
def test_a_damaged_file_is_as_good_as_none(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    file = CheckpointFile(tmp_path / "c.npz", "f")
    file.write(make_checkpoint())
    file.path.write_bytes(file.path.read_bytes()[:kept])
    assert file.read() is None
    assert "is damaged" in caplog.text


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "c.npz", "f")
    file.write(make_checkpoint(width=3000))
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(bytes(content))
    assert file.read() is None


def test_a_failed_write_leaves_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = CheckpointFile(tmp_path / "c.npz", "f")
    file.write(make_checkpoint(epochs=1))

    def run_out_of_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", run_out_of_space)
    with pytest.raises(OSError, match="No space left"):
        file.write(make_checkpoint(epochs=2))
    found = file.read()
    assert found is not None
    assert found.state.epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_delete_removes_what_killed_writers_left(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "c.npz", "f")
    file.write(make_checkpoint())
    (tmp_path / ".c.npz.123-abcd").write_bytes(b"half")
    file.delete()
    file.delete()
    assert not list(tmp_path.iterdir())
