"""`/docs`: the description as one page of HTML that needs nothing from elsewhere, so it shows without the internet."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "code,pre{font:14px ui-monospace,monospace}pre{background:#f4f4f4;padding:.7rem;overflow:auto}"
    "details{border-top:1px solid #ddd;padding:.4rem 0}summary{cursor:pointer}td,th{text-align:left;padding:.1rem 1rem .1rem 0;"
    "vertical-align:top}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}a{color:#8bf}}"
)


@router.get("/docs", response_class=HTMLResponse)
async def page(request: Request) -> HTMLResponse:
    """The description for people."""
    return HTMLResponse(html(request.app.openapi()))


def html(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style><h1>{escape(info['title'])} {info['version']}</h1>"
        f"<p>{escape(info['summary'])}</p><p>{escape(info['description'])}</p><p><a href=openapi.json>openapi.json</a></p>"
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    parts.append(_operation(method, path, operation))
    return "".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{'' if each.get('required') else 'optional'}</td>"
        f"<td>{escape(each.get('description') or each['schema'].get('description', ''))}</td></tr>"
        for each in operation.get("parameters", ())
    )
    shown = "".join(
        f"<pre>{escape(content['example'] if isinstance(content['example'], str) else _json(content['example']))}</pre>"
        for content in operation["responses"]["200"]["content"].values()
        if "example" in content
    )
    return (
        f"<details><summary><code>{method.upper()} {escape(path)}</code></summary>"
        f"<p>{escape(operation['description'])}</p><table>{rows}</table>{shown}</details>"
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
