"""What the data's own words are called on the dashboards, and their colours."""

from __future__ import annotations

from typing import Final

from dashboards.grafana.panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Texts, marked

PRIORITY: Final = marked({"high": ("高 high", RED), "medium": ("中 medium", ORANGE), "low": ("低 low", BLUE)})

STATE: Final = marked(
    {
        "raised": ("未确认 raised", RED),
        "acknowledged": ("已确认 acknowledged", YELLOW),
        "unacknowledged": ("已恢复未确认 cleared, unacknowledged", ORANGE),
        "cleared": ("已恢复 cleared", GREEN),
        "withdrawn": ("已撤销 withdrawn", GREY),
    }
)
"""States of an alert."""

RULE: Final = marked(
    {
        name: (f"{zh} {name}", color)
        for color, rules in (
            (RED, {"forced": "强行开门", "duress": "胁迫", "tamper": "防拆", "inverter-fault": "逆变器故障"}),
            (ORANGE, {
                "held": "门未关", "tailgating": "尾随", "anti-passback": "反潜回", "silent": "静默", "offline": "离线",
                "channel-silent": "通道静默", "break": "读数中断", "door-left-open": "柜门未关", "quota-alarm": "定额超限",
            }),
            (YELLOW, {
                "overstay": "超时停放", "quota-warning": "定额预警", "quota-notice": "定额提示", "overdue-24": "滞留24小时",
                "overdue-48": "滞留48小时", "overdue-72": "滞留72小时",
            }),
        )
        for name, zh in rules.items()
    }
)  # fmt: skip

LIFE: Final = marked(
    {
        "alive": ("在线 alive", GREEN),
        "silent": ("静默 silent", ORANGE),
        "offline": ("离线 offline", RED),
        "never": ("从未上线 never heard", GREY),
    }
)
"""States of a device."""

LEVEL: Final = marked(
    {"notice": ("提示 notice", YELLOW), "warning": ("预警 warning", ORANGE), "alarm": ("超限 alarm", RED)}
)
"""Levels of a quota."""

INVERTER: Final[Texts] = {
    "0": ("未知 unknown", GREY),
    "1": ("停机 off", "#5a6b7b"),
    "2": ("休眠 sleeping", BLUE),
    "3": ("启动 starting", "light-green"),
    "4": ("发电 MPPT", GREEN),
    "5": ("限功率 throttled", YELLOW),
    "6": ("停机中 shutting down", "light-blue"),
    "7": ("故障 fault", RED),
    "8": ("待机 standby", "purple"),
}
"""States of an inverter by SunSpec 103; 0: no sign of life."""
