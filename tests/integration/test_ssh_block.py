"""Execute Ssh Command and a real server: whose key it must have, who may be reached, and limits."""

import ipaddress
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executions.effects import clients_of, ssh
from executions.effects.connections import Network
from executions.effects.files.store import FolderFiles
from executions.effects.ssh import SshShells
from flows.blocks import BY_TYPE
from flows.blocks.base import Effect
from flows.blocks.errors import BlockException
from flows.blocks.shell import NoPrompt, ShellError, SshServer
from flows.blocks.ssh.terminal import reading, terminal
from flows.graph import build
from flows.validation import validate
from tests.receivers import PASSWORD, USER
from tests.ssh_server import SshHost, ssh_host

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
REACH = Network(LOOPBACK)
HOW = reading(r".*[>|\$|#]", {})


@pytest.fixture(scope="module")
def host() -> Iterator[SshHost]:
    with ssh_host() as served:
        yield served


def run(at: SshHost, command: str = "echo in", **others: Any) -> str:
    shells = others.pop("shells", SshShells(REACH))
    settings = others.pop("settings", {})
    server = SshServer(**{
        "host": "127.0.0.1", "port": at.port, "user": USER, "password": PASSWORD, **others
    })  # fmt: skip
    dialogue = shells.run(server, terminal(settings, HOW), command)
    return str(HOW.outputs(dialogue, command)["Response"])


def test_a_host_key_is_given_as_key_or_fingerprint(host: SshHost) -> None:
    public = host.host_key.export_public_key().decode()
    assert run(host, host_key=public) == "in"
    assert run(host, host_key=host.fingerprint) == "in"
    other = host.user_key.export_public_key().decode()
    for wrong in (other, host.fingerprint.lower(), "nonsense"):
        with pytest.raises(ShellError, match="is not known: SHA256:") as caught:
            run(host, host_key=wrong)
        assert host.fingerprint in str(caught.value)


def test_known_hosts_count_on_this_machine_too(host: SshHost, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    public = host.host_key.export_public_key().decode()
    file.write_text(f"[127.0.0.1]:{host.port} {public}")
    assert run(host, shells=SshShells(REACH, file)) == "in"
    file.write_text(f"[127.0.0.1]:{host.port + 1} {public}")
    with pytest.raises(ShellError, match="is not known"):
        run(host, shells=SshShells(REACH, file))


def test_another_machine_is_not_trusted_unless_its_key_is_known(host: SshHost) -> None:
    """As 127.0.0.1 is by another address, the check is asked itself."""
    import asyncssh

    def trusts(address: str, host_key: str = "") -> bool:
        server = SshServer("example.org", 22, USER, PASSWORD, host_key=host_key)
        return ssh._Session(asyncssh, server, None, 0).trusts(address, host.host_key)

    assert trusts("127.0.0.1")
    assert trusts("::1")
    assert not trusts("93.184.216.34")
    assert not trusts("10.0.0.1")
    assert trusts("93.184.216.34", host.fingerprint)


def test_a_private_key_signs_in(host: SshHost) -> None:
    key = host.user_key.export_private_key("openssh")
    assert run(host, private_key=key, password="") == "in"
    locked = host.user_key.export_private_key("pkcs8-pem", "opens it")
    assert run(host, private_key=locked, password="opens it") == "in"
    for wrong in (locked, b"nonsense", host.host_key.export_private_key()):
        with pytest.raises(ShellError):
            run(host, private_key=wrong, password="x")


def test_nothing_of_the_workers_user_is_used(
    host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the keys in its folder nor its configuration."""
    folder = tmp_path / ".ssh"
    folder.mkdir()
    (folder / "id_ed25519").write_bytes(host.user_key.export_private_key())
    (folder / "config").write_text("Host *\n  Port 9\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ShellError, match="refuses the user name, the password or the key"):
        run(host, password="wrong")
    assert run(host) == "in"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1", "169.254.169.254"])
def test_private_addresses_are_refused_unless_allowed(host: SshHost, name: str) -> None:
    with pytest.raises(ShellError, match="private"):
        run(host, host=name, shells=SshShells(Network()))


@pytest.mark.parametrize("said", [b"", b"hello\r\n", b"SSH-2.0-x\r\n" + b"\0" * 5000])
def test_a_server_that_speaks_no_ssh_holds_nobody(said: bytes, host: SshHost) -> None:
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(said)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ShellError):
            run(
                host,
                port=listening.getsockname()[1],
                shells=SshShells(Network(LOOPBACK, begun + 1)),
            )
        thread.join(20)
    assert time.monotonic() - begun < 15


def test_output_without_end_is_cut_off(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "SHELL_CHARACTERS", 10_000)
    with pytest.raises(NoPrompt, match=r"more than 10,000 characters"):
        run(host, "yes")


def test_a_command_that_takes_too_long_is_cancelled(host: SshHost) -> None:
    seconds = f"600.{os.getpid()}"  # other tests run at the same time
    with pytest.raises(NoPrompt, match="within 1 seconds"):
        run(host, f"sleep {seconds}", settings={"Timeout": 1})
    deadline = time.monotonic() + 20
    while seconds in processes():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes() -> str:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(line for line in found if line.startswith("sleep"))


def test_a_command_must_not_run_twice() -> None:
    assert BY_TYPE["execute ssh command"].effect_of({}) is Effect.ONCE


def test_no_exception_repeats_a_password_or_key(host: SshHost, tmp_path: Path) -> None:
    block = BY_TYPE["execute ssh command"]
    for credentials in (
        {"Username": USER, "Password": "wrong-battery"},
        {"Username": USER, "PrivateKey": "wrong-battery-key", "CertificatePassword": "battery"},
    ):
        details = {"Host": "127.0.0.1", "Port": host.port, "Credentials": credentials}
        given = {prop.name: prop.default for prop in block.properties}
        given |= {"Command": "pwd", "Ssh Session Details": details}
        with pytest.raises(BlockException) as caught:
            block.perform(given, clients_of(FolderFiles(tmp_path), LOOPBACK))
        assert "battery" not in caught.value.value.message
    assert "battery" not in repr(SshServer("a", 1, "u", "battery", b"battery"))


def test_without_the_extra_a_flow_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = {
        "a": {"type": "Start Flow", "bottom": "b"},
        "b": {"type": "Execute Ssh Command", "bottom": "c"},
        "c": {"type": "End Flow"},
    }
    graph, _ = build({"flow": "f", "blocks": blocks})

    def summaries() -> list[str]:
        return [message.summary for message in validate(graph)]

    told = "Execute Ssh Command needs the extra `ssh`, which is not installed."
    assert told not in summaries()
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    assert told in summaries()


def test_asyncssh_is_loaded_by_the_first_command_only() -> None:
    """The other processes do without it, and without the time that it takes."""
    script = (
        "import django, sys; django.setup(); import executions.effects;"
        "sys.exit('asyncssh' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False)
    assert done.returncode == 0
