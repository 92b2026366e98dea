"""What `run_step` leaves of a step that failed."""

import errno

import pytest

from include.errors import RoomError
from include.records import StepFailure
from include.records.names import FAILURE
from include.settings import load_settings
from include.steps.runner import run_step
from include.tables.run_files import RunFiles
from tests.builders import make_run, make_spec


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_a_step_that_met_a_full_disk_leaves_a_message_of_ours_for_the_report():
    def write(spec, run):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = make_run(run_id="manual__full_disk")
    with pytest.raises(RoomError, match="expected room to write"):
        run_step(write, make_spec(), run)

    noted = RunFiles(load_settings().data, run).read_bytes(FAILURE)
    assert "expected room to write" in StepFailure.model_validate_json(noted).error
