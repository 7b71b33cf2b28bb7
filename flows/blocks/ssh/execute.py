"""Commands on other machines, by SSH."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients
from flows.blocks.errors import exception, invalid_property
from flows.blocks.records import Record, one_line
from flows.blocks.shell import Kept, NoPrompt, ShellError, SshServer
from flows.blocks.ssh.terminal import DEFAULTS, NAME, reading, terminal

_DETAILS = "Ssh Session Details"
_PROMPT = r".*[>|\$|#]"
#: The member of the details that names a session which is open.
_SESSION = "Session"


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

    With Close Session false the shell stays open for the blocks after it that have the same
    details: the folder and the variables that a command sets are there for the next one. Session,
    which the block puts into the details, names it. The shell ends with the execution, and when
    that waits, is paused, or goes to another worker, as after a crash. A block that then still
    names it throws SshClientException, and runs nothing in a shell that is not as the flow thinks;
    details without Session begin a new one. An execution may have 10 sessions open, and stays on
    its worker for a minute after the last command.

    A shell that is not ready within the Timeout (seconds, and at most 45 for all of the block), or
    that writes more than 1,000,000 characters, is sent the CancelCommand and closed, and
    SshResponseException is thrown.
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
            description="false leaves the shell open for the next block with these details",
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
        kept = Kept(details.text(_SESSION), on=not inputs["Close Session"])
        try:
            dialogue = clients.shell.run(server, shell, inputs["Command"], kept)
        except ShellError as error:
            raise exception("SshClientException", _without(server, str(error))) from None
        except NoPrompt as error:
            raise exception("SshResponseException", str(error)) from None
        outputs = dict(how.outputs(dialogue, inputs["Command"]))
        if dialogue.session != kept.session:
            told = {_SESSION: dialogue.session} if dialogue.session else {}
            others = {key: item for key, item in details.members.items() if key != _SESSION}
            outputs[_DETAILS] = others | told
        return outputs


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
