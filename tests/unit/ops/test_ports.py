"""Which ports a compound takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.embedded.process import ServiceError, free_port
from ops.up.ports import Claims, choose


@pytest.fixture
def claims() -> Iterator[Claims]:
    made = Claims()
    yield made
    made.close()


@pytest.fixture
def others() -> Iterator[Claims]:
    """Those of another `up` at the same time."""
    made = Claims()
    yield made
    made.close()


def test_the_usual_ports_or_others_where_another_up_has_them(tmp_path: Path, claims: Claims, others: Claims):
    first = choose(tmp_path / "1", claims, api=None, mqtt=None)
    second = choose(tmp_path / "2", others, api=None, mqtt=None)
    used = {first.api, first.mqtt, first.postgres, second.api, second.mqtt, second.postgres}
    assert len(used) == 6
    claims.close()
    others.close()
    assert choose(tmp_path / "1", claims, api=None, mqtt=None) == first


def test_a_kept_port_that_is_taken_is_told(tmp_path: Path, claims: Claims, others: Claims):
    kept = choose(tmp_path / "ports", claims, api=0, mqtt=0)
    with pytest.raises(ServiceError, match=rf"Port {kept.api} is taken by another program; choose one by --api-port\."):
        choose(tmp_path / "ports", others, api=None, mqtt=None)
    again = choose(tmp_path / "ports", others, api=0, mqtt=0)
    assert again.api != kept.api
    assert again.mqtt != kept.mqtt


def test_any_is_the_one_before_if_it_is_free(tmp_path: Path, claims: Claims, others: Claims):
    kept = choose(tmp_path / "ports", claims, api=0, mqtt=0)
    claims.close()
    assert choose(tmp_path / "ports", others, api=0, mqtt=0) == kept


def test_a_port_that_was_asked_for_is_taken_or_told(tmp_path: Path, claims: Claims, others: Claims):
    wanted = free_port()
    with socket.create_server(("127.0.0.1", wanted)), pytest.raises(ServiceError, match=r"by --mqtt-port\."):
        choose(tmp_path / "ports", claims, api=0, mqtt=wanted)
    assert choose(tmp_path / "ports", others, api=0, mqtt=wanted).mqtt == wanted


def test_a_claim_holds_nobody_back_from_listening(claims: Claims):
    port = claims.this_or_any(0)
    with socket.create_server(("127.0.0.1", port)):
        assert not claims.take(port)
