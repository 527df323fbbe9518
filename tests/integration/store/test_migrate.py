"""Migrations: quiet, once, and from several processes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from compound.store.migrate import FOLDER, migrate


def test_migrations_print_nothing_and_are_applied_once(empty_database: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert len(migrate(empty_database)) == len(list(FOLDER.glob("*.sql")))
    assert migrate(empty_database) == []
    assert capfd.readouterr() == ("", "")


def test_two_that_migrate_at_once_wait_for_each_other(empty_database: str) -> None:
    with ThreadPoolExecutor(2) as both:
        applied = sorted(both.map(migrate, [empty_database] * 2), key=len)
    assert applied[0] == []
    assert len(applied[1]) == len(list(FOLDER.glob("*.sql")))
    with psycopg.connect(empty_database) as conn:
        assert conn.execute("SELECT to_regclass('book.event')").fetchone() == ("book.event",)
