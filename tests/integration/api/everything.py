"""Something of everything, named as in the examples of the description, so that these find it."""

from __future__ import annotations

from typing import Any

from api.models.access import Passage
from api.models.alerts import Alert
from api.models.quarantine import Entry
from compound.store.db import Connection
from tests.integration.api.rows import T0, at, item, segment, site, text

NAME = {"zh": "名", "en": "Name"}


def insert(conn: Connection) -> None:
    """All of it."""
    _places(conn)
    _meters(conn)
    _states(conn)
    _quotas(conn)
    _alerts(conn)
    _liveness(conn)


def _places(conn: Connection) -> None:
    site(conn)
    item(conn, "building", "b1", {"site": "demo", "area_m2": 1000, "name": NAME})
    item(conn, "department", "d-fin", {"site": "demo", "area_m2": 500, "headcount": 10})
    item(conn, "zone", "main-building", {"site": "demo", "name": NAME})
    item(conn, "carpark", "north", {"site": "demo", "name": NAME})
    item(conn, "spot_class", "visitor", {"limit_s": 3600})
    points: dict[str, dict[str, Any]] = {
        "p-main": {"type": "meter", "medium": "electricity", "role": "main"},
        "p-b1": {"type": "meter", "medium": "electricity", "parent": "p-main", "building": "b1", "department": "d-fin"},
        "inv-1": {"type": "inverter", "plant": "roof", "p0_w": 20000, "parent": "p-main"},
        "spot-n-001": {"type": "parking", "carpark": "north", "spot_class": "visitor"},
        "door-01": {"type": "gate", "from_zone": "outside", "to_zone": "main-building"},
        "bank-1": {"type": "locker", "cells": {"c07": "M"}},
    }
    devices: dict[str, dict[str, Any]] = {
        "m-000": {"kind": "meter", "point": "p-main", "rated_w": 100_000},
        "m-001": {"kind": "meter", "point": "p-b1", "rated_w": 100_000, "name": NAME},
        "inv-dev-1": {"kind": "inverter", "point": "inv-1", "rated_w": 20_000},
        "ps-n-001": {"kind": "parking", "point": "spot-n-001"},
        "g-01": {"kind": "gate", "point": "door-01"},
        "lk-1": {"kind": "locker", "point": "bank-1"},
    }
    for id_, data in points.items():
        item(conn, "point", id_, {"site": "demo", **data})
    for id_, data in devices.items():
        item(conn, "device", id_, {"site": "demo", **data})


def _meters(conn: Connection) -> None:
    """A day of quarter hours of two meters and an inverter."""
    conn.execute(
        "INSERT INTO energy.series (subject, what, zone) VALUES ('m-000', 'import_wh', 'Asia/Shanghai'),"
        " ('m-001', 'import_wh', 'Asia/Shanghai'), ('inv-dev-1', 'energy_wh', 'Asia/Shanghai');"
        "INSERT INTO energy.place (point) VALUES ('p-main'), ('p-b1'), ('inv-1');"
        "INSERT INTO energy.seat VALUES (1, 1), (2, 2), (3, 3);"
        "INSERT INTO energy.point SELECT s, 0, t, 1, 0, 1, 0, 0, t FROM generate_series(1, 3) s,"
        " generate_series('2026-10-01'::timestamptz, '2026-10-02', '15 min') t;"
        "INSERT INTO energy.mark VALUES (2, 0, '2026-10-01', 1, 1);"
        "INSERT INTO energy.segment SELECT s, 0, t, t + interval '15 min', 0, 100, (s = 1)::int, false FROM"
        " generate_series(1, 3) s, generate_series('2026-10-01'::timestamptz, '2026-10-02', '15 min') t;"
        "INSERT INTO energy.segment VALUES (1, 0, '2026-10-03', '2026-10-04', 0, 0, 3, false);"
        "INSERT INTO energy.quarter SELECT s, s, t, 100, 900000000, (s - 1) * 1000, 0 FROM generate_series(1, 3) s,"
        " generate_series('2026-09-30 16:00'::timestamptz, '2026-10-02', '15 min') t;"
        "INSERT INTO energy.day SELECT s, s, '2026-10-01', 9600, 86400000000, 0, 0, 0 FROM generate_series(1, 3) s"
    )


def _states(conn: Connection) -> None:
    spot: dict[str, Any] = {"spot": "spot-n-001", "carpark": "north"}
    segment(conn, "parking", "ps-n-001", "spot", "state", at(0), at(2), state="occupied", **spot)
    segment(conn, "parking", "ps-n-001", "spot", "state", at(2), None, state="free", known_until=text(at(3)), **spot)
    segment(conn, "parking", "ps-n-001", "spot", "stay", at(0), at(2), dwell_s=7200, uncertain=False, **spot)
    segment(conn, "parking", "ps-n-001", "spot", "overstay", at(1), at(2), at(1), limit_s=3600, **spot)
    door: dict[str, Any] = {"point": "door-01", "site": "demo"}
    counts: dict[str, Any] = {"grants": 1, "exit_requests": 0, "passages": 1, "entries": 1, "excess": 0}
    flags: dict[str, Any] = {"forced": False, "released": False, "complete": True}
    segment(conn, "access", "g-01", "door", "opening", at(0), at(0.01), **door, **counts, **flags)
    way = {"from": "outside", "to": "main-building", "direction": "in", "token": Passage.example["token"]}
    segment(conn, "access", "g-01", "door", "passage", at(0), at(0), opening=text(at(0)), **door, **way)
    segment(conn, "access", "g-01", "door", "held", at(1), None, at(1), **door)
    inside: dict[str, Any] = {"zone": "main-building", "state": "inside", "site": "demo", "door": "g-01"}
    segment(conn, "access", way["token"], "place", "place", at(0), at(9), table="person_segment", **inside)
    cell: dict[str, Any] = {"bank": "bank-1", "cell": "c07", "size": "M", "uncertain": False}
    segment(conn, "parcels", "lk-1", "c07", "state", at(0), None, state="occupied", **cell)
    went: dict[str, Any] = {"parcel": "p", "outcome": "collected", "dwell_s": 3600}
    segment(conn, "parcels", "lk-1", "c07", "parcel", at(-2), at(-1), **went, **cell)
    lies: dict[str, Any] = {"parcel": None, "outcome": None, "dwell_s": None}
    segment(conn, "parcels", "lk-1", "c07", "parcel", at(0), None, **lies, **cell)
    inverter: dict[str, Any] = {"inverter": "inv-1", "plant": "roof", "faults": []}
    segment(
        conn, "solar", "inv-dev-1", "state", "state", at(0), None, state="MPPT", known_until=text(at(1)), **inverter
    )


def _quotas(conn: Connection) -> None:
    quota = {"department": "d-fin", "year": 2026, "medium": "electricity", "budget": 1000, "weights": []}
    item(conn, "quota", "q-fin", quota)
    for period in ("month", "year"):
        conn.execute(
            "INSERT INTO quotas.figure VALUES ('q-fin', %s, %s, %s, 'd-fin', 'electricity', 'consumption', 2026, %s, 1000, 870,"
            " 0.87, 800, 1.0875, 200, 1087.5, 0.99, false, 0)",
            (period, at(0), at(744), at(600)),
        )
    conn.execute(
        "INSERT INTO quotas.level VALUES ('q-fin', 'month', %s, 'notice', 'd-fin', 'electricity', %s)", (T0, at(500))
    )


def _alerts(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO alerts.alert (id, domain, rule, subject, what, category, priority, start, raised, notify, times, phase,"
        " detail) VALUES (%s, 'access', 'held', 'g-01', 'door', 'security', 'medium', %s, %s, true, 1, 'raised', '{}')",
        (Alert.example["id"], T0, T0),
    )
    conn.execute(
        "INSERT INTO alerts.event VALUES (%s, 'e', 'alert.raised.v1', 'x', %s, %s, 0, '{}')",
        (Alert.example["id"], T0, T0),
    )
    conn.execute(
        "INSERT INTO quarantine.message VALUES (%s, 'not JSON', NULL, NULL, 0, 1, false, '2026-10', '', %s, %s, %s, 1)",
        (Entry.example["id"], T0, T0, T0),
    )


def _liveness(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO liveness.device (device, kind, site, first_seen, last_seen, newest, boot, messages)"
        " VALUES ('m-001', 'meter', 'demo', %(at)s, %(at)s, %(at)s, 1, 5), ('x-9', 'meter', 'demo', %(at)s, NULL, NULL, 0, 1)",
        {"at": T0},
    )
    conn.execute("INSERT INTO liveness.seq VALUES ('m-001', 1, '{[0,2),[4,6)}')")
    conn.execute("INSERT INTO liveness.channel VALUES ('m-001', 'reading', %s)", (T0,))
    conn.execute("INSERT INTO liveness.waiting VALUES ('x-9', 'meter', %s, 0, 0, %s)", (T0, T0))
    conn.execute("INSERT INTO liveness.lost VALUES ('m-001', 'silent', '', %s, %s)", (at(1), at(2)))
