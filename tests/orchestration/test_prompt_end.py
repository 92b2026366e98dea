"""What Airflow's supervisor sees of a task whose process ends."""

import os
import socket
import subprocess
import sys

TRIES = 20
TASK = """
import os
from include.orchestration.prompt_end import end_promptly
end_promptly()
os._exit(0)
"""


def test_a_task_is_over_when_the_last_of_its_streams_closes():
    for _ in range(TRIES):
        ours, theirs = socket.socketpair()
        task = subprocess.Popen([sys.executable, "-c", TASK], stdout=theirs, stderr=theirs)
        theirs.close()
        assert ours.recv(1000) == b"", "a stream stays open until the task ends"
        ours.close()
        seen, status = os.waitpid(task.pid, os.WNOHANG)
        task.returncode = status
        assert (seen, status) == (task.pid, 0)
