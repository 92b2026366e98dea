"""One recipe per task: read, call the libraries, log, return a record. Runs without Airflow."""
