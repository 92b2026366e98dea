"""Keras runs on JAX in whatever shell our code is started."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["include.steps.simulate", "include.steps.reproduce"])
def test_keras_runs_on_jax_where_the_environment_says_nothing(module):
    told = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = f"import {module}, keras; print(keras.backend.backend())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "jax", done.stderr[-500:]
