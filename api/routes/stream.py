"""Live changes as server-sent events."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.services import All

router = APIRouter(prefix="/v1/stream", tags=["operations"])

EXAMPLE: Final = (
    ": live\nretry: 2000\n\n"
    'event: change\ndata: {"domain":"parking","changes":[["parking","spot-001"]],"more":false}\nid: 5e1f03aa-17\n\n'
)


@router.get(
    "",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events.", "content": {"text/event-stream": {"example": EXAMPLE}}}},
)
async def stream(
    services: All,
    topics: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z]+(,[a-z]+)*$",
            max_length=200,
            description="Only changes of these domains, with commas between; all when left out.",
            examples=["alerts,parking"],
        ),
    ] = None,
    last_event_id: Annotated[str | None, Header(description="Id of the last event seen: go on after it.")] = None,
) -> StreamingResponse:
    """What changes, as it is committed: `change` says which subjects of a domain, to be asked for by its routes.

    `reset` says that changes were missed (a gap too long, a slow client, a lost database): load anew. Comments come as
    heartbeats. The stream never ends by itself.
    """
    services.hub.admit()
    wanted = frozenset(topics.split(",")) if topics else frozenset()
    frames = services.hub.stream(wanted, last_event_id)
    return StreamingResponse(
        frames,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
