"""Small questions that many routes ask: is it registered, in which zone is it, is it being derived again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from api.database import Session, query
from api.problems import missing

_ITEM = query("SELECT data FROM registry.current WHERE kind = :kind AND id = :id ORDER BY valid_from DESC LIMIT 1")
_ZONE = query("SELECT timezone FROM registry.site WHERE id = :site ORDER BY valid_from DESC LIMIT 1")
_STALE = query(
    "SELECT EXISTS (SELECT FROM registry.stale WHERE domain = :domain AND (:devices::text[] IS NULL OR device = ANY(:devices)))"
)

UTC_ZONE: Final = "UTC"


async def item(session: Session, kind: str, id_: str, what: str | None = None) -> dict[str, Any]:
    """The newest version of an item. Raises Problem not-found when it was never registered."""
    data: dict[str, Any] | None = await session.value(_ITEM, kind=kind, id=id_)
    if data is None:
        raise missing(what or kind, id_)
    return data


async def zone(session: Session, site: str) -> str:
    """The IANA name of a site's time zone."""
    found: str | None = await session.value(_ZONE, site=site)
    return found or UTC_ZONE


async def stale(session: Session, domain: str, devices: Sequence[str] | None = None) -> bool:
    """Whether figures of a domain (of these devices) are being derived again after a change of the registry."""
    return bool(await session.value(_STALE, domain=domain, devices=None if devices is None else list(devices)))
