"""Sending quarantined messages again to the MQTT topic they came from: there is one way in, and ingest judges anew.

This is an effect, no fact: what was sent is noted in the table and nowhere else. A wish older than an hour has failed,
so that a rebuild, which reads all commands again, sends nothing, and nobody waits for it.
"""

from __future__ import annotations

import threading
from typing import Final

import psycopg
import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from compound.keys import KeyLost, Keys
from compound.mqtt import broker_of
from compound.quarantine import Quarantined, unseal
from compound.settings import Settings
from compound.store.db import Connection, connect

PAUSE_S: Final = 1.0
WAIT_S: Final = 5.0
"""How long the broker gets to take a message."""
MOST: Final = 20
"""Messages sent in one go."""

_OPEN: Final = (
    "SELECT r.id, r.command, m.month, m.sealed, m.cut FROM retry r JOIN message m USING (id)"
    " WHERE r.sent IS NULL AND r.failed IS NULL ORDER BY r.asked LIMIT %s FOR UPDATE OF r SKIP LOCKED"
)

_TOO_OLD: Final = (
    "UPDATE retry SET failed = 'asked for over an hour ago, and not sent since: ask again'"
    " WHERE sent IS NULL AND failed IS NULL AND asked <= now() - interval '1 hour'"
)

_out = structlog.get_logger(domain="quarantine")


class BrokerAway(Exception):
    """The broker did not take the message; try again."""


class Resender:
    """A job beside the quarantine's worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.keys)

    def run(self, stop: threading.Event) -> None:
        """Send what is wished for until `stop`; a lost database or broker is waited for."""
        while not stop.wait(PAUSE_S):
            try:
                with connect(self._settings.database_url, "processors/quarantine resend", "quarantine") as conn:
                    while not stop.wait(PAUSE_S):
                        self.turn(conn)
            except (psycopg.OperationalError, BrokerAway) as error:
                _out.warning("sending again waits", error=str(error).splitlines()[0])

    def turn(self, conn: Connection) -> int:
        """Send what is open now; how many wishes were dealt with. Raises BrokerAway."""
        with conn.transaction():
            conn.execute(_TOO_OLD)
            rows = conn.execute(_OPEN, (MOST,)).fetchall()
            for identity, command, month, sealed, cut in rows:
                failed = self._send(month, sealed, cut)
                conn.execute(
                    "UPDATE retry SET sent = CASE WHEN %(failed)s::text IS NULL THEN now() END, failed = %(failed)s"
                    " WHERE id = %(id)s AND command = %(command)s",
                    {"failed": failed, "id": identity, "command": command},
                )
        return len(rows)

    def _send(self, month: str, sealed: str, cut: bool) -> str | None:
        """Publish one message; why it can't ever be, where that is so. Raises BrokerAway."""
        if cut:
            return "longer than what is kept of a message"
        try:
            held = Quarantined(reason="", received="", size=0, month=month, sealed=sealed)
            topic, payload = unseal(self._keys, held)
        except (KeyLost, ValueError) as error:
            return str(error)
        publish(self._settings, topic, payload)
        return None


def publish(settings: Settings, topic: str, payload: bytes) -> None:
    """One message of QoS 1 to the broker of the settings. Raises BrokerAway unless the broker acknowledged it."""
    broker = broker_of(settings)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    broker.admit(client)
    answers: list[ReasonCode] = []
    client.on_publish = lambda _client, _userdata, _mid, code, _properties: answers.append(code)
    try:
        client.connect(broker.host, broker.port, keepalive=30)
        client.loop_start()
        done = client.publish(topic, payload, qos=1)
        done.wait_for_publish(WAIT_S)
        if not done.is_published():
            raise BrokerAway("the broker did not acknowledge the message")
        if any(answer.is_failure for answer in answers):
            raise BrokerAway(f"the broker refuses the message: {answers[0]}")
    except (OSError, ValueError, RuntimeError) as error:
        raise BrokerAway(f"the broker can't be reached: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()
