"""The log-in of an MLflow server: nobody without it, readers read, the tasks write."""

import os
import stat

import httpx
import pytest

from include.errors import TrackingLoginError
from include.records import RunContext
from include.settings import Settings
from include.stack import services
from include.tracking import accounts
from include.tracking.aliases import find_champion
from include.tracking.connection import connect, tracking_calls
from include.tracking.runs import end_run, open_run
from tests.mlflow_fixture import free_port

pytestmark = pytest.mark.xdist_group("login")
RUN = RunContext(pipeline="digits", dag_id="train__digits", run_id="manual__1")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Give a local stack whose MLflow server asks for a log-in, and is up."""
    found = Settings(
        home=tmp_path_factory.mktemp("home"), mlflow_port=free_port(), mlflow_login=True
    )
    try:
        services.start_mlflow(found, print)
        yield found
    finally:
        services.stop_stack(found)


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """Begin each test logged in as nobody, and forget whom it logged in as."""
    for name in (accounts.USERNAME, accounts.PASSWORD):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def call(settings, method, path, account="", **body):
    login = (account, accounts.make_passwords(settings)[account]) if account else None
    url = f"{settings.mlflow}/api/2.0/mlflow/{path}"
    return httpx.request(method, url, auth=login, json=body, timeout=30).status_code


def test_nobody_gets_in_without_an_account(settings):
    assert call(settings, "POST", "experiments/search", max_results=1) == 401
    assert call(settings, "POST", "experiments/create", name="mine") == 401
    url = f"{settings.mlflow}/api/2.0/mlflow-artifacts/artifacts/0/code/include.zip"
    assert httpx.put(url, content=b"another").status_code == 401
    for password in ("password1234", "admin", ""):
        url = f"{settings.mlflow}/api/2.0/mlflow/users/current"
        assert httpx.get(url, auth=("admin", password)).status_code == 401


def test_tasks_log_in_by_themselves_and_write(settings):
    assert find_champion(settings, "digits") is None
    log = open_run(settings, RUN)
    log.log_metrics({"accuracy": 0.9})
    log.log_text("<p>page</p>", "report.html")
    assert end_run(settings, RUN, "FINISHED")
    log.client.create_registered_model("digits")
    assert find_champion(settings, "digits") is None
    assert os.environ[accounts.USERNAME] == "gatehouse"


def test_a_reader_reads_and_changes_nothing(settings):
    run = open_run(settings, RUN)
    assert (
        call(settings, "POST", "runs/search", "reader", experiment_ids=[run.experiment_id]) == 200
    )
    tag = {"run_id": run.run_id, "key": "gatehouse.digest", "value": "another"}
    assert call(settings, "POST", "runs/set-tag", "reader", **tag) == 403
    alias = {"name": "digits", "alias": "champion", "version": "1"}
    assert call(settings, "POST", "registered-models/alias", "reader", **alias) == 403
    assert call(settings, "POST", "users/create", "reader", username="x", password="y" * 12) == 403
    assert (
        call(settings, "POST", "users/create", "gatehouse", username="x", password="y" * 12) == 403
    )


def test_what_an_account_may_not_do_is_told_and_not_tried_again(settings, monkeypatch):
    open_run(settings, RUN)  # MLflow lets every account begin experiments of its own
    monkeypatch.setenv(accounts.USERNAME, "reader")
    monkeypatch.setenv(accounts.PASSWORD, accounts.make_passwords(settings)["reader"])
    with pytest.raises(TrackingLoginError, match=r"must accept the log-in. Received: .*as reader"):
        open_run(settings, RUN).set_tags({"gatehouse.verdict": "promote"})
    monkeypatch.setenv(accounts.PASSWORD, "wrong")
    client = connect(settings)
    with pytest.raises(TrackingLoginError), tracking_calls(settings.mlflow):
        client.get_experiment_by_name("digits")


def test_a_password_that_changed_outside_is_set_anew(settings):
    passwords = accounts.make_passwords(settings)
    accounts.make_accounts(settings.mlflow, passwords | {"reader": "another password"})
    url = f"{settings.mlflow}/api/2.0/mlflow/users/current"
    assert httpx.get(url, auth=("reader", "another password")).status_code == 200
    accounts.make_accounts(settings.mlflow, passwords)
    with pytest.raises(TrackingLoginError, match="password of 'admin'"):
        accounts.make_accounts(settings.mlflow, passwords | {"admin": "not the one"})


def test_passwords_are_made_up_once_and_readable_by_the_owner_only(settings, tmp_path):
    first = accounts.make_passwords(settings)
    assert first == accounts.make_passwords(settings)
    assert len(set(first.values())) == len(first) == 3
    for path in (settings.home / "mlflow").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    other = accounts.make_passwords(Settings(home=tmp_path))
    assert not set(other.values()) & set(first.values())


def test_the_server_knows_no_other_password_than_the_administrators(settings):
    process = services.find_process(settings, "mlflow")
    told = process.environ()
    passwords = accounts.make_passwords(settings)
    assert told["MLFLOW_AUTH_ADMIN_PASSWORD"] == passwords["admin"]
    assert passwords["gatehouse"] not in told.values()


def test_another_server_is_never_shown_the_local_passwords(settings):
    elsewhere = settings.model_copy(update={"mlflow_url": "http://127.0.0.1:1"})
    accounts.log_in(elsewhere)
    assert accounts.USERNAME not in os.environ
