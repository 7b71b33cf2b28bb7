"""Commands on other machines, by SSH."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients
from flows.blocks.errors import exception, invalid_property
from flows.blocks.records import Record, one_line
from flows.blocks.shell import NoPrompt, ShellError, SshServer
from flows.blocks.ssh.terminal import DEFAULTS, NAME, reading, terminal

_DETAILS = "Ssh Session Details"
_PROMPT = r".*[>|\$|#]"


class ExecuteSshCommand(Block):
    """Runs a command in a shell on another machine and gives what the shell answers, without the
    command that it repeats and without the prompt.

    Ssh Session Details is a structure of Host, Port (22), Credentials, TerminalPrompt (a regular
    expression for the last line when the shell is ready) and HostKey. Credentials are {Domain,
    Username, Password}, or {Username, CertificatePath, CertificatePassword} for a private key in a
    file below the files folder, or {Username, PrivateKey, CertificatePassword} for one in a
    variable. Declare the variable as secret.

    The server must be the right one: HostKey is its public key (`ssh-ed25519 AAAA…`) or the
    fingerprint of that (`SHA256:…`). Without HostKey the server must stand in the file of the
    setting SSH_KNOWN_HOSTS, or be this machine. Otherwise the block throws, and says which
    fingerprint it saw. No key, agent or configuration of the worker's user is used.

    Each block has a shell of its own, which it closes: write what belongs together in one command,
    as `cd /srv && ls`. A shell that is not ready within the Timeout (seconds, and at most 45 for
    all of the block), or that writes more than 1,000,000 characters, is sent the CancelCommand,
    and SshResponseException is thrown.
    """

    type = "Execute Ssh Command"
    palette = "Ssh"
    icon = "terminal"
    effect = Effect.ONCE
    needs = ("asyncssh", "ssh")
    properties = (
        Property("Command", "EncryptableText", default="", required=True, nonempty=True),
        Property(
            _DETAILS,
            "SshSessionDetails",
            Direction.BOTH,
            required=True,
            description="a variable with Host, Port, Credentials, TerminalPrompt and HostKey",
        ),
        Property(
            "Close Session",
            "Boolean",
            default=True,
            description="each block has a session of its own, which it closes",
        ),
        Property(NAME, "IDictionary<String, dynamic>", default=DEFAULTS, advanced=True),
        Property("Response", "String", Direction.OUTPUT),
        Property("Ssh Logs", "SshLogs", Direction.OUTPUT, advanced=True),
    )
    throws = (
        "PropertyValueOutOfRangeException",
        "RegexMatchTimeoutException",
        "RegexParsingFailedException",
        "SshClientException",
        "SshResponseException",
    )

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        details, settings = Record(_DETAILS, inputs[_DETAILS]), inputs[NAME] or {}
        prompt = _PROMPT
        if "TerminalPrompt" in details.members:
            prompt = details.needed_text("TerminalPrompt")
        how = reading(prompt, settings)
        server, shell = _server(details, clients), terminal(settings, how)
        try:
            dialogue = clients.shell.run(server, shell, inputs["Command"])
        except ShellError as error:
            raise exception("SshClientException", _without(server, str(error))) from None
        except NoPrompt as error:
            raise exception("SshResponseException", str(error)) from None
        return how.outputs(dialogue, inputs["Command"])


def _server(details: Record, clients: Clients) -> SshServer:
    host = one_line(details.needed_text("Host"), details.path("Host")).strip()
    credentials = details.needed_part("Credentials")
    domain, user = credentials.text("Domain"), credentials.needed_text("Username")
    key = _key(credentials, clients)
    name = "CertificatePassword" if key else "Password"
    password = credentials.text(name) if key else credentials.needed_text(name)
    return SshServer(
        host=host,
        port=details.number("Port", 22, 1, 65535),
        user=one_line(f"{domain}\\{user}" if domain else user, credentials.path("Username")),
        password=password,
        private_key=key,
        host_key=details.text("HostKey").strip(),
    )


def _key(credentials: Record, clients: Clients) -> bytes:
    """Return the private key; nothing where a password counts."""
    if key := credentials.text("PrivateKey"):
        return key.encode()
    if "CertificatePath" not in credentials.members:
        return b""
    path = credentials.needed_text("CertificatePath")
    try:
        return clients.files.read(path)
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:
        problem = str(error)
    raise invalid_property(credentials.path("CertificatePath"), f"it cannot be read: {problem}")


def _without(server: SshServer, text: str) -> str:
    return text.replace(server.password, "••••••") if server.password else text
