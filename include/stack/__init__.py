"""The local stack: Airflow and MLflow as background processes of one machine."""
