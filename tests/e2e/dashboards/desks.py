"""Parking, lockers, the control room, maintenance and the platform against the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from simulators.faults import scenario
from tests.e2e.dashboards.answers import (
    ZONE,
    Answers,
    Check,
    column,
    crowd,
    named,
    one,
    same,
    time,
)
from tests.support.grafana import Frame

STEP = timedelta(minutes=30)
"""Between two moments of a curve of counts in a range of 2 to 35 days."""


def day(moment: datetime) -> datetime:
    """The local midnight at or before it."""
    return moment.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


# Parking and lockers


def now(api: Answers) -> dict[str, Any]:
    """Car park's name -> its counts at the range's end."""
    items = api.items("/v1/parking/carparks", at=api.until)
    return {api.label("carpark", item["id"]): item["now"] for item in items}


def occupancy(api: Answers, frames: Sequence[Frame]) -> None:
    same(named(frames[0]), {name: counts["occupancy"] for name, counts in now(api).items()})


def spots(api: Answers, frames: Sequence[Frame]) -> None:
    found, expected = frames[0], now(api)
    for english in ("in service", "occupied", "free", "unknown", " known"):
        field = {"in service": "in_service", " known": "known_share"}.get(english, english)
        values = dict(zip(column(found, "car park"), column(found, english), strict=True))
        same(values, {name: counts[field] for name, counts in expected.items()})


def over_time(field: str) -> Check:
    """Occupancy or known share every half hour: the API's moments of 15 minutes, every second one."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        series = frames[0].series()
        for carpark in api.carparks():
            items = api.get(f"/v1/parking/{carpark}/history", step="15m", **api.span())["items"][::2]
            same(series[api.label("carpark", carpark)], {time(item["at"]): item[field] for item in items})

    return check


def turnover(**fields: str) -> Check:
    """Figures of local days that begin in the range: field -> what stands behind the car park's name."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        expected: dict[str, dict[datetime, Any]] = {}
        for carpark in api.carparks():
            items = api.get(f"/v1/parking/{carpark}/turnover", **api.span())["items"]
            for field, suffix in fields.items():
                expected[api.label("carpark", carpark) + suffix] = {
                    time(item["start"]): item[field] for item in items if time(item["start"]) >= api.since
                }
        same(frames[0].series(), expected)

    return check


def overstays(api: Answers, frames: Sequence[Frame]) -> None:
    found = frames[0]
    expected = [
        (c["detail"]["spot"], time(c["start"]), time(c["end"]), float(c["detail"]["limit_s"]))
        for c in api.conditions(domain="parking", rule="overstay")
    ]
    parts = (column(found, name) for name in ("spot", "since", "until", "limit"))
    assert sorted(zip(*parts, strict=True), key=str) == sorted(expected, key=str)


def unknown_spots(api: Answers, frames: Sequence[Frame]) -> None:
    expected = [
        spot["spot"]
        for carpark in api.carparks()
        for spot in api.get(f"/v1/parking/{carpark}/now", at=api.until)["spots"]
        if spot["state"] == "unknown"
    ]
    assert column(frames[0], "spot") == sorted(expected)


def banks(api: Answers) -> dict[str, Any]:
    """Bank's name -> how full it is at the range's end."""
    return {api.label("point", item["id"]): item for item in api.items("/v1/parcels/banks", at=api.until)}


def filled(api: Answers, frames: Sequence[Frame]) -> None:
    found, expected = named(frames[0]), {name: bank["now"]["fill"] for name, bank in banks(api).items()}
    same({name: round(fill, 4) for name, fill in found.items()}, expected)


def cells_by_size(api: Answers, frames: Sequence[Frame]) -> None:
    sizes = {(name, size["size"]): size for name, bank in banks(api).items() for size in bank["sizes"]}
    found = frames[0]
    keys = list(zip(column(found, "bank"), column(found, "size"), strict=True))
    assert sorted(keys) == sorted(sizes)
    for field in ("cells", "free", "reserved", "occupied", "fault", "fill"):
        same(dict(zip(keys, column(found, field), strict=True)), {key: size[field] for key, size in sizes.items()})


def overdue(api: Answers, frames: Sequence[Frame]) -> None:
    expected = {
        (name, cell["cell"]): (time(cell["parcel_since"]), cell["overdue_h"])
        for name, bank in banks(api).items()
        for cell in api.get(f"/v1/parcels/{bank['id']}/cells", at=api.until)["items"]
        if cell["overdue_h"] is not None
    }
    found = frames[0]
    keys = zip(column(found, "bank"), column(found, "cell"), strict=True)
    assert dict(zip(keys, zip(column(found, "since"), column(found, "overdue"), strict=True), strict=True)) == expected


def parcels_gone(api: Answers, frames: Sequence[Frame]) -> None:
    expected: dict[str, Counter[datetime]] = {}
    for bank in banks(api).values():
        for parcel in api.items(f"/v1/parcels/{bank['id']}/parcels", **api.span()):
            if parcel["end"] and time(parcel["end"]) < api.until:
                expected.setdefault(parcel["outcome"], Counter())[day(time(parcel["end"]))] += 1
    same(frames[0].series(), expected)


def dwell(api: Answers, frames: Sequence[Frame]) -> None:
    items = api.get("/v1/parcels/dwell", **api.span())["items"]
    expected = {(api.label("point", item["bank"]), item["outcome"]): item for item in items}
    found = frames[0]
    keys = list(zip(column(found, "bank"), column(found, "outcome"), strict=True))
    assert sorted(keys) == sorted(expected)
    for english, field in (
        ("parcels", "parcels"),
        ("uncertain", "uncertain"),
        ("p50", "dwell_p50_s"),
        ("p95", "dwell_p95_s"),
    ):
        same(dict(zip(keys, column(found, english), strict=True)), {key: item[field] for key, item in expected.items()})


# The control room


def people(api: Answers, frames: Sequence[Frame]) -> None:
    """Headcounts, 1 to 4 suppressed."""
    items = api.get("/v1/access/zones", at=api.until)["items"]
    expected = {api.label("zone", item["id"]): crowd(item["inside"] + item["uncertain"]) for item in items}
    same(named(frames[0]), expected)


def presence(api: Answers, frames: Sequence[Frame]) -> None:
    """Headcounts every half hour."""
    series = frames[0].series()
    for zone, name in api.labels("zone").items():
        items = api.get(f"/v1/access/zones/{zone}/history", step="15m", **api.span())["items"][::2]
        same(series[name], {time(item["at"]): crowd(item["inside"] + item["uncertain"]) for item in items})
    values = [value for found in series.values() for value in found.values()]
    assert None in values
    assert max(value for value in values if value is not None) >= 5


def passages(api: Answers, frames: Sequence[Frame]) -> None:
    found = Counter((p["direction"], day(time(p["time"]))) for p in api.items("/v1/access/passages", **api.span()))
    expected: dict[str, dict[datetime, int]] = {}
    for (direction, start), count in found.items():
        if crowd(count) is not None:
            expected.setdefault(direction, {})[start] = count
    same(frames[0].series(), expected)


def doors(api: Answers, frames: Sequence[Frame]) -> None:
    """Each door's newest opening before the range's end, and whether it stands open."""
    found = frames[0]
    links = {item["id"]: item["state"] for item in api.items("/v1/devices", kind="gate")}
    assert set(column(found, "device")) == set(links)
    for device, state, opened, link in zip(
        *(column(found, name) for name in ("device", "state", "opened", "link")), strict=True
    ):
        openings = api.items(f"/v1/access/doors/{device}/openings", **api.span())
        newest = openings[-1]
        assert opened == time(newest["start"])
        assert state == ("open" if newest["end"] is None or time(newest["end"]) > api.until else "closed")
        assert link == links[device]


def in_the_range(api: Answers, frames: Sequence[Frame]) -> None:
    rules = Counter(c["rule"] for c in api.conditions(domain="access") if time(c["start"]) >= api.since)
    for rule in ("forced", "held", "tailgating", "anti-passback"):
        assert one(frames[0], rule) == rules[rule] > 0


def incidents(api: Answers, frames: Sequence[Frame]) -> None:
    expected: dict[str, Counter[datetime]] = {}
    for condition in api.conditions(domain="access"):
        if time(condition["start"]) >= api.since:
            expected.setdefault(condition["rule"], Counter())[day(time(condition["start"]))] += 1
    same(frames[0].series(), expected)


def on_the_desk(api: Answers, frames: Sequence[Frame]) -> None:
    states = Counter(alert["state"] for alert in api.alerts("security", state="open"))
    same(one(frames[0], "raised"), states["raised"])
    same(one(frames[0], "cleared, unacknowledged"), states["unacknowledged"])
    same([row["处理中 acknowledged"] for row in frames[0].rows], [states["acknowledged"]])


def listed(wanted: Any, since: str) -> Check:
    """A list of open alerts, the newest first; `since`: the column of their raising."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        found = frames[0]
        expected = [alert for alert in api.alerts(state="open") if wanted(alert)]
        assert column(found, since) == [time(alert["raised"]) for alert in expected]
        names = {"priority": "priority", "state": "state", "device": "subject"}
        for english, field in names.items():
            shown = [None if str(alert[field]).startswith("tok:") else alert[field] for alert in expected]
            assert sorted(column(found, english), key=str) == sorted(shown, key=str)

    return check


def maintained(alert: Any) -> bool:
    """What maintenance has to do with."""
    return bool(alert["category"] == "maintenance" or alert["rule"] == "break")


def rate(category: str | None, width: timedelta) -> Check:
    """Alerts that were told, by so long."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        epoch = datetime(1970, 1, 1, tzinfo=api.until.tzinfo)
        found: dict[str, Counter[datetime]] = {}
        for alert in api.alerts(category):
            raised = time(alert["raised"])
            if alert["notify"] and api.since <= raised <= api.until:
                bucket = epoch + (raised - epoch) // width * width
                found.setdefault("每10分钟 in 10 min" if category else alert["category"], Counter())[bucket] += 1
        same(frames[0].series(), found)

    return check


def priorities(api: Answers, frames: Sequence[Frame]) -> None:
    same(named(frames[0]), Counter(alert["priority"] for alert in api.raised("security")))


def shift_log(api: Answers, frames: Sequence[Frame]) -> None:
    """What was told of security alarms, the newest first."""
    expected = []
    for alert in api.alerts("security"):
        for event in api.get(f"/v1/alerts/{alert['id']}")["events"]:
            name = event["type"].split(".")[1]
            if name != "delivered" and api.since <= time(event["time"]) <= api.until:
                expected.append((time(event["time"]), name, alert["rule"]))
    found = frames[0]
    rows = list(zip(column(found, "time"), column(found, "event"), column(found, "rule"), strict=True))
    assert sorted(rows) == sorted(expected)
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)


# Maintenance and the platform


def by_priority(wanted: Any) -> Check:
    """Counts of open alerts."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        counts = Counter(alert["priority"] for alert in api.alerts(state="open") if wanted(alert))
        for priority in ("high", "medium", "low"):
            assert one(frames[0], priority) == counts[priority]

    return check


def watched(api: Answers) -> list[Any]:
    """Devices that are registered now."""
    return [item for item in api.items("/v1/devices", site=api.site) if item["registered"]]


def device_states(api: Answers, frames: Sequence[Frame]) -> None:
    same(named(frames[0]), Counter(item["state"] for item in watched(api)))


def lost_devices(api: Answers, frames: Sequence[Frame]) -> None:
    expected = {item["id"]: (item["state"], time(item["since"])) for item in watched(api) if item["state"] != "alive"}
    found = frames[0]
    states = zip(column(found, "state"), column(found, "since"), strict=True)
    assert dict(zip(column(found, "device"), states, strict=True)) == expected


def lost_messages(api: Answers, frames: Sequence[Frame]) -> None:
    """All devices that lost some, and no other: one that lost none is asked, too."""
    found = dict(zip(column(frames[0], "device"), column(frames[0], "lost"), strict=True))
    assert found
    for device in [*found, "m-main", "g-n1"]:
        assert found.get(device, 0) == api.get(f"/v1/devices/{device}")["lost"]


def quarantine(api: Answers, kind: str) -> list[Any]:
    """What is held, the newest first."""
    return [e for e in api.items("/v1/quarantine") if e["kind"] == kind and e["state"] != "retried"]


def quarantined(api: Answers, frames: Sequence[Frame]) -> None:
    found = frames[0]
    rows = zip(column(found, "time"), column(found, "reason"), column(found, "topic"), strict=True)
    expected = [(time(e["recorded"]), e["reason"], e["topic"]) for e in quarantine(api, "message")]
    assert sorted(rows) == sorted(expected)


def unknown_devices(api: Answers, frames: Sequence[Frame]) -> None:
    found = dict(zip(column(frames[0], "device"), column(frames[0], "messages"), strict=True))
    assert found == {entry["device"]: entry["count"] for entry in quarantine(api, "device")}


def breaks(api: Answers, frames: Sequence[Frame]) -> None:
    expected = [
        (c["subject"], time(c["detail"]["since"]), time(c["start"]))
        for c in api.conditions(domain="energy", rule="break")
        if time(c["start"]) >= api.since
    ]
    found = frames[0]
    rows = zip(column(found, "device"), column(found, "from"), column(found, "to"), strict=True)
    assert sorted(rows) == sorted(expected)


def not_counted(api: Answers, frames: Sequence[Frame]) -> None:
    """As each meter's readings say."""
    found = frames[0]
    for device, verdict, count in zip(
        column(found, "device"), column(found, "verdict"), column(found, "readings"), strict=True
    ):
        readings = api.items(f"/v1/meters/{device}/points", **api.span())
        assert sum(reading["verdict"] == verdict for reading in readings) == count > 0


def by_device(api: Answers, frames: Sequence[Frame]) -> None:
    same(named(frames[0]), Counter(alert["subject"] for alert in api.raised("maintenance")))


def raised_by_day(api: Answers, frames: Sequence[Frame]) -> None:
    expected: dict[str, Counter[datetime]] = {}
    for alert in api.raised("maintenance"):
        expected.setdefault(alert["rule"], Counter())[day(time(alert["raised"]))] += 1
    same(frames[0].series(), expected)


def ingest(api: Answers, frames: Sequence[Frame]) -> None:
    """Its age, by the clock of the API."""
    status = api.get("/v1/status")
    age = (time(status["at"]) - time(status["receiving_until"])).total_seconds()
    assert abs(one(frames[0], "heartbeat") - age) < 15


def behind(api: Answers, frames: Sequence[Frame]) -> None:
    items = api.get("/v1/lag")["items"]
    same(one(frames[0], "unread"), float(sum(item["lag"] for item in items)))
    assert abs(one(frames[0], "oldest") - max(item["behind_s"] for item in items)) < 1


def behind_by_domain(api: Answers, frames: Sequence[Frame]) -> None:
    same(
        dict(zip(column(frames[0], "domain"), column(frames[0], "unread"), strict=True)),
        api.get("/v1/status")["behind"],
    )


def waiting(api: Answers, frames: Sequence[Frame]) -> None:
    status = api.get("/v1/status")
    same(one(frames[0], "outbox"), status["waiting_to_be_told"])
    same(one(frames[0], "stale"), sum(status["stale"].values()))


def held(api: Answers, frames: Sequence[Frame]) -> None:
    status = api.get("/v1/status")
    same(one(frames[0], "messages"), sum(status["quarantine"].values()))
    same(one(frames[0], "unknown devices"), status["unknown_devices"])


def reasons(api: Answers, frames: Sequence[Frame]) -> None:
    same(named(frames[0]), api.get("/v1/status")["quarantine"])


def lost(api: Answers, frames: Sequence[Frame]) -> None:
    """What the devices with faults lost; the others have no reason to."""
    faulty = {fault.device for fault in scenario.load("five-days").faults(date(2026, 1, 1), ZONE.key)}
    counts = [count for device in faulty if (count := api.get(f"/v1/devices/{device}")["lost"])]
    same([one(frames[0], "devices"), one(frames[0], "messages")], [len(counts), sum(counts)])


def in_the_book(api: Answers, frames: Sequence[Frame]) -> None:
    """The log's heads, of the topics that some domain reads."""
    heads: dict[str, dict[tuple[int, int], int]] = {}
    for item in api.get("/v1/lag")["items"]:
        heads.setdefault(item["topic"], {})[item["generation"], item["partition"]] = item["head"]
    found = named(frames[0])
    same({topic: found[topic] for topic in heads}, {topic: sum(parts.values()) for topic, parts in heads.items()})


def deliveries(api: Answers, frames: Sequence[Frame]) -> None:
    expected = Counter(
        (delivery["channel"], delivery["state"])
        for alert in api.alerts()
        for delivery in api.get(f"/v1/alerts/{alert['id']}")["deliveries"]
    )
    found = frames[0]
    keys = zip(column(found, "channel"), column(found, "state"), strict=True)
    assert dict(zip(keys, column(found, "deliveries"), strict=True)) == expected


def security(alert: Any) -> bool:
    """What stands on the control room's desk."""
    return bool(alert["category"] == "security")


CHECKS: dict[str, Check] = {
    "overview: Parking, occupied": occupancy,
    "overview: People inside": people,
    "overview: Parcel lockers, filled": filled,
    "overview: Open alerts": by_priority(lambda alert: True),
    "overview: Alerts to look at": listed(lambda alert: True, "since"),
    "parking: Occupancy": occupancy,
    "parking: Spots": spots,
    "parking: Occupancy over time": over_time("occupancy"),
    "parking: Known share": over_time("known_share"),
    "parking: Turnover": turnover(turnover=""),
    "parking: Dwell": turnover(dwell_p50_s=" p50", dwell_p95_s=" p95"),
    "parking: Overstays": overstays,
    "parking: Spots unknown": unknown_spots,
    "parking: Cells by size": cells_by_size,
    "parking: Parcels overdue": overdue,
    "parking: Collected and returned": parcels_gone,
    "parking: Dwell of parcels": dwell,
    "security: Security alarms": on_the_desk,
    "security: In the range": in_the_range,
    "security: People inside": people,
    "security: Alarms on the desk": listed(security, "raised"),
    "security: Doors": doors,
    "security: Presence over time": presence,
    "security: Passages": passages,
    "security: Alarm rate": rate("security", timedelta(minutes=10)),
    "security: Priorities": priorities,
    "security: Incidents at doors": incidents,
    "security: Shift log": shift_log,
    "maintenance: To do": by_priority(maintained),
    "maintenance: Devices by state": device_states,
    "maintenance: Open alerts": listed(maintained, "since"),
    "maintenance: Devices lost": lost_devices,
    "maintenance: Messages lost": lost_messages,
    "maintenance: Quarantine": quarantined,
    "maintenance: Unknown devices": unknown_devices,
    "maintenance: Breaks": breaks,
    "maintenance: Readings that don't count": not_counted,
    "maintenance: Alerts by device": by_device,
    "maintenance: Alerts over time": raised_by_day,
    "platform: Ingest": ingest,
    "platform: Lag": behind,
    "platform: Waiting": waiting,
    "platform: Quarantine": held,
    "platform: Lost": lost,
    "platform: Records in the book": in_the_book,
    "platform: Lag by domain": behind_by_domain,
    "platform: Quarantine by reason": reasons,
    "platform: Alerts raised": rate(None, timedelta(hours=1)),
    "platform: Deliveries": deliveries,
}
