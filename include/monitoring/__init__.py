"""Whether the world is still the one that a model was trained in: drift, labels, estimates."""
