"""Networks with Keras: building, fitting, predicting, measuring, comparing."""

import os

# Keras takes TensorFlow, which is not installed, unless it is told before its import.
os.environ.setdefault("KERAS_BACKEND", "jax")
