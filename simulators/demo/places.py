"""Buildings, departments, zones, doors, spots, locker banks and inverters of the demo compound."""

from __future__ import annotations

from dataclasses import dataclass

SITE = "demo"
ZONE = "Asia/Shanghai"
LATITUDE, LONGITUDE, ALTITUDE_M = 36.65, 117.0, 23.0
OUTSIDE = "outside"
PLANT = "pv-roof"
MAIN = "p-main"
TILT_DEG, AZIMUTH_DEG = 20.0, 180.0

BUILDINGS = {
    "b1": ("1号楼(行政楼)", "Building 1, administration", 12_000),
    "b2": ("2号楼(综合楼)", "Building 2, offices", 9_000),
    "b3": ("3号楼(政务服务大厅)", "Building 3, service hall", 5_000),
    "b4": ("4号楼(食堂)", "Building 4, canteen", 1_800),
    "b5": ("5号楼(后勤楼)", "Building 5, logistics", 1_500),
}
DEPARTMENTS = {  # zh, en, m², headcount, Wh of electricity a year
    "d-off": ("办公室", "General office", 5_200, 52, 260_000_000),
    "d-fin": ("财务处", "Finance", 2_400, 30, 50_000_000),
    "d-hr": ("人事处", "Human resources", 2_300, 26, 45_000_000),
    "d-plan": ("规划处", "Planning", 4_300, 42, 130_000_000),
    "d-it": ("信息中心", "Information centre", 2_600, 24, 360_000_000),
    "d-svc": ("政务服务中心", "Public services", 4_800, 48, 150_000_000),
    "d-cat": ("膳食科", "Catering", 1_800, 18, 95_000_000),
    "d-log": ("后勤处", "Logistics", 3_900, 24, 420_000_000),
}
MONTH_WEIGHTS = ["0.09", "0.08", "0.08", "0.07", "0.07", "0.09", "0.1", "0.1", "0.08", "0.07", "0.08", "0.09"]
"""How a year's budget falls on its months; sums to 1."""

ZONES = {
    "grounds": ("院内", "Grounds"),
    "z-b1": ("1号楼内", "Inside building 1"),
    "z-b2": ("2号楼内", "Inside building 2"),
    "z-b3": ("大厅内", "Inside the service hall"),
    "z-b4": ("食堂内", "Inside the canteen"),
    "z-dc": ("数据机房内", "Inside the data room"),
}


@dataclass(frozen=True)
class Door:
    """A door or gate. `in` leads from `outer` to `inner`; a vehicle barrier is slow."""

    device: str
    zh: str
    en: str
    outer: str
    inner: str
    counts: bool = False
    vehicles: bool = False
    building: str | None = None

    @property
    def point(self) -> str:
        """Where the controller hangs."""
        return self.device.replace("g-", "door-", 1)


DOORS = {
    door.device: door
    for door in (
        Door("g-car1", "南门车道", "South gate, cars", OUTSIDE, "grounds", vehicles=True),
        Door("g-car2", "东门车道", "East gate, cars", OUTSIDE, "grounds", vehicles=True),
        Door("g-n1", "北门闸机1", "North turnstile 1", OUTSIDE, "grounds", counts=True),
        Door("g-n2", "北门闸机2", "North turnstile 2", OUTSIDE, "grounds", counts=True),
        Door("g-s1", "南门闸机", "South turnstile", OUTSIDE, "grounds", counts=True),
        Door("g-b1a", "1号楼正门", "Building 1, front door", "grounds", "z-b1", building="b1"),
        Door("g-b1b", "1号楼侧门", "Building 1, side door", "grounds", "z-b1", building="b1"),
        Door("g-b2a", "2号楼正门", "Building 2, front door", "grounds", "z-b2", building="b2"),
        Door("g-b2b", "2号楼侧门", "Building 2, side door", "grounds", "z-b2", building="b2"),
        Door("g-b3", "大厅正门", "Service hall, front door", "grounds", "z-b3", counts=True, building="b3"),
        Door("g-b4", "食堂门", "Canteen door", "grounds", "z-b4", counts=True, building="b4"),
        Door("g-dc", "数据机房门", "Data room door", "z-b1", "z-dc", building="b1"),
    )
}
DOORS_INTO = {zone: [d.device for d in DOORS.values() if d.inner == zone and not d.vehicles] for zone in ZONES}

CARPARKS = {"P1": ("P1停车场", "Car park P1"), "P2": ("P2停车场", "Car park P2")}
CARPARK_GATE = {"P1": "g-car1", "P2": "g-car2"}
SPOT_CLASSES = {  # zh, en, limit in seconds
    "staff": ("职工车位", "Staff", 36 * 3600),
    "visitor": ("访客车位", "Visitors", 3 * 3600),
}
HEARTBEAT_S = 3600
HEARTBEAT_LIMIT_S = 9000
"""A spot is unknown 2.5 h after its sensor's last sign; sensors report every hour."""


@dataclass(frozen=True)
class Spot:
    """A parking spot with its sensor."""

    device: str
    carpark: str
    kind: str

    @property
    def point(self) -> str:
        """The spot's place."""
        return self.device.removeprefix("sp-")


SPOTS = {
    spot.device: spot
    for carpark, size, visitors in (("P1", 180, 30), ("P2", 120, 10))
    for number in range(1, size + 1)
    for spot in [
        Spot(f"sp-{carpark.lower()}-{number:03d}", carpark, "visitor" if number <= visitors else "staff"),
    ]
}

BANKS = {
    "lk-1": ("1号楼快递柜", "Lockers at building 1"),
    "lk-2": ("2号楼快递柜", "Lockers at building 2"),
    "lk-3": ("北门快递柜", "Lockers at the north gate"),
    "lk-4": ("后勤快递柜", "Lockers at logistics"),
}
CELLS = {f"c{n:02d}": "S" if n <= 24 else "M" if n <= 40 else "L" for n in range(1, 49)}

P0_W, RATED_W = 50_000, 45_000
INVERTERS = tuple(f"inv-{n}" for n in range(1, 9))
SUNSPEC = "inv-8"
"""The inverter that speaks raw SunSpec registers."""
WEATHER = "ws-1"
DLT645_GATEWAY = "gw-b2"
