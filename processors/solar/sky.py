"""Clear-sky irradiance of the plants' sites by quarter hour, kept in the table `clear_sky`.

By it the share of quarter hours that a ratio keeps is counted (DOMAIN, Solar): of those with at least 50 W/m2 under a
clear sky (pvlib, Haurwitz, at the middle of the quarter hour, whole W/m2 rounded half up). A function of place and time
only; it reaches from a plant's first registration to two days ahead.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from compound.registry.model import Site, SolarPoint, WeatherPoint
from compound.registry.timeline import Registry
from compound.store.db import copy
from compound.timeutil import DAY, QUARTER, micros, moment
from processors.energy.sky import clear_sky
from processors.runtime.domain import Tx

AHEAD: Final = 2 * DAY
SLICE: Final = 400 * DAY
"""Most that one transaction fills."""


class Place(NamedTuple):
    """A site with plants: where it is, and from when on (µs, a UTC midnight)."""

    site: str
    latitude: float
    longitude: float
    since: int


def places(registry: Registry) -> list[Place]:
    """Sites with inverters or weather stations, by the newest knowledge of where they are."""
    since: dict[str, int] = {}
    for point in registry.ids("point"):
        for version in registry.versions("point", point):
            if isinstance(version.item, SolarPoint | WeatherPoint):
                since[version.item.site] = min(version.since, since.get(version.item.site, version.since))
    found = []
    for site, first in sorted(since.items()):
        items = [version.item for version in registry.versions("site", site) if isinstance(version.item, Site)]
        if items:
            found.append(Place(site, items[-1].latitude, items[-1].longitude, first // DAY * DAY))
    return found


def fill(tx: Tx, place: Place) -> bool:
    """Fill the next slice of a site's clear sky; whether anything was missing.

    A site that moved, or whose plants begin earlier than was known, is filled anew.
    """
    tx.conn.execute("INSERT INTO sky (site) VALUES (%s) ON CONFLICT DO NOTHING", (place.site,))
    row = tx.conn.execute(
        "SELECT latitude, longitude, since, until FROM sky WHERE site = %s FOR UPDATE", (place.site,)
    ).fetchone()
    until = place.since
    if row is not None and row[3] is not None and (row[0], row[1], micros(row[2])) == place[1:]:
        until = micros(row[3])
    else:
        tx.conn.execute("DELETE FROM clear_sky WHERE site = %s", (place.site,))
    wanted = min((tx.now + AHEAD) // DAY * DAY, until + SLICE)
    if wanted <= until:
        return False
    quarters = np.arange(until // QUARTER, wanted // QUARTER)
    sky = clear_sky(place.latitude, place.longitude, quarters)
    rows = [(place.site, moment(q * QUARTER), w) for q, w in zip(quarters.tolist(), sky.tolist(), strict=True)]
    copy(tx.conn, "clear_sky", ("site", "start", "ghi_w_m2"), ("text", "timestamptz", "int4"), rows)
    tx.conn.execute(
        "UPDATE sky SET latitude = %s, longitude = %s, since = %s, until = %s WHERE site = %s",
        (place.latitude, place.longitude, moment(place.since), moment(wanted), place.site),
    )
    return True
