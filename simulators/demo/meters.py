"""The sixty meters of the demo compound: their tree, who answers for them, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Medium = Literal["electricity", "water", "gas", "heat"]
Wire = Literal["native", "dlt645"]

REGISTERS: dict[str, str] = {
    "electricity": "import_wh",
    "water": "volume_l",
    "gas": "volume_l",
    "heat": "heat_wh",
}
"""Medium -> the register that counts consumption."""


@dataclass(frozen=True)
class Meter:
    """A meter and its measuring point. Rated in W (electricity, heat) or l/h (water, gas), primary.

    `use` names the load behind a leaf and `peak` its usual maximum (W or l/h); a meter without one sums its children.
    """

    key: str
    zh: str
    en: str
    medium: Medium = "electricity"
    role: Literal["main", "sub", "generation", "storage"] = "sub"
    parent: str | None = None
    building: str | None = None
    department: str | None = None
    rated: int = 0
    use: str | None = None
    peak: int = 0
    register: str = ""
    digits: int = 8
    step: int = 10
    ct: str = "1"
    unit: str = "1"
    wire: Wire = "native"
    address: str = ""
    serial: str | None = None

    @property
    def device(self) -> str:
        """The device's id; a DL/T 645 meter has its address for one."""
        return self.address or f"m-{self.key}"

    @property
    def point(self) -> str:
        """The id of the measuring point."""
        return f"p-{self.key}"

    @property
    def registers(self) -> tuple[str, ...]:
        """The fields it reports. `interval_wh` is no register but the energy of each quarter hour."""
        main = self.register or REGISTERS[self.medium]
        return (main, "export_wh") if self.role in ("main", "storage") and self.medium == "electricity" else (main,)

    @property
    def ratio(self) -> Fraction:
        """Wh or litres that one unit of the register stands for."""
        return Fraction(self.ct) * Fraction(self.unit)

    @property
    def modulus(self) -> int:
        """Where the register wraps, in its field's unit."""
        return int(10**self.digits * self.step)


def _wings() -> list[Meter]:
    """Sub-meters of the wings of building 2, behind a DL/T 645 gateway."""
    who = ["d-plan", "d-plan", "d-it", "d-it", "d-hr", "d-fin", "d-off", "d-off"]
    return [
        Meter(
            f"b2-f{floor}{wing}",
            f"2号楼{floor}层{'东' if wing == 'a' else '西'}区",
            f"Building 2, floor {floor}, {'east' if wing == 'a' else 'west'} wing",
            parent=f"b2-f{floor}",
            building="b2",
            department=who[2 * (floor - 1) + (wing == "b")],
            rated=22_000,
            use="office",
            peak=8_500,
            wire="dlt645",
            address=f"2026100020{floor}{1 + (wing == 'b')}",
        )
        for floor in (1, 2, 3, 4)
        for wing in "ab"
    ]


def _building(number: int, zh: str, en: str, rated: int) -> Meter:
    return Meter(
        f"b{number}", zh, en, parent="main", building=f"b{number}", rated=rated, ct="40", digits=8, step=10,
        serial=f"DTZ-26-{number:04d}",
    )  # fmt: skip


def _leaf(key: str, zh: str, en: str, department: str, use: str, peak: int, **more: object) -> Meter:
    building = key.split("-")[0]
    fields = {"parent": building, "building": building, "rated": int(peak * 2.2), **more}
    return Meter(key, zh, en, department=department, use=use, peak=peak, **fields)  # type: ignore[arg-type]


ELECTRICITY: tuple[Meter, ...] = (
    Meter("main", "总表(关口)", "Main meter", role="main", rated=1_500_000, ct="400", digits=9, step=1),
    _building(1, "1号楼总表", "Building 1", 420_000),
    _building(2, "2号楼总表", "Building 2", 320_000),
    _building(3, "3号楼总表", "Building 3", 260_000),
    _building(4, "食堂总表", "Canteen", 200_000),
    _building(5, "后勤楼总表", "Logistics building", 120_000),
    _leaf("b1-f1", "1号楼1层", "Building 1, floor 1", "d-off", "office", 16_000, rated=60_000),
    _leaf("b1-f1-srv", "1号楼1层弱电间", "Building 1, server closet", "d-off", "steady", 3_000, parent="b1-f1"),
    Meter("b1-f2", "1号楼2层", "Building 1, floor 2", parent="b1", building="b1", rated=60_000),
    _leaf("b1-f2a", "1号楼2层东区", "Building 1, floor 2 east", "d-fin", "office", 10_000, parent="b1-f2"),
    _leaf("b1-f2b", "1号楼2层西区", "Building 1, floor 2 west", "d-hr", "office", 9_000, parent="b1-f2"),
    _leaf("b1-f3", "1号楼3层", "Building 1, floor 3", "d-plan", "office", 18_000),
    _leaf("b1-f4", "1号楼4层", "Building 1, floor 4", "d-off", "office", 15_000, rated=60_000),
    _leaf("b1-f4-prt", "1号楼4层文印室", "Building 1, print room", "d-off", "office", 4_000, parent="b1-f4"),
    _leaf("b1-f5", "1号楼5层", "Building 1, floor 5", "d-off", "office", 14_000),
    _leaf("b1-hvac", "1号楼空调", "Building 1, air conditioning", "d-log", "hvac", 60_000),
    _leaf("b1-lift", "1号楼电梯", "Building 1, lifts", "d-log", "lift", 12_000),
    Meter("b2-f1", "2号楼1层", "Building 2, floor 1", parent="b2", building="b2", rated=60_000),
    Meter("b2-f2", "2号楼2层", "Building 2, floor 2", parent="b2", building="b2", rated=60_000),
    Meter("b2-f3", "2号楼3层", "Building 2, floor 3", parent="b2", building="b2", rated=60_000),
    Meter("b2-f4", "2号楼4层", "Building 2, floor 4", parent="b2", building="b2", rated=60_000),
    *_wings(),
    _leaf("b2-hvac", "2号楼空调", "Building 2, air conditioning", "d-log", "hvac", 45_000),
    _leaf("b2-lift", "2号楼电梯", "Building 2, lifts", "d-log", "lift", 8_000),
    _leaf("b3-hall", "政务大厅", "Service hall", "d-svc", "hall", 30_000, rated=90_000),
    _leaf("b3-sign", "大厅显示屏", "Service hall, displays", "d-svc", "hall", 2_500, parent="b3-hall",
          register="pulses", unit="0.625", digits=9, step=1),
    _leaf("b3-off", "3号楼办公区", "Building 3, offices", "d-svc", "office", 12_000),
    _leaf("b3-hvac", "3号楼空调", "Building 3, air conditioning", "d-log", "hvac", 35_000),
    _leaf("b3-lift", "3号楼电梯", "Building 3, lift", "d-log", "lift", 5_000),
    _leaf("b4-kit", "厨房", "Kitchen", "d-cat", "kitchen", 50_000),
    _leaf("b4-din", "餐厅", "Dining hall", "d-cat", "dining", 15_000),
    _leaf("b5-wrk", "维修车间", "Workshop", "d-log", "office", 10_000),
    _leaf("b5-pmp", "水泵房", "Pumps", "d-log", "pump", 15_000),
    Meter("ev1", "P1充电桩", "Chargers of car park P1", parent="main", department="d-log", rated=150_000, use="charge",
          peak=60_000),
    Meter("ev2", "P2充电桩", "Chargers of car park P2", parent="main", department="d-log", rated=120_000, use="charge",
          peak=40_000, register="interval_wh"),
    Meter("dc", "数据机房", "Data room", parent="main", building="b1", department="d-it", rated=90_000, use="steady",
          peak=38_000, serial="DSZ-25-0901"),
    Meter("light", "室外照明", "Outdoor lighting", parent="main", department="d-log", rated=30_000, use="night",
          peak=11_000),
    Meter("bat", "储能", "Battery", role="storage", parent="main", rated=80_000, use="battery", peak=40_000),
)  # fmt: skip

OTHERS: tuple[Meter, ...] = (
    Meter("w-main", "总水表", "Main water meter", "water", "main", rated=60_000, step=10, digits=7),
    *(
        Meter(f"w-b{number}", f"{zh}水表", f"Water of {en}", "water", parent="w-main", building=f"b{number}",
              department=department, rated=rated, use=use, peak=peak, step=1, digits=7)
        for number, zh, en, department, use, peak, rated in (
            (1, "1号楼", "building 1", None, "taps", 2_200, 12_000),
            (2, "2号楼", "building 2", None, "taps", 1_800, 12_000),
            (3, "3号楼", "building 3", "d-svc", "taps", 1_200, 9_000),
            (4, "食堂", "the canteen", "d-cat", "kitchen", 3_500, 15_000),
            (5, "后勤楼", "the logistics building", "d-log", "taps", 600, 6_000),
        )
    ),
    Meter("w-twr", "冷却塔补水", "Cooling tower", "water", parent="w-main", department="d-log", rated=9_000, use="hvac",
          peak=1_500, step=10, digits=7),
    Meter("w-irr", "绿化用水", "Irrigation", "water", parent="w-main", department="d-log", rated=12_000, use="irrigate",
          peak=2_500, register="pulses", unit="10", step=1, digits=8),
    Meter("g-main", "总燃气表", "Main gas meter", "gas", "main", rated=80_000, step=10, digits=8),
    Meter("g-kit", "厨房燃气", "Kitchen gas", "gas", parent="g-main", building="b4", department="d-cat", rated=40_000,
          use="kitchen", peak=9_000, step=10, digits=8),
    Meter("g-blr", "锅炉燃气", "Boiler gas", "gas", parent="g-main", building="b5", department="d-log", rated=60_000,
          use="heating", peak=22_000, step=10, digits=8),
    Meter("h-main", "总热量表", "Main heat meter", "heat", "main", rated=900_000, step=1_000, digits=8),
    Meter("h-b1", "1号楼热量表", "Heat of building 1", "heat", parent="h-main", building="b1", rated=400_000,
          use="heating", peak=150_000, step=1_000, digits=8),
    Meter("h-b2", "2号楼热量表", "Heat of building 2", "heat", parent="h-main", building="b2", rated=300_000,
          use="heating", peak=110_000, step=1_000, digits=8),
    Meter("h-b3", "3号楼热量表", "Heat of building 3", "heat", parent="h-main", building="b3", department="d-svc",
          rated=200_000, use="heating", peak=70_000, step=1_000, digits=8),
)  # fmt: skip

METERS: tuple[Meter, ...] = ELECTRICITY + OTHERS
BY_KEY: dict[str, Meter] = {meter.key: meter for meter in METERS}
CHILDREN: dict[str, list[Meter]] = {
    meter.key: [child for child in METERS if child.parent == meter.key] for meter in METERS
}
