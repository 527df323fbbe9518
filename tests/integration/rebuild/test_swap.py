"""What a swap leaves as it was: views, grants, answers, what was told and sent; and who must notice it: workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from api.app import create_app
from compound.store import reader
from compound.store.db import connect
from processors.main import create
from processors.rebuild import swap
from processors.rebuild.build import Build, RebuildError
from processors.rebuild.compare import compare
from processors.runtime.worker import FenceLost, Worker
from tests.properties.events import START
from tests.support.rebuild_rig import BUILT, Compound, events

pytestmark = pytest.mark.timeout(1800)

ASKED = (
    "/v1/energy/point/p-main?from=2026-09-01T00:00:00Z&to=2026-11-01T00:00:00Z",
    "/v1/meters/m1/segments?from=2026-09-01T00:00:00Z&to=2026-11-01T00:00:00Z",
    "/v1/parking/carparks",
    "/v1/access/zones?at=2026-09-21T08:00:00Z",
    "/v1/parcels/banks",
    "/v1/solar/roof?from=2026-09-21T00:00:00Z&to=2026-09-23T00:00:00Z",
    "/v1/alerts?limit=1000",
    "/v1/conditions?from=2026-09-01T00:00:00Z&to=2026-11-01T00:00:00Z",
    "/v1/devices?limit=100",
)


@pytest.fixture
def compound(database: str) -> Iterator[Compound]:
    with Compound(database) as made:
        yield made


def swap_in(compound: Compound, *domains: str) -> None:
    for domain in domains:
        with Build(compound.settings, domain) as build:
            assert compare(compound.settings, build, told=lambda table: None).differences == []
            swap.swap(compound.settings, build)


async def test_the_api_answers_as_before_right_after_the_swap(compound: Compound) -> None:
    """The same process, with its prepared statements; and nothing reads the tables out of use any more."""
    compound.append(events(Random(1), 500))
    compound.settle()
    compound.stop()
    app = create_app(compound.settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api,
    ):
        before = [await api.get(path) for path in ASKED]
        assert [answer.status_code for answer in before] == [200] * len(ASKED)
        swap_in(compound, *BUILT)
        after = [await api.get(path) for path in ASKED]
        assert [_facts(answer) for answer in after] == [_facts(answer) for answer in before]
        with connect(compound.url, "test") as conn:
            for domain in BUILT:
                assert swap.drop_old(conn, domain)
        assert [_facts(await api.get(path)) for path in ASKED] == [_facts(answer) for answer in before]


def _facts(answer: httpx.Response) -> Any:
    """What was answered, without the times of the question."""
    assert answer.status_code == 200, answer.text
    return [{k: v for k, v in item.items() if k not in ("at", "now")} for item in answer.json().get("items", [])]


def test_p2_a_worker_of_before_the_swap_writes_nothing(compound: Compound) -> None:
    """Its positions are right to the offset, and still it is fenced: what it holds in memory is of the old tables."""
    compound.append(events(Random(2), 300))
    compound.settle()
    compound.stop()
    worker = Worker(create("energy", compound.settings), compound.log, compound.settings)
    worker._conn = connect(compound.url, "zombie", "energy")
    told = compound.log.reader("energy", worker.domain.topics, worker.load_positions)
    try:
        assert told.poll(10, 0.1) == []
        swap_in(compound, "energy")
        compound.append(events(Random(3), 40, 500))
        batch = told.poll(100, 1.0)
        assert batch
        with pytest.raises(FenceLost):
            worker.take(batch)
        worker._reset(told)
        worker.take(told.poll(100, 1.0))
    finally:
        told.close()
        worker._drop()
    with Build(compound.settings, "energy") as build:
        assert compare(compound.settings, build, told=lambda table: None).differences == []


def test_grants_and_defaults_are_as_before(compound: Compound) -> None:
    compound.settle()
    compound.stop()
    assert reader.prepare(compound.url, None) == []
    columns = (
        "SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable, is_identity,"
        f" has_column_privilege('{reader.ROLE}', format('%%I.%%I', table_schema, table_name), column_name, 'SELECT')"
        " FROM information_schema.columns WHERE table_schema = ANY(%s) ORDER BY 1, 2, 3"
    )
    indexes = (
        "SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = ANY(%s) ORDER BY 1, 2, 3"
    )
    before = compound.rows(columns, list(BUILT)), compound.rows(indexes, list(BUILT))
    swap_in(compound, *BUILT)
    assert (compound.rows(columns, list(BUILT)), compound.rows(indexes, list(BUILT))) == before
    with pytest.raises(RebuildError, match="drop them first"):
        swap_in(compound, "parking")


class _Sink(BaseHTTPRequestHandler):
    """Takes alerts by POST."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(msgspec.json.decode(body)["id"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _told(compound: Compound) -> None:
    """Wait until everything that was due is told and sent, and that it was sent is told."""
    compound.until(
        lambda: all(not compound.rows(f"SELECT 1 FROM {d}.due WHERE at <= now() - interval '1 h'") for d in BUILT)
    )
    compound.settle()
    compound.until(lambda: not compound.rows("SELECT 1 FROM alerts.delivery WHERE state = 'waiting'"))
    compound.settle()


def test_what_was_sent_is_not_sent_again(database: str) -> None:
    """Alerts that stand, with a webhook: after a swap of all domains each event went out once."""
    server = HTTPServer(("127.0.0.1", 0), _Sink)
    server.got = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever).start()
    compound = Compound(database, alert_webhook_url=f"http://127.0.0.1:{server.server_port}/")
    try:
        with compound:
            compound.append(events(Random(5), 300))
            compound.settle()
            _told(compound)  # a domain's first look at what is due may take its time
            sent = list(server.got)  # type: ignore[attr-defined]
            told = compound.rows("SELECT count(*) FROM alerts.event")
            assert sent
            swap_in(compound, *BUILT)
            _told(compound)
            assert compound.rows("SELECT count(*) FROM alerts.event") == told
            compound.append(events(Random(6), 200, int(400 + START % 7)))
            compound.settle()
            compound.until(lambda: not compound.rows("SELECT 1 FROM alerts.delivery WHERE state = 'waiting'"))
        got = server.got  # type: ignore[attr-defined]
        assert sorted(set(got)) == sorted(got)
    finally:
        server.shutdown()
        server.server_close()
