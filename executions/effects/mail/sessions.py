"""Sessions with mail servers: connected, encrypted as asked, and over in time."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from executions.effects.connections import HostRefused, Network, ending_at
from flows.blocks.mail import MailError, MailRefused, MailServer

Client = TypeVar("Client")

NO_ENCRYPTION = (
    "The server has no encryption (STARTTLS). Use a port that has it, or set UseSsl to false, "
    "which sends the password unencrypted."
)


@dataclass(frozen=True, slots=True)
class Protocol(Generic[Client]):
    """What the sessions of a protocol have in common."""

    #: The usual port with encryption, and without.
    tls_port: int
    port: int
    #: The ports whose servers begin without encryption.
    plain_ports: frozenset[int]
    #: Begins a session on a connection to the host of that name.
    begin: Callable[[socket.socket, str], Client]
    #: Encrypts a session. Raises MailError where the server does not.
    encrypt: Callable[[Client, ssl.SSLContext], None]
    #: Signs in. Raises MailError.
    sign_in: Callable[[Client, MailServer], None]
    #: Ends a session; it may be broken.
    end: Callable[[Client], None]
    #: What the library raises because of the server.
    failures: tuple[type[Exception], ...]


@contextmanager
def session(protocol: Protocol[Client], server: MailServer, network: Network) -> Iterator[Client]:
    """Yield a session of the user that the server names. Raises MailError."""
    until = network.deadline()
    port = server.port or (protocol.tls_port if server.tls else protocol.port)
    at = f"{server.host}:{port}"
    try:
        with ExitStack() as stack:
            client = _encrypted(protocol, server, network, _Attempt(port, until, stack))
            protocol.sign_in(client, server)
            yield client
    except (MailError, MailRefused):
        raise
    except HostRefused as error:
        raise MailError(str(error), "Socket", 101) from None
    except ssl.SSLError as error:
        problem = error.verify_message if isinstance(error, ssl.CertificateError) else error.reason
        raise MailError(f"{at} gives no good encryption: {problem}", "SSL", 201) from None
    except protocol.failures as error:
        late = time.monotonic() >= until
        problem = "it took too long" if late else str(error) or type(error).__name__
        raise MailError(f"The session with {at} failed: {problem}", "Socket", 100) from None


@dataclass(frozen=True, slots=True)
class _Attempt:
    port: int
    until: float
    stack: ExitStack


def _encrypted(
    protocol: Protocol[Client], server: MailServer, network: Network, attempt: _Attempt
) -> Client:
    """Return a session, which is encrypted where the server is to be spoken to in secret."""
    if server.tls and attempt.port not in protocol.plain_ports:
        try:
            return _begun(protocol, server, network, attempt, encrypted=True)
        except ssl.CertificateError:
            raise
        except ssl.SSLError:
            pass  # It begins without encryption, as its greeting shows.
    client = _begun(protocol, server, network, attempt, encrypted=False)
    if server.tls:
        protocol.encrypt(client, network.tls)
    return client


def _begun(
    protocol: Protocol[Client],
    server: MailServer,
    network: Network,
    attempt: _Attempt,
    *,
    encrypted: bool,
) -> Client:
    connection = network.connect(server.host, attempt.port, attempt.until)
    attempt.stack.enter_context(ending_at(connection, attempt.until))
    attempt.stack.callback(connection.close)
    if encrypted:
        connection = network.tls.wrap_socket(connection, server_hostname=server.host)
        attempt.stack.callback(connection.close)
    client = protocol.begin(connection, server.host)
    attempt.stack.callback(_end, protocol, client)
    return client


def _end(protocol: Protocol[Client], client: Client) -> None:
    with suppress(*protocol.failures):
        protocol.end(client)
