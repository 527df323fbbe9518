"""`compound secrets`: everything is made once, nothing is overwritten, and only its owner gets to it."""

from __future__ import annotations

import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.cli import command_line
from ops.secrets import certificates, passwords
from ops.secrets.folder import Folder
from ops.secrets.make import VALUES


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(command_line(), ["secrets", *map(str, args)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = run("init", tmp_path / "secrets", "--host", "broker.example", "--host", "192.0.2.7")
    assert made.exit_code == 0, made.output
    return tmp_path / "secrets"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_is_made_with_values_of_its_own(folder: Path):
    made = contents(folder)
    assert set(made) == {*VALUES, "ca.crt", "ca.key", "mosquitto.crt", "mosquitto.key", "mosquitto_passwords"}
    drawn = [value for name, value in made.items() if name in VALUES and name != "grafana_webhook_url"]
    assert len({*drawn}) == len(drawn)
    assert all(len(value) >= 32 for value in drawn)
    assert passwords.users(Folder(folder)) == list(passwords.PLATFORM)


def test_the_folder_is_its_owners_and_the_files_are_any_containers(folder: Path):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.pop("ca.key") == 0o400
    assert set(modes.values()) == {0o444}


def test_a_second_time_changes_nothing_and_makes_what_is_missing(folder: Path):
    before = contents(folder)
    (folder / "api_token").unlink()
    again = run("init", folder, "--host", "other.example")
    assert again.exit_code == 0
    assert "made api_token" in again.output
    assert "does not name other.example" in again.output
    after = contents(folder)
    assert after.pop("api_token") != before.pop("api_token")
    assert after == before


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path):
    (tmp_path / "open").mkdir(mode=0o755)
    refused = run("init", tmp_path / "open")
    assert "chmod 700" in str(refused.exception)
    assert not list((tmp_path / "open").iterdir())


@pytest.mark.parametrize("host", ["two words", "a/b", ""])
def test_what_is_no_host_is_refused_before_anything_is_made(tmp_path: Path, host: str):
    assert run("init", tmp_path / "secrets", "--host", host).exit_code == 2
    assert not (tmp_path / "secrets").exists()


def test_the_certificate_names_its_hosts_and_the_authority_vouches(folder: Path):
    hosts, _ = certificates.certified(Folder(folder))
    assert hosts == ["mosquitto", "localhost", "127.0.0.1", "broker.example", "192.0.2.7"]
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "mosquitto.crt", folder / "mosquitto.key")
    for host in hosts:
        shake(context, served, host)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(context, served, "evil.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(ssl.create_default_context(), served, "broker.example")


def test_renewing_is_for_the_last_third_or_new_hosts(folder: Path):
    before = contents(folder)
    assert "nothing was changed" in run("renew", folder).output
    assert contents(folder) == before
    assert "holds until" in run("renew", folder, "--host", "new.example").output
    hosts, _ = certificates.certified(Folder(folder))
    assert hosts[-2:] == ["192.0.2.7", "new.example"]
    assert run("renew", folder, "--now").exit_code == 0
    after = contents(folder)
    assert {name for name in before if before[name] != after[name]} == {"mosquitto.crt", "mosquitto.key"}


def test_a_device_gets_its_password_once(folder: Path):
    first = run("device", folder, "m-1")
    assert len(first.stdout.strip()) >= 32
    assert "has a password" in run("device", folder, "m-1").output
    second = run("device", folder, "m-1", "--new")
    assert second.stdout != first.stdout
    assert passwords.users(Folder(folder)).count("m-1") == 1
    assert run("device", folder, "m-1", "--remove").exit_code == 0
    assert "m-1" not in passwords.users(Folder(folder))
    assert run("device", folder, "m-1", "--remove").exit_code == 2


@pytest.mark.parametrize("name", ["ingest", "health", "a/b", "+", "m 1"])
def test_a_device_can_not_be_named_so(folder: Path, name: str):
    assert run("device", folder, name).exit_code == 2


def test_files_are_changed_in_place(folder: Path):
    """A container holds the file itself; another one in its place would not be seen."""
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    run("device", folder, "m-1")
    run("renew", folder, "--now")
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before


def test_mosquittos_own_program_writes_the_same_format(tmp_path: Path):
    file = tmp_path / "theirs"
    file.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", file, "u", "secret"], check=True, capture_output=True)
    theirs, ours = file.read_text().strip().split(":", 1)[1].split("$"), passwords.hashed("secret").split("$")
    assert [theirs[1], theirs[2], len(theirs[4])] == [ours[1], ours[2], len(ours[4])]


def shake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """A TLS handshake in memory. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
        if not ends:
            return
    raise AssertionError("the handshake did not end")
