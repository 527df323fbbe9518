"""One example or more of each channel's payloads, for the documents; tests decode every one of them."""

from __future__ import annotations

from typing import Any, Final

_AT: Final = {"time": "2026-11-02T08:00:00+08:00", "boot": 3, "seq": 1042}

EXAMPLES: Final[dict[str, list[Any]]] = {
    "meter-reading": [
        {**_AT, "serial": "SN-0815", "import_wh": 1234567, "export_wh": 0, "power_w": 5400},
        [
            {"time": "2026-11-02T08:00:00+08:00", "boot": 3, "seq": 1043, "volume_l": 88231},
            {"time": "2026-11-02T08:15:00+08:00", "boot": 3, "seq": 1044, "volume_l": 88250},
        ],
        {**_AT, "interval_s": 900, "interval_wh": 1250},
    ],
    "inverter-reading": [{**_AT, "energy_wh": 88123456, "power_w": 5230, "state": 4, "evt1": 0, "dc_power_w": 5410}],
    "weather-reading": [{**_AT, "poa_w_m2": 812, "ghi_w_m2": 640, "ambient_mc": 18300, "module_mc": 41750}],
    "gate-event": [
        {**_AT, "event": "grant", "card": "6217000012345678", "direction": "in"},
        {**_AT, "event": "opened"},
    ],
    "gate-reading": [{**_AT, "door": "closed"}],
    "parking-event": [{**_AT, "state": "occupied", "plate": "鲁A12345"}],
    "parking-reading": [{**_AT, "state": "free"}],
    "locker-event": [
        {**_AT, "cell": "A-07", "event": "reserved", "phone": "13800000000", "parcel": "SF1234567890"},
        {**_AT, "cell": "A-07", "event": "opened", "purpose": "deposit"},
        {**_AT, "cell": "A-07", "event": "closed", "present": True},
    ],
    "locker-reading": [{**_AT, "cells_free": 31}],
    "status": [
        {"time": "2026-11-02T08:00:00+08:00", "boot": 3, "state": "online"},
        {"boot": 3, "state": "offline", "will": True},
    ],
    "dlt645": [
        {
            "gateway": "gw-1",
            "time": "2026-11-02T08:00:02+08:00",
            "meters": [
                {
                    "addr": "000000000123",
                    "time": "2026-11-02T08:00:00+08:00",
                    "boot": 1,
                    "seq": 5,
                    "items": {"00010000": "123456.78", "00020000": "0.00"},
                }
            ],
        }
    ],
    "sunspec": [
        {
            **_AT,
            "model": 103,
            "registers": {
                "W": 523,
                "W_SF": 1,
                "WH": 1234567,
                "WH_SF": 0,
                "St": 4,
                "Evt1": 0,
                "DCW": 541,
                "DCW_SF": 1,
            },
        }
    ],
}
