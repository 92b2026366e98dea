"""A task whose state Airflow learns from the end of its process ends without a second's delay."""

import contextlib
import os
import subprocess


def end_promptly() -> None:
    """Let the supervisor see the end of this process when it comes.

    Success is told by a message, but a skipped task counts as one only when its process is over.
    Airflow's supervisor looks whether it is when the last of the task's streams closes, which the
    kernel does a moment before; a look that comes too early is followed by none until the next
    heartbeat, a second later. So a shell holds the streams, too, until the pipe breaks that only
    this process holds open, and then for as long as a busy machine may take to end it.
    """
    read_end, _kept_open = os.pipe()
    with contextlib.suppress(OSError):  # without a shell the end is seen later, that is all
        holder = subprocess.Popen(["/bin/sh", "-c", "cat; sleep 0.1"], stdin=read_end)
        # It is meant to outlive this process, and Popen must not warn that it does.
        holder.returncode = 0
    os.close(read_end)
