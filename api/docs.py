"""The API's documents made from the code: `docs/openapi.json`, and the tables in `docs/api.md`. A test finds drift.

`python -m api.docs` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from api.app import create_app
from api.openapi import TAGS, text
from api.problems import CATALOGUE, PREFIX
from compound.settings import Settings

DOCS: Final = Path(__file__).parent.parent / "docs"
OPENAPI: Final = DOCS / "openapi.json"
PAGE: Final = DOCS / "api.md"


def app() -> FastAPI:
    """The application with default settings, never run."""
    return create_app(
        Settings.model_construct(**{name: field.default for name, field in Settings.model_fields.items()})
    )


def routes_table(document: dict[str, Any]) -> str:
    """All operations by tag, each with the first sentence of its description."""
    rows: list[str] = []
    for tag in TAGS:
        rows += [f"**{tag['name']}**: {tag['description']}", "", "| request | what it answers |", "| --- | --- |"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation.get("tags", ()):
                    asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
                    query = f"?{'&'.join(asked)}" if asked else ""
                    says = " ".join(operation["description"].split())
                    rows.append(f"| `{method.upper()} {path}{query}` | {says} |")
        rows.append("")
    return "\n".join(rows).rstrip()


def problems_table() -> str:
    """All kinds of problems."""
    rows = ["| type | status | title |", "| --- | --- | --- |"]
    rows += [f"| `{PREFIX}{kind.slug}` | {kind.status} | {kind.title} |" for kind in CATALOGUE]
    return "\n".join(rows)


def rewrite(page: str, document: dict[str, Any]) -> str:
    """The page with its tables made anew, between `<!-- NAME -->` and `<!-- /NAME -->`."""
    for name, table in (("routes", routes_table(document)), ("problems", problems_table())):
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        head, rest = page.split(begin, 1)
        page = head + begin + table + end + rest.split(end, 1)[1]
    return page


def main() -> None:
    """Write the documents."""
    made = app()
    OPENAPI.write_text(text(made), encoding="utf-8")
    PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8"), made.openapi()), encoding="utf-8")


if __name__ == "__main__":
    main()
