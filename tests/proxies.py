"""Proxies: one that lets no WebSocket through, as there are in some offices, and one that makes a
Unix socket a port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _serve(client: socket.socket, port: int, answer: int) -> None:
    head = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in head and (data := client.recv(65536)):
            head += data
    if b"upgrade: websocket" in head.lower():
        with suppress(OSError):
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % answer)
        client.close()
        return
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(head)
        back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
        back.start()
        _pipe(client, server)
        back.join()


@contextmanager
def refusing_proxy(port: int, answer: int) -> Iterator[int]:
    """The port of a proxy before `port` that answers a WebSocket's handshake with that status."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    args = (client, port, answer)
                    threading.Thread(target=_serve, args=args, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def _forward(client: socket.socket, path: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
        back.start()
        _pipe(client, server)
        back.join()


@contextmanager
def port_of(path: str) -> Iterator[int]:
    """The port at which whatever listens at a Unix socket can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_forward, args=(client, path), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
