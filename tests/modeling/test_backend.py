"""Keras runs on JAX in whatever shell our code is started."""

import os
import subprocess
import sys

MODULES = ("include.steps.simulate", "include.steps.reproduce")
# Each in a fork that has the other libraries in memory, which take longer to import than Keras.
CODE = """
import importlib, os, sys
import great_expectations, jax, matplotlib.pyplot, sklearn.ensemble
assert "keras" not in sys.modules
for module in sys.argv[1:]:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    importlib.import_module(module)
    import keras
    print(module, keras.backend.backend(), flush=True)
    os._exit(0)
"""


def test_keras_runs_on_jax_where_the_environment_says_nothing():
    told = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, *MODULES],
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [f"{each} jax" for each in MODULES], done.stderr[-500:]
