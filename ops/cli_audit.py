"""`compound audit`: verify the book's hash chain (P9)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from compound.log.audit import Report, audit
from compound.log.heads import read_heads, write_heads
from ops.cli_look import JsonOut
from ops.cli_up import Data
from ops.up.folder import DEFAULT
from ops.where import find


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command("audit", rich_help_panel="Look")(audit_book)


def audit_book(
    data: Data = DEFAULT,
    as_json: JsonOut = False,
    write: Annotated[
        Path | None, typer.Option("--write-heads", help="File to write the chain's heads to; keep it elsewhere.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check-heads", help="File of heads written earlier, to hold the book against.")
    ] = None,
) -> None:
    """Verify every row of the book; name the first wrong, missing, inserted or rewritten one of each partition.

    Exit code 1 when something is not as it was written. Keep the heads (or the fingerprint of all) where nobody who may
    write to the database can change them: a later audit shows against them whether the book was made anew.
    """
    where = find(data)
    noted = read_heads(check) if check else None
    made = datetime.now(UTC).isoformat(timespec="seconds")
    out = Console(stderr=True)
    columns = (TextColumn("Reading the book"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("book", total=None)
        report = audit(
            where.database_url,
            lambda done, total: progress.update(task, completed=done, total=total),
            noted,
        )
    if write and not report.findings:
        write_heads(write, report.heads, made)
    _tell(report, as_json)
    if report.findings:
        raise typer.Exit(1)


def _tell(report: Report, as_json: bool) -> None:
    print_ = _fingerprint(report)
    if as_json:
        findings = [{"kind": f.kind, "address": f.address._asdict(), "text": f.text} for f in report.findings]
        typer.echo(json.dumps({"rows": report.rows, "fingerprint": print_, "findings": findings}, indent=2))
        return
    for finding in report.findings:
        typer.echo(str(finding))
    verdict = "NOT as it was written" if report.findings else "as it was written"
    typer.echo(f"{report.rows:,} rows in {len(report.heads)} partitions: {verdict}. Fingerprint {print_}.")


def _fingerprint(report: Report) -> str:
    """One hash over the heads of all partitions."""
    whole = hashlib.sha256()
    for slot, head in sorted(report.heads.items()):
        whole.update(f"{slot.topic}/{slot.generation}/{slot.partition}/{head.next_offset}/{head.hash.hex()}\n".encode())
    return whole.hexdigest()[:32]
