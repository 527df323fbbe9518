"""`compound`: the command line of the house. Each group of commands has its own module."""

from __future__ import annotations

import sys

import psycopg
import typer

from compound.archive import ArchiveStopped
from compound.log.generations import LogMisplaced
from compound.log.port import LogUnavailable, OffsetLost
from compound.registry.file import FileError
from compound.settings import SettingsError
from compound.store.transfer import TransferError
from dashboards.grafana.files import PushError
from ops import (
    cli_audit,
    cli_backup,
    cli_doctor,
    cli_grafana,
    cli_look,
    cli_move,
    cli_quarantine,
    cli_rebuild,
    cli_registry,
    cli_roles,
    cli_secrets,
    cli_simulate,
    cli_up,
    cli_verify,
)
from ops.client import ApiError
from ops.embedded.process import ServiceError
from ops.up.folder import Busy, NotRunning
from processors.rebuild.build import RebuildError

app = typer.Typer(
    name="compound",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The smart compound: events of meters, gates, spots, lockers and inverters become figures to defend.\n\n"
    "Start with [bold]compound up[/bold]; look with [bold]compound watch[/bold]; "
    "[bold]compound doctor[/bold] says what is missing.",
)
for module in (
    cli_up,
    cli_secrets,
    cli_simulate,
    cli_look,
    cli_verify,
    cli_registry,
    cli_quarantine,
    cli_audit,
    cli_rebuild,
    cli_move,
    cli_backup,
    cli_roles,
    cli_doctor,
    cli_grafana,
):
    module.add_to(app)


_SERVICES = (LogUnavailable, LogMisplaced, ArchiveStopped, psycopg.OperationalError)
"""The log or the database is not there, is another one, or has lost something."""


def main() -> None:
    """Run the command; what a person can mend is said in one sentence, with exit code 2."""
    try:
        app()
    except (
        SettingsError,
        FileError,
        ServiceError,
        TransferError,
        Busy,
        NotRunning,
        ApiError,
        PushError,
        RebuildError,
        OffsetLost,
        *_SERVICES,
    ) as error:
        print(f"compound: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
