"""`compound simulate csv`: real measurements of any CSV file, sent as a device."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ops.cli_up import Data
from ops.client import ApiError, Client
from ops.client import of as api_of
from ops.simulate import Backlog, bar, speed_of, stopping
from ops.up.folder import DEFAULT
from ops.where import find
from simulators import clock
from simulators.connection import Broken, Connection
from simulators.csv_send import Sender, Sent
from simulators.csv_source import CsvError, Rejected, Row, Source
from simulators.faults.scenario import duration

MEDIA = {"energy": ("electricity", "heat"), "volume": ("water", "gas")}
_SHOWN = 20


def csv(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header, plain or .gz.")],
    device: Annotated[str, typer.Option(help="The device that the rows come from.")],
    time_column: Annotated[str, typer.Option(help="Column of the time.")],
    value_column: Annotated[str, typer.Option(help="Column of the value.")],
    as_: Annotated[
        Literal["interval-end", "interval-start", "register", "power"],
        typer.Option(
            "--as", help="Quantity of the interval that ends (starts) at the time; a register; or mean power."
        ),
    ],
    unit: Annotated[str, typer.Option(help="Wh kWh MWh MJ GJ, l m3, W kW MW, l/h m3/h.")],
    multiply: Annotated[str, typer.Option(help="A factor, such as a transformer's ratio; exact.")] = "1",
    timezone: Annotated[
        str | None, typer.Option(help="Zone of times without an offset (and of a site made anew).")
    ] = None,
    time_format: Annotated[
        str | None, typer.Option(help="epoch, or a strptime format; ISO 8601 when left out.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="Length of an interval (15m); found from the times if left out.")
    ] = None,
    rounding: Annotated[
        Literal["reject", "half-up"], typer.Option(help="What becomes of values finer than 1 Wh or 1 l.")
    ] = "reject",
    delimiter: Annotated[str, typer.Option(help="Between two columns.")] = ",",
    speed: Annotated[str, typer.Option(help="max, or times the real time of the rows.")] = "max",
    register_as: Annotated[
        Literal["meter", "electricity", "heat", "water", "gas"] | None,
        typer.Option(help="Register the device, at a point of its own; meter: electricity, or water for volumes."),
    ] = None,
    rated: Annotated[str | None, typer.Option(help="Rated power in kW, or flow in m³/h; needed to register.")] = None,
    site: Annotated[str | None, typer.Option(help="The device's site; the only one there is when left out.")] = None,
    data: Data = DEFAULT,
) -> None:
    """Send real measurements of a CSV file as a device's, exact to the watt-hour.

    Rows that can't be sent are counted and named by line and reason. Sending a file again changes nothing: the same row
    is the same message.
    """
    out = Console()
    try:
        source = Source(
            file=file, time_column=time_column, value_column=value_column, kind=as_, unit=unit, multiply=_decimal(multiply),
            timezone=timezone, interval_s=duration(interval) // clock.SECOND if interval else None,
            time_format=time_format, delimiter=delimiter, rounding=rounding,
        )  # fmt: skip
        source.check()
        api = api_of(data)
        length, first, total = _survey(source)
        if register_as is not None:
            site = _register(
                api, source, device, register_as, rated, site or _site(api, device), timezone, length, first
            )
        topic = f"compound/v1/{site or _site(api, device) or 'csv'}/meter/{device}/reading"
        connection = Connection(find(data).broker, f"csv-{device}-{os.getpid()}").open()
        with bar(out) as shown, stopping() as stop:
            task = shown.add_task(f"Rows of {file.name}", total=total)
            sender = Sender(connection, topic, speed_of(speed), Backlog(api), stop=stop, tell=_teller(shown, task))
            sent = sender.send(source, length)
            shown.update(task, completed=sent.rows + len(sent.rejected))
        connection.close()
    except (CsvError, Broken, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    _report(sent, out)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CsvError(f"{text!r} is no number") from None
    if not number.is_finite() or number <= 0:
        raise CsvError(f"a factor or rated power is above 0, not {text}")
    return number


def _survey(source: Source) -> tuple[int, int, int]:
    """(seconds of an interval, the earliest row's beginning, number of lines). Raises CsvError."""
    length = source.interval() if source.kind != "register" or source.interval_s else _step(source)
    first: int | None = None
    total = 0
    for row in source.rows(length):
        total += 1
        if isinstance(row, Row):
            first = row.time if first is None else min(first, row.time)
    return length, (first or clock.now()) - length * clock.SECOND, total


def _step(source: Source) -> int:
    """Seconds between two readings of a register; a quarter hour where that can't be told."""
    try:
        return source.interval()
    except CsvError:
        return 900


def _teller(shown: Progress, task: Any) -> Any:
    def tell(rows: int) -> None:
        if rows % 200 == 0:
            shown.update(task, completed=rows)

    return tell


def _site(api: Client, device: str) -> str | None:
    """The site of the device, else the only site there is; None: there is none. Raises CsvError when there are several."""
    try:
        versions = list(api.pages(f"/v1/registry/device/{device}"))
    except ApiError:
        versions = []
    if versions and versions[-1].get("data"):
        return str(versions[-1]["data"]["site"])
    sites = [item["id"] for item in api.pages("/v1/registry/site")]
    if len(sites) > 1:
        raise CsvError(f"there are several sites; say one by --site: {', '.join(sites)}")
    return sites[0] if sites else None


def _register(
    api: Client, source: Source, device: str, kind: str, rated: str | None, site: str | None, timezone: str | None,
    length: int, first: int,
) -> str:  # fmt: skip
    """Register the device from a day before its first row on, unless it is; returns its site. Raises CsvError."""
    if rated is None:
        raise CsvError("--register-as needs --rated: without rated power no step can be judged")
    medium = MEDIA[source.measures][0] if kind == "meter" else kind
    if medium not in MEDIA[source.measures]:
        raise CsvError(f"a {kind} meter does not count {source.unit}")
    since = (clock.moment(first) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    most = int(_decimal(rated) * 1000)
    parameters = {"rated_w" if source.measures == "energy" else "rated_l_h": most, "interval_s": length}
    items = []
    if site is None:
        site = "csv"
        about = {"timezone": timezone or "UTC", "latitude": 0.0, "longitude": 0.0}
        items.append({"kind": "site", "id": site, "from": "2000-01-01T00:00:00Z", "data": about})
    point = {"type": "meter", "site": site, "medium": medium}
    meter = {"kind": "meter", "site": site, "point": f"p-{device}", "digits": 12, "step": 1, **parameters}
    items.append({"kind": "point", "id": f"p-{device}", "from": since, "data": point})
    items.append({"kind": "device", "id": device, "from": since, "data": meter})
    if not _registered(api, device, since):
        api.post("/v1/registry", {"items": items})
    return site


def _registered(api: Client, device: str, since: str) -> bool:
    """Whether the device is registered from `since` or earlier."""
    try:
        versions = list(api.pages(f"/v1/registry/device/{device}"))
    except ApiError:
        return False
    return any(str(version["from"]).replace("Z", "+00:00") <= since for version in versions)


def _report(sent: Sent, out: Console) -> None:
    stopped = " Stopped: send the file again to go on." if sent.stopped else ""
    out.print(f"{sent.rows:,} rows sent, {len(sent.rejected):,} rejected.{stopped}")
    for row in sent.rejected[:_SHOWN]:
        out.print(f"  line {row.line}: {row.reason}", markup=False)
    if len(sent.rejected) > _SHOWN:
        out.print(f"  … by reason: {_reasons(sent.rejected)}", markup=False)


def _reasons(rejected: list[Rejected]) -> str:
    counted = Counter(row.reason.split(":")[0] for row in rejected)
    return ", ".join(f"{reason} {number:,}" for reason, number in counted.most_common())
