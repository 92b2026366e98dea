"""Airflow, and only here: factories, params, context, the REST client."""
