"""`compound`: the command line of the house. Each group of commands has its own module."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import psycopg
import typer

from compound.errors import Mendable

MODULES: Final = {
    "up": "cli_up",
    "secrets": "cli_secrets",
    "simulate": "cli_simulate",
    "status": "cli_look",
    "watch": "cli_look",
    "energy": "cli_look",
    "verify": "cli_verify",
    "apply": "cli_registry",
    "quarantine": "cli_quarantine",
    "audit": "cli_audit",
    "rebuild": "cli_rebuild",
    "move": "cli_move",
    "backup": "cli_backup",
    "restore": "cli_backup",
    "ingest": "cli_roles",
    "processors": "cli_roles",
    "archiver": "cli_roles",
    "api": "cli_roles",
    "migrate": "cli_roles",
    "doctor": "cli_doctor",
    "grafana": "cli_grafana",
}
"""Command -> the module of `ops` that has it; in the order of the help."""


def command_line(command: str | None = None) -> typer.Typer:
    """The module of a command alone, for a role's process must not carry what the others need; else all commands."""
    app = typer.Typer(
        name="compound",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        help="The smart compound: events of meters, gates, spots, lockers and inverters become figures to defend.\n\n"
        "Start with [bold]compound up[/bold]; look with [bold]compound watch[/bold]; "
        "[bold]compound doctor[/bold] says what is missing.",
    )
    for module in [MODULES[command]] if command in MODULES else dict.fromkeys(MODULES.values()):
        import_module(f"ops.{module}").add_to(app)
    app.callback()(_compound)
    return app


def _compound() -> None:
    """With this, the only command of a module still has to be named."""


def main() -> None:
    """Run the command; what a person can mend is said in one sentence, with exit code 2."""
    try:
        command_line(*sys.argv[1:2])()
    except (Mendable, psycopg.OperationalError) as error:
        print(f"compound: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
