"""A compound's ports: chosen at its first start, the same ever after, and of no other `up` that starts meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec

from ops.embedded.process import ServiceError, free_port, listens


class Ports(msgspec.Struct):
    """Ports that stay the same over starts; 0 is none yet."""

    api: int = 0
    mqtt: int = 0
    postgres: int = 0


class Claims:
    """Ports of the loopback interface that are ours until `close`.

    Seconds pass between the choice of a TCP port and a role that listens on it, in which another `up` may choose the same,
    and would then talk with our broker. So each holds the UDP port of that number, which the kernel gives only once, and
    takes back when its holder dies.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self, port: int) -> bool:
        """Whether the port is ours now; not when something listens on it or another `up` has it."""
        if listens(port):
            return False
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            return False
        self._held.append(held)
        return True

    def this_or_any(self, port: int) -> int:
        """Take `port`, or another one where that isn't free or is 0; which it was."""
        port = port or free_port()
        while not self.take(port):
            port = free_port()
        return port

    def close(self) -> None:
        """Let go of all."""
        for held in self._held:
            held.close()
        self._held.clear()


def choose(file: Path, claims: Claims, *, api: int | None, mqtt: int | None) -> Ports:
    """Ports as asked for (0: any that is free), else as kept in `file`, else the usual ones if free; kept in `file`.

    ServiceError where one that was asked for or kept is taken. PostgreSQL's is nobody's business and may change.
    """
    ports = msgspec.json.decode(file.read_bytes(), type=Ports) if file.exists() else Ports()
    ports.api = _choose("--api-port", claims, api, ports.api, 8080)
    ports.mqtt = _choose("--mqtt-port", claims, mqtt, ports.mqtt, 1883)
    ports.postgres = claims.this_or_any(ports.postgres or 5433)
    file.write_bytes(msgspec.json.encode(ports))
    return ports


def _choose(option: str, claims: Claims, asked: int | None, kept: int, usual: int) -> int:
    if asked == 0 or not (asked or kept):
        return claims.this_or_any(kept if asked == 0 else usual)
    port = asked or kept
    if not claims.take(port):
        raise ServiceError(f"Port {port} is taken by another program; choose one by {option}.")
    return port
