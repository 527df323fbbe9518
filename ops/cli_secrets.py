"""`compound secrets`: what a server needs before its first start, and devices' passwords."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ops.secrets import certificates, passwords
from ops.secrets.folder import Folder
from ops.secrets.make import make

group = typer.Typer(no_args_is_help=True, help="Passwords and certificates of a server, in one folder.")
Dir = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of secrets.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="A name or address by which devices reach the broker; several may be."),
]

_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_RELOAD = "Have Mosquitto read it: docker compose kill -s HUP mosquitto (or systemctl reload mosquitto)."


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    app.add_typer(group, name="secrets", rich_help_panel="Run")


@group.command()
def init(folder: Dir, host: Hosts = None) -> None:
    """Make the folder with every password and certificate that is missing; what is there stays as it is.

    The folder is readable by its owner alone. Back it up apart from the data, with the keys of personal data.
    """
    _check(host)
    where = Folder(folder)
    made = make(where, host or [])
    for name in made:
        typer.echo(f"made {name}")
    hosts, end = certificates.certified(where)
    if missing := sorted(set(host or []) - set(hosts)):
        typer.echo(
            f"The certificate does not name {', '.join(missing)}: `compound secrets renew {folder} --host …` does."
        )
    typer.echo(f"{where.path} is complete; the broker's certificate names {', '.join(hosts)} and ends {end:%Y-%m-%d}.")
    typer.echo(f"Tell docker-compose.yml, in .env beside it: COMPOUND_SECRETS={where.path}")


@group.command()
def device(
    folder: Dir,
    name: Annotated[str, typer.Argument(metavar="DEVICE", help="Id of the device (or gateway) in MQTT topics.")],
    new: Annotated[bool, typer.Option("--new", help="A new password instead of the one it has.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take its password away.")] = False,
) -> None:
    """Give a device its password for the broker, and print it, once. It is the user's name: it may publish as itself alone."""
    where = Folder(folder)
    if not passwords.DEVICE.fullmatch(name) or name in passwords.PLATFORM:
        raise typer.BadParameter(f"{name!r} can't be a device's name at the broker", param_hint="DEVICE")
    there = name in passwords.users(where)
    if remove and not there:
        raise typer.BadParameter(f"{name} has no password", param_hint="DEVICE")
    if there and not (new or remove):
        raise typer.BadParameter(f"{name} has a password; --new gives it another", param_hint="DEVICE")
    if remove:
        passwords.take(where, name)
    else:
        typer.echo(passwords.give(where, name))
    typer.echo(_RELOAD, err=True)


@group.command()
def renew(
    folder: Dir,
    host: Hosts = None,
    now: Annotated[bool, typer.Option("--now", help="Also when its end is far.")] = False,
) -> None:
    """Renew the broker's certificate when its last third has begun (or hosts are added); devices notice nothing.

    The authority that devices trust stays. Run it once a month.
    """
    _check(host)
    where = Folder(folder)
    hosts, end = certificates.certified(where)
    if not (now or set(host or []) - set(hosts) or end - datetime.now(UTC) < certificates.RENEW_BEFORE):
        typer.echo(f"The certificate holds until {end:%Y-%m-%d}; nothing was changed.")
        return
    certificates.make_certificate(where, [*hosts, *(host or [])])
    _, end = certificates.certified(where)
    typer.echo(f"The certificate holds until {end:%Y-%m-%d}. {_RELOAD}")


def _check(hosts: list[str] | None) -> None:
    """Refuse what is no host before anything is written."""
    for each in hosts or []:
        if not _HOST.fullmatch(each):
            raise typer.BadParameter(f"{each!r} is no host's name or address", param_hint="--host")
