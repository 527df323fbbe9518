"""Secrets by file."""

from __future__ import annotations

from pathlib import Path

import psycopg.conninfo
import pytest

from compound.settings import Settings, SettingsError, load

URL = "postgresql://owner@db.example:5432/compound?sslmode=require"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("p@ss/w:rd %41?\n")
    return file


def test_the_databases_password_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, password: Path):
    monkeypatch.setenv("COMPOUND_DATABASE_URL", URL)
    monkeypatch.setenv("COMPOUND_DATABASE_PASSWORD_FILE", str(password))
    settings = load()
    found = psycopg.conninfo.conninfo_to_dict(settings.database_url)
    assert found["password"] == "p@ss/w:rd %41?"
    assert (found["user"], found["host"], found["dbname"], found["sslmode"]) == (
        "owner",
        "db.example",
        "compound",
        "require",
    )
    assert "p@ss" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "says"),
    [("postgresql://h/db", "names no user"), ("postgresql://u:pw@h/db", "holds a password")],
)
def test_a_url_that_has_no_place_for_the_password_is_told(password: Path, url: str, says: str):
    with pytest.raises(SettingsError, match=f"COMPOUND_DATABASE_URL {says}"):
        Settings(database_url=url, database_password_file=password)


def test_a_missing_or_empty_file_is_named(tmp_path: Path):
    with pytest.raises(SettingsError, match="none can't be read"):
        Settings(database_url=URL, database_password_file=tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(SettingsError, match="empty is empty"):
        Settings(database_url=URL, database_password_file=tmp_path / "empty")
