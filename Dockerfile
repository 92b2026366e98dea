# One image for every Airflow process and for the MLflow server of docker-compose.yaml.
#
# The slim image holds Airflow without its hundred providers: the lock brings the four that this
# project uses, and nothing that is not in the lock can be imported by a task by accident.
# Both versions below must be the lock's; tests/deployment/test_dockerfile.py compares them.
ARG AIRFLOW_VERSION=3.3.2
ARG PYTHON_VERSION=3.11
FROM apache/airflow:slim-${AIRFLOW_VERSION}-python${PYTHON_VERSION}

# Where the volumes are mounted: a new volume takes its owner and mode from these directories.
# Group 0 may write, so that the containers also run under another user id (AIRFLOW_UID).
USER root
RUN install --directory --owner=airflow --group=0 --mode=2775 \
    /var/lib/gatehouse /var/lib/gatehouse/data /var/lib/gatehouse/data/sources /var/lib/mlflow
USER airflow

# The lock first: this layer, the large one, is built again only when the lock changes.
# Byte code is compiled here because imports dominate the time of a task. The base image comes
# without any, so everything is compiled, not only what pip installs; a file in some package
# that is no valid Python (a template, say) is left as it is.
COPY --chown=airflow:0 requirements.txt /opt/airflow/requirements.txt
RUN --mount=type=cache,target=/tmp/.cache/pip,uid=50000 \
    pip install --no-compile --requirement /opt/airflow/requirements.txt \
    && { python -m compileall -q -q -j 0 "${VIRTUAL_ENV}/lib" || true; }

# `include` is imported from the project's root; Airflow itself adds config/, plugins/ and dags/.
ENV PYTHONPATH=/opt/airflow \
    KERAS_BACKEND=jax

# What changes most comes last.
COPY --chown=airflow:0 config /opt/airflow/config
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 dags /opt/airflow/dags
