"""Queries and template variables of Grafana's PostgreSQL data source.

Panels use few macros: `$__timeFrom()` and `$__timeTo()` (timestamps as quoted text) and `$__timeFilter(column)`. What
a query needs beyond that is a function or view of the schema `dashboard` (`compound/store/migrations`), so that panels
and API answer from the same functions. A variable of one value stands in quotes, ``'$site'``; one that may have several or
none as ``ANY(ARRAY[$building]::text[])``: Grafana quotes its values itself.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders.dashboard import QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh, VariableSort

DATASOURCE: Final = DataSourceRef(type_val="grafana-postgresql-datasource", uid="compound-postgres")

SHORT: Final = {
    "since": "$__timeFrom()::timestamptz",
    "until": "$__timeTo()::timestamptz",
    "now": "least($__timeTo()::timestamptz, now())",
    "recent": "greatest($__timeFrom()::timestamptz, $__timeTo()::timestamptz - interval '35 days')",
}
"""What `:since` and the like in a query's text stand for. now: the end of the range, so that the past can be looked at as it
was. recent: where a panel begins that needs quarter hours, which are too many for a year."""


class Sql(Dataquery, Builder[Dataquery]):
    """A query of the data source, by its text with short names (`SHORT`); the SDK has no builder for PostgreSQL.

    form: time_series wants a column `time`, ascending, and where rows are of several series a column `metric`.
    """

    def __init__(self, text: str, form: Literal["time_series", "table"], ref: str = "A") -> None:
        self.text, self.form, self.ref = plain(text), form, ref

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, Any]:
        """As it stands in a dashboard."""
        return {
            "refId": self.ref,
            "datasource": DATASOURCE.to_json(),
            "editorMode": "code",
            "format": self.form,
            "rawQuery": True,
            "rawSql": self.text,
        }


def plain(text: str) -> str:
    """A query as Grafana is given it: without indent, and with the macros that its short names stand for."""
    return re.sub(r"(?<!:):([a-z]+)\b", lambda found: SHORT[found[1]], dedent(text).strip())


def choice(name: str, label: str, query: str, *, several: bool = True) -> QueryVariable:
    """A variable whose values a query lists as __value, shown as __text; all are chosen when there may be several."""
    variable = (
        QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(plain(query))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.DISABLED)
        .allow_custom_value(False)
    )
    if several:
        variable.multi(True).include_all(True).current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    return variable


def items(kind: str, where: str = "") -> str:
    """A query of the registry's items of a kind that hold, by name."""
    condition = f" AND {where}" if where else ""
    return f"SELECT label AS __text, id AS __value FROM dashboard.item WHERE kind = '{kind}'{condition} ORDER BY 1"


SITE: Final = choice("site", "院区 Site", items("site"), several=False)
BUILDING: Final = choice("building", "楼宇 Building", items("building", "site = '$site'"))
DEPARTMENT: Final = choice("department", "部门 Department", items("department", "site = '$site'"))
