"""MLflow: runs, logged models, the registry and its aliases."""
