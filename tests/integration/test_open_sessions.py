"""Sessions that a block leaves open for the blocks after it (Close Session: false)."""

import ipaddress
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from executions import recovery
from executions.effects import clients_of
from executions.effects import sessions as open_sessions
from executions.effects.files.store import FolderFiles
from executions.effects.sessions import Sessions
from executions.models import Execution, Step
from executions.states import Status
from flows.blocks import BY_TYPE
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException
from tests.driving import begin, drive, expire_leases, outputs
from tests.flows_in_tests import publish
from tests.receivers import PASSWORD, USER
from tests.servers import celery_worker
from tests.ssh_server import SshHost, ssh_host

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def host() -> Iterator[SshHost]:
    with ssh_host() as served:
        yield served


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    kept = Sessions()
    yield kept
    kept.close()


@pytest.fixture
def clients(tmp_path: Path, sessions: Sessions) -> Clients:
    return clients_of(FolderFiles(tmp_path), LOOPBACK, sessions=sessions)


def details(host: SshHost, **more: Any) -> dict[str, Any]:
    credentials = {"Username": USER, "Password": PASSWORD}
    return {"Host": "127.0.0.1", "Port": host.port, "Credentials": credentials, **more}


def perform(clients: Clients, kind: str, **inputs: Any) -> dict[str, Any]:
    block = BY_TYPE[kind]
    given = {prop.name: prop.default for prop in block.properties if prop.reads}
    given |= {name.replace("_", " "): value for name, value in inputs.items()}
    return dict(block.perform(given, clients))


def ssh(clients: Clients, command: str, told: dict[str, Any], *, close: bool) -> dict[str, Any]:
    inputs = {"Command": command, "Ssh_Session_Details": told, "Close_Session": close}
    return perform(clients, "execute ssh command", **inputs)


def test_a_shell_stays_open_for_the_next_command(host: SshHost, clients: Clients) -> None:
    first = ssh(clients, "cd /tmp; WORD=kept", details(host), close=False)
    told = first["Ssh Session Details"]
    assert told == details(host, Session=told["Session"])
    assert first["Ssh Logs"]["WelcomeMessage"] == "Welcome to test"
    second = ssh(clients, "pwd; echo $WORD", told, close=False)
    assert second["Response"] == "/tmp\nkept"
    assert second["Ssh Logs"]["WelcomeMessage"] == ""
    assert "Ssh Session Details" not in second
    # The same details find it too, and the last block closes it.
    third = ssh(clients, "echo $WORD", details(host), close=True)
    assert third["Response"] == "kept"
    assert ssh(clients, "echo $WORD.", details(host), close=True)["Response"] == "."


def test_the_last_command_takes_the_session_out_of_the_details(
    host: SshHost, clients: Clients
) -> None:
    told = ssh(clients, "true", details(host), close=False)["Ssh Session Details"]
    assert ssh(clients, "true", told, close=True)["Ssh Session Details"] == details(host)


def test_a_command_for_a_lost_shell_runs_in_no_other(
    host: SshHost, clients: Clients, sessions: Sessions, tmp_path: Path
) -> None:
    told = ssh(clients, f"cd {tmp_path}", details(host), close=False)["Ssh Session Details"]
    sessions.close()
    with pytest.raises(BlockException) as caught:
        ssh(clients, "touch made", told, close=True)
    assert caught.value.value.short_type == "SshClientException"
    assert caught.value.value.message.startswith("The session that the details name has ended: ")
    # Neither in one that others have opened since.
    ssh(clients, f"cd {tmp_path}", details(host), close=False)
    with pytest.raises(BlockException, match="has ended"):
        ssh(clients, "touch made", told, close=True)
    assert not (tmp_path / "made").exists()


def test_a_shell_in_which_a_command_fails_is_closed(host: SshHost, clients: Clients) -> None:
    told = ssh(clients, "WORD=kept", details(host), close=False)["Ssh Session Details"]
    with pytest.raises(BlockException, match="SshResponseException"):
        perform(
            clients,
            "execute ssh command",
            Command="sleep 5",
            Ssh_Session_Details=told,
            Close_Session=False,
            Configuration_Settings={"Timeout": 1},
        )
    with pytest.raises(BlockException, match="has ended"):
        ssh(clients, "echo $WORD", told, close=False)


# Databases ---------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql", "pg8000"])
def url(request: pytest.FixtureRequest) -> str:
    """A database by each of the drivers."""
    if request.param == "sqlite":
        return "sqlite:///t.db"
    found: str = request.getfixturevalue("postgresql_url")
    return found.replace("postgresql:", f"postgresql+{request.param}:".replace("+postgresql", ""))


def sql(
    clients: Clients, url: str, text: str, *, close: bool = False, read_only: bool = False
) -> Any:
    found = perform(
        clients,
        "execute data command",
        Command={"CommandText": text, "Type": "Commands"},
        Connection_Details={"ConnectionString": url, "ReadOnly": read_only},
        Close_Connection=close,
    )["Result"]
    return found[-1]


def refused(*args: Any, **more: Any) -> tuple[int | None, str]:
    with pytest.raises(BlockException) as caught:
        sql(*args, **more)
    return caught.value.value.error_code, caught.value.value.message


@pytest.mark.django_db(transaction=True)
def test_a_connection_stays_open_for_the_next_command(url: str, clients: Clients) -> None:
    sql(clients, url, "CREATE TEMP TABLE kept (a int); INSERT INTO kept VALUES (1)")
    assert sql(clients, url, "SELECT a FROM kept") == [{"a": 1}]
    # What fails is undone, and the connection stays.
    assert refused(clients, url, "INSERT INTO kept VALUES (2); SELECT * FROM nothing")[0] == 2000
    assert sql(clients, url, "SELECT a FROM kept", close=True) == [{"a": 1}]
    assert refused(clients, url, "SELECT a FROM kept", close=True)[0] == 2000


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_left_open_holds_no_lock(
    url: str, clients: Clients, tmp_path: Path
) -> None:
    other = clients_of(FolderFiles(tmp_path), LOOPBACK)
    try:
        sql(clients, url, "CREATE TABLE shared (a int); INSERT INTO shared VALUES (1)")
        sql(clients, url, "SELECT * FROM shared")
        assert sql(other, url, "UPDATE shared SET a = 2", close=True) == 1
        assert sql(clients, url, "SELECT a FROM shared") == [{"a": 2}]
    finally:
        sql(clients, url, "DROP TABLE shared")


@pytest.mark.django_db(transaction=True)
def test_a_command_on_an_open_connection_ends_in_time(
    url: str, clients: Clients, sessions: Sessions, tmp_path: Path
) -> None:
    sql(clients, url, "SELECT 1")
    until = time.monotonic() + 1
    hurried = clients_of(FolderFiles(tmp_path), LOOPBACK, until, sessions=sessions)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n"
    assert refused(hurried, url, endless)[0] == 3000
    assert time.monotonic() < until + 20
    # A block after it has time of its own. A driver of SQLAlchemy had to break its connection.
    assert sql(clients, url, "SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_changed_with_read_only(url: str, clients: Clients) -> None:
    sql(clients, url, "CREATE TABLE fixed (a int)", close=True)
    try:
        for _ in range(2):
            assert sql(clients, url, "SELECT a FROM fixed", read_only=True) == []
            assert refused(clients, url, "INSERT INTO fixed VALUES (1)", read_only=True)[0] == 3000
            way_back = "SET TRANSACTION READ WRITE; INSERT INTO fixed VALUES (1)"
            assert refused(clients, url, way_back, read_only=True)[0] in (2000, 3000)
        assert sql(clients, url, "SELECT a FROM fixed", close=True) == []
    finally:
        sql(clients, url, "DROP TABLE fixed", close=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("driver", ["postgresql", "postgresql+pg8000"])
def test_a_connection_that_the_server_ends_is_told_once(
    clients: Clients, postgresql_url: str, driver: str
) -> None:
    url = postgresql_url.replace("postgresql:", f"{driver}:")
    (row,) = sql(clients, url, "SELECT pg_backend_pid() AS pid", read_only=True)
    sql(clients, url, f"SELECT pg_terminate_backend({row['pid']}, 5000)", close=True)
    code, message = refused(clients, url, "SELECT 1", read_only=True)
    assert (code, message.split(": ")[1]) == (1000, "the connection that was left open is lost")
    assert sql(clients, url, "SELECT 1 AS a", read_only=True, close=True) == [{"a": 1}]


def test_a_file_that_was_replaced_is_written_by_nobody(clients: Clients, tmp_path: Path) -> None:
    sql(clients, "sqlite:///t.db", "CREATE TABLE t (a)")
    (tmp_path / "t.db").rename(tmp_path / "old.db")
    code, message = refused(clients, "sqlite:///t.db", "INSERT INTO t VALUES (1)")
    assert (code, "deleted or replaced" in message) == (1000, True)
    assert sql(clients, "sqlite:///old.db", "SELECT * FROM t", close=True) == []
    assert refused(clients, "sqlite:///t.db", "SELECT * FROM t", close=True)[0] == 2000


def test_so_many_sessions_stay_open(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_sessions, "OPEN_SESSIONS", 2)
    closed: list[int] = []

    class Session:
        def __init__(self, number: int) -> None:
            self.number = number

        def close(self) -> None:
            closed.append(self.number)
            raise OSError("broken")

    assert not sessions.hold_worker
    for number in range(3):
        sessions.keep(number, Session(number))
    assert (closed, sessions.hold_worker) == ([0], True)
    assert isinstance(sessions.take(1), Session)
    sessions.close()
    assert closed == [0, 2]
    monkeypatch.setattr(open_sessions, "SESSION_HOLDS_WORKER_SECONDS", 0)
    sessions.keep(3, Session(3))
    assert not sessions.hold_worker


BLOCKS = """
start: {type: Start Flow, bottom: first}
first:
  type: Execute Ssh Command
  properties: {Command: cd /tmp, Ssh Session Details: ($)Host, Close Session: false}
  bottom: second
second:
  type: Execute Ssh Command
  properties:
    Command: pwd
    Ssh Session Details: ($)Host
    Close Session: false
    Response: ($)Response
  bottom: wait
wait: {type: Wait For Duration, properties: {Duration: {Milliseconds: 1}}, bottom: third}
third:
  type: Execute Ssh Command
  properties: {Command: pwd, Ssh Session Details: ($)Host}
  bottom: end
  exception: caught
caught: {type: Handle Block Exception, properties: {Exception: ($)Ended}, bottom: end}
end: {type: End Flow}
"""
VARIABLES = "{Host: {input: true}, Response: {output: true}, Ended: {output: true}}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis")
def test_a_session_lasts_until_the_execution_waits(
    host: SshHost, settings: Any, tmp_path: Path
) -> None:
    settings.HTTP_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    execution = drive(begin(publish(tmp_path, "shells", BLOCKS, VARIABLES), Host=details(host)).pk)
    assert execution.status == Status.ENDED
    found = outputs(execution)
    assert found["Response"] == "/tmp"
    assert found["Ended"].short_type == "SshClientException"


# A worker that dies ------------------------------------------------------------------------------

#: Both blocks leave something open; what comes after waits without parking.
KILLED = """
start: {type: Start Flow, bottom: cd}
cd:
  type: Execute Ssh Command
  properties: {Command: "cd /tmp; WORD=kept", Ssh Session Details: ($)Host, Close Session: false}
  bottom: make
make:
  type: Execute Data Command
  properties:
    Command: {CommandText: CREATE TEMP TABLE kept (a int)}
    Connection Details: ($)Database
    Close Connection: false
  bottom: look
look:
  type: Check File Exists
  properties: {File Path: go, File Exists: ($)Go}
  bottom: ask
ask: {type: If True Exit Right, properties: {Value: ($)Go}, bottom: look, right: touch}
touch:
  type: Execute Ssh Command
  properties: {Command: =Command, Ssh Session Details: ($)Host}
  bottom: read
  exception: ended
ended: {type: Handle Block Exception, properties: {Exception: ($)Ended}, bottom: forget}
forget:
  type: Set Variable
  properties: {Value: '=without(Host, "Session")', Variable: ($)Host}
  bottom: again
again:
  type: Execute Ssh Command
  properties:
    Command: echo $WORD.
    Ssh Session Details: ($)Host
    Response: ($)Response
  bottom: read
read:
  type: Execute Data Command
  properties: {Command: {CommandText: SELECT * FROM kept}, Connection Details: ($)Database}
  bottom: end
  exception: missing
missing: {type: Handle Block Exception, properties: {Exception: ($)Missing}, bottom: end}
end: {type: End Flow}
"""
KILLED_VARIABLES = """
{Host: {input: true}, Database: {input: true}, Command: {input: true}, Go: {default: false},
 Ended: {output: true}, Response: {output: true}, Missing: {output: true}}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis")
def test_after_the_death_of_a_worker_no_command_runs_elsewhere(
    host: SshHost,
    settings: Any,
    tmp_path: Path,
    product_environment: dict[str, str],
    postgresql_url: str,
) -> None:
    settings.HTTP_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    settings.FILES_ROOT = tmp_path / "files"
    settings.FILES_ROOT.mkdir()
    mine = {"FILES_ROOT": str(settings.FILES_ROOT), "HTTP_PRIVATE_ADDRESSES": "127.0.0.0/8"}
    worker = celery_worker(tmp_path / "worker.log", {**product_environment, **mine}, 1)
    execution = begin(
        publish(tmp_path, "killed", KILLED, KILLED_VARIABLES),
        Host=details(host),
        Database={"ConnectionString": postgresql_url},
        Command=f"touch {tmp_path}/made",
    )
    try:
        worker.wait_until(partial(_has_visited, execution, "look"))
    finally:
        worker.kill()
    (settings.FILES_ROOT / "go").touch()
    expire_leases()
    recovery.recover()
    execution = drive(execution.pk)
    assert execution.status == Status.ENDED
    found = outputs(execution)
    assert found["Ended"].short_type == "SshClientException"
    assert found["Ended"].message.startswith("The session that the details name has ended: ")
    assert not (tmp_path / "made").exists()
    # Details without Session begin a new shell, which is as the first one was.
    assert found["Response"] == "."
    assert found["Missing"].error_code == 2000
    # What was done before is not done again.
    for block in ("cd", "make"):
        assert Step.objects.filter(execution=execution, block=block).count() == 1


def _has_visited(execution: Execution, block: str) -> bool:
    return Step.objects.filter(execution=execution, block=block).exists()
