"""Fixtures that several integration tests share."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings

from cortexweb.accounts import login_attempts
from cortexweb.data_folder import DataFolder
from cortexweb.embedded.dumps import load
from cortexweb.embedded.programs import postgres_programs
from cortexweb.up.preparation import build_static
from flows.models import FlowVersion
from flows.publish import save_draft
from tests.debugging import NESTED, NESTED_VARIABLES, Session
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
    publish,
)
from tests.integration.test_publish import ORDERS
from tests.proxies import port_of
from tests.servers import postgres_server
from tests.temporary import reachable_temporary_folder


@pytest.fixture(autouse=True)
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """All attempts of a test count together: none of the five minutes ends in between."""
    monkeypatch.setattr(login_attempts, "WINDOW", 10**9)


@pytest.fixture
def draft() -> FlowVersion:
    """A draft of the Orders flow."""
    return save_draft(ORDERS).version


@pytest.fixture(scope="session")
def postgresql_url(servers: None, django_db_setup: None) -> Iterator[str]:
    """The URL of the session's PostgreSQL as a server on the network."""
    with port_of(str(settings.DATA.sockets / ".s.PGSQL.5432")) as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/{connection.settings_dict['NAME']}"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def loop(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)


@pytest.fixture
def nap(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)


@pytest.fixture
def nested(tmp_path: Path) -> FlowVersion:
    """Two nested workspaces, and an exception in the inner one."""
    return publish(tmp_path, "nested", NESTED, NESTED_VARIABLES)


@pytest.fixture
def parent(tmp_path: Path) -> FlowVersion:
    """A flow that runs another as its child."""
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    return publish(tmp_path, "parent", PARENT, PARENT_VARIABLES)


@pytest.fixture
def ada(admin_user: User) -> Session:
    """An administrator who debugs."""
    return Session(admin_user)


@pytest.fixture(scope="session")
def first_start(django_db_setup: None) -> Iterator[Path]:
    """A data folder as the first start of `up` leaves it, for `tests.installations.prepare`.

    Its tables are those of the session's database: migrations take six seconds of a processor, and
    tests/integration/test_up.py has them applied. Its scripts and styles have been built.
    """
    folder = Path(tempfile.mkdtemp(prefix="cortexweb-", dir=reachable_temporary_folder()))
    folder.chmod(0o711)
    data = DataFolder(folder / "data")
    program = postgres_programs(settings.DATA) / "pg_dump"
    command = [program, "--format=custom", f"--file={folder / 'dump'}"]
    command += [f"--host={settings.DATA.sockets}", "--username=postgres"]
    subprocess.run([*command, str(connection.settings_dict["NAME"])], check=True)
    with postgres_server(data):
        load(data, folder / "dump")
    with override_settings(STATIC_ROOT=str(data.path / "static")):
        build_static(data.path / "static.built")
    yield data.path
    shutil.rmtree(folder)
