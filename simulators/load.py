"""Load for benchmarks: N meters, R readings a second, k readings a message, as cheap to make as can be.

Payloads are made from templates: only time, seq and register change, so that the simulator costs little beside the
platform.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators import clock
from simulators.connection import Connection

_STEP_S = 0.02


@dataclass
class Load:
    """`rate`: readings a second over all devices, None for as many as go. `per_message`: readings in one payload.

    Devices are `{prefix}0001`…; each reading of one is a second after the one before, from `begin` (µs) on.
    """

    connection: Connection
    site: str = "load"
    prefix: str = "ld-"
    devices: int = 100
    rate: float | None = None
    per_message: int = 1
    begin: int = field(default_factory=lambda: clock.now() - clock.DAY)
    boot: int = 1
    stop: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[int], None] = lambda readings: None

    def run(self, readings: int | None = None, seconds: float | None = None) -> int:
        """Send until `readings` are out, `seconds` are over, or stopped; returns how many the broker acknowledged."""
        topics = [f"compound/v1/{self.site}/meter/{device}/reading" for device in self.names()]
        begun, sent, seq = time.monotonic(), 0, 0
        while not self.stop.is_set():
            payload = self._payload(seq)
            seq += self.per_message
            for topic in topics:
                if self._over(sent, readings, begun, seconds):
                    self.connection.flush()
                    return sent
                self._wait(sent, begun)
                self.connection.publish(topic, payload, stop=self.stop)
                sent += self.per_message
            self.tell(sent)
        self.connection.flush()
        return sent

    def names(self) -> list[str]:
        """The devices' ids."""
        return [f"{self.prefix}{number:04d}" for number in range(1, self.devices + 1)]

    def registry(self) -> list[dict[str, object]]:
        """The registry items of site, points and devices, as POST /v1/registry takes them."""
        since = clock.text(self.begin - clock.DAY, "UTC")
        where = {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}
        items: list[dict[str, object]] = [{"kind": "site", "id": self.site, "from": since, "data": where}]
        for name in self.names():
            point = {"type": "meter", "site": self.site, "medium": "electricity"}
            meter = {"kind": "meter", "site": self.site, "point": f"p-{name}", "rated_w": 1_000_000, "interval_s": 900}
            items.append({"kind": "point", "id": f"p-{name}", "from": since, "data": point})
            items.append({"kind": "device", "id": name, "from": since, "data": meter})
        return items

    def _payload(self, seq: int) -> str:
        """The payload of every device for the readings `seq`, `seq` + 1, …"""
        objects = [
            f'{{"time":"{clock.text(self.begin + n * clock.SECOND, "UTC")}","boot":{self.boot},"seq":{n},"import_wh":{n * 10}}}'
            for n in range(seq, seq + self.per_message)
        ]
        return objects[0] if self.per_message == 1 else f"[{','.join(objects)}]"

    def _over(self, sent: int, readings: int | None, begun: float, seconds: float | None) -> bool:
        if self.stop.is_set() or (readings is not None and sent >= readings):
            return True
        return seconds is not None and time.monotonic() - begun >= seconds

    def _wait(self, sent: int, begun: float) -> None:
        """Keep to the rate: sleep when ahead of it by more than a step."""
        if self.rate is None:
            return
        ahead = sent / self.rate - (time.monotonic() - begun)
        if ahead > _STEP_S:
            self.stop.wait(ahead)
