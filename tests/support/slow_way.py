"""A way to a server on which everything takes its time: a TCP proxy that holds each piece back for a while."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

CHUNK = 64 * 1024


@contextlib.contextmanager
def slow_way(url: str, delay_s: float) -> Iterator[str]:
    """`url` by way of a proxy that holds back each piece, there and back, for `delay_s`."""
    found = urlsplit(url)
    there = (found.hostname or "127.0.0.1", found.port or 5432)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, there, delay_s), daemon=True).start()
        user, at, _ = found.netloc.rpartition("@")
        yield found._replace(netloc=f"{user}{at}127.0.0.1:{server.getsockname()[1]}").geturl()
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, there: tuple[str, int], delay_s: float) -> None:
    with contextlib.suppress(OSError):  # the end: nobody listens any more
        while True:
            near, _ = server.accept()
            threading.Thread(target=_join, args=(near, there, delay_s), daemon=True).start()


def _join(near: socket.socket, there: tuple[str, int], delay_s: float) -> None:
    with near, socket.create_connection(there) as far:
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_pump, args=(far, near, delay_s), daemon=True)
        back.start()
        _pump(near, far, delay_s)
        back.join()


def _pump(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    with contextlib.suppress(OSError):  # either side has gone
        while piece := source.recv(CHUNK):
            time.sleep(delay_s)
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
