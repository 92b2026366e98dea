"""Gatehouse: only data that passes trains a model; only a model that wins gets promoted."""

import os

# Keras takes TensorFlow, which is not installed, unless it is told before its import.
os.environ.setdefault("KERAS_BACKEND", "jax")
