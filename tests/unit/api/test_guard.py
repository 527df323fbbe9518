"""Who may ask: loopback only, or with the token."""

from __future__ import annotations

import httpx
import pytest

from api.app import create_app
from api.guard import loopback, token
from compound.settings import Settings, SettingsError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback(host):
    assert loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.example.org"])
def test_not_loopback(host):
    assert not loopback(host)


def test_listening_elsewhere_wants_a_token():
    with pytest.raises(SettingsError, match="COMPOUND_API_TOKEN_FILE"):
        token(Settings(api_host="0.0.0.0"))


def test_a_token_file_that_is_not_there_or_empty_stops_the_start(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        create_app(Settings(api_token_file=tmp_path / "none"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        create_app(Settings(api_token_file=tmp_path / "empty"))


async def test_the_token_is_asked_for_everywhere_but_for_probes(tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    app = create_app(Settings(api_host="0.0.0.0", api_token_file=tmp_path / "token"))
    async with _client(app, "http://compound.example") as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic s3cret"},
            {"Authorization": "s3cret"},
        ):
            for path in ("/v1/lag", "/metrics", "/openapi.json", "/nowhere"):
                answer = await client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/health/live")).status_code == 200
        good = {"Authorization": "Bearer s3cret"}
        assert (await client.get("/openapi.json", headers=good)).status_code == 200


@pytest.mark.parametrize(("base", "status"), [
    ("http://127.0.0.1:8080", 200),
    ("http://localhost:8080", 200),
    ("http://[::1]:8080", 200),
    ("http://[::1]", 200),
    ("http://attacker.example:8080", 421),
    ("http://127.0.0.1.attacker.example", 421),
])  # fmt: skip
async def test_on_loopback_a_foreign_name_is_refused(base, status):
    async with _client(create_app(Settings()), base) as client:
        assert (await client.get("/health/live")).status_code == status


def _client(app, base: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)
