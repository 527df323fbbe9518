"""Grafana 11.6's HTTP API as far as `compound grafana push` uses it, over real HTTP: there is no Grafana to be had from the
registries that tests install from.

Written after its documentation and source: what it answers to unknown UIDs (404), to a wrong token (401), to a dashboard
with another version than it holds (412), to what a file provisioned (403, read only), what it adds to objects (ids, versions,
provenance), that it never shows secrets, and that policies may name only what is there (400).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, Any]
SECRET_SETTINGS = ("password", "authorization_credentials")


class FakeGrafana:
    """The state, and what each request does to it. `writes` tells the requests that changed something."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.url = ""
        self.writes: list[str] = []
        self.between: Callable[[str], None] = lambda _path: None
        """Called before each write: what somebody else does meanwhile."""
        self.folders: dict[str, Any] = {}
        self.sources: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.groups: dict[str, Any] = {}
        self.points: dict[str, Any] = {}
        self.mutes: dict[str, Any] = {}
        self.policies: dict[str, Any] = {
            "receiver": "grafana-default-email",
            "group_by": ["grafana_folder", "alertname"],
        }

    def answer(self, method: str, path: str, body: Any, headers: Any) -> Answer:
        """The status and JSON of one request."""
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"message": "Invalid API key"}
        if method != "GET":
            self.between(path)
            self.writes.append(f"{method} {path}")
        for pattern, act in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return act(self, body, headers, *found.groups())
        return 404, {"message": "Not found"}

    def get_folder(self, _body: Any, _headers: Any, uid: str) -> Answer:
        return _found(self.folders, uid, "folder not found")

    def post_folder(self, body: Any, _headers: Any) -> Answer:
        if body["uid"] in self.folders:
            return 409, {"message": "a folder with that UID already exists"}
        self.folders[body["uid"]] = {**body, "id": len(self.folders) + 1, "version": 1}
        return 200, self.folders[body["uid"]]

    def put_folder(self, body: Any, _headers: Any, uid: str) -> Answer:
        held = self.folders[uid]
        if body.get("version") != held["version"] and not body.get("overwrite"):
            return 412, {"message": "the folder has been changed by someone else"}
        held.update(title=body["title"], version=held["version"] + 1)
        return 200, held

    def get_source(self, _body: Any, _headers: Any, uid: str) -> Answer:
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        held = deepcopy(self.sources[uid])
        secrets = held.pop("secureJsonData", {})
        return 200, {**held, "secureJsonFields": dict.fromkeys(secrets, True), "readOnly": held.get("readOnly", False)}

    def post_source(self, body: Any, _headers: Any) -> Answer:
        self.sources[body["uid"]] = {"id": len(self.sources) + 1, "version": 1, "basicAuth": False, **body}
        return 200, {"message": "Datasource added"}

    def put_source(self, body: Any, _headers: Any, uid: str) -> Answer:
        if self.sources[uid].get("readOnly"):
            return 403, {"message": "Cannot update read-only data source"}
        self.sources[uid].update(body)
        return 200, {"message": "Datasource updated"}

    def get_dashboard(self, _body: Any, _headers: Any, uid: str) -> Answer:
        return _found(self.dashboards, uid, "Dashboard not found")

    def post_dashboard(self, body: Any, _headers: Any) -> Answer:
        wanted = body["dashboard"]
        held = self.dashboards.get(wanted["uid"])
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if held and not body["overwrite"] and wanted["version"] != held["dashboard"]["version"]:
            return 412, {"status": "version-mismatch", "message": "The dashboard has been changed by someone else"}
        count = held["dashboard"] if held else {"id": len(self.dashboards) + 1, "version": 0}
        self.dashboards[wanted["uid"]] = {
            "dashboard": {**wanted, "id": count["id"], "version": count["version"] + 1},
            "meta": {"folderUid": body["folderUid"], "provisioned": False},
        }
        return 200, {"status": "success", "uid": wanted["uid"]}

    def get_group(self, _body: Any, _headers: Any, folder: str, name: str) -> Answer:
        return _found(self.groups, f"{folder}/{name}", "rule group does not exist")

    def put_group(self, body: Any, headers: Any, folder: str, name: str) -> Answer:
        if folder not in self.folders:
            return 400, {"message": "folder does not exist"}
        for rule in body["rules"]:
            if rule["condition"] not in {query["refId"] for query in rule["data"]}:
                return 400, {"message": f"invalid alert rule: condition {rule['condition']} does not exist"}
        rules = [
            {"id": n, "updated": "2026-01-01T00:00:00Z", "provenance": _provenance(headers), "record": None, **rule}
            for n, rule in enumerate(body["rules"], 1)
        ]
        self.groups[f"{folder}/{name}"] = {**body, "rules": rules}
        return 200, body

    def get_points(self, _body: Any, _headers: Any) -> Answer:
        found = deepcopy(list(self.points.values()))
        for point in found:
            for name in SECRET_SETTINGS:
                if name in point["settings"]:
                    point["settings"][name] = "[REDACTED]"
        return 200, found

    def post_point(self, body: Any, headers: Any) -> Answer:
        self.points[body["uid"]] = {**body, "provenance": _provenance(headers)}
        return 202, body

    def put_point(self, body: Any, headers: Any, uid: str) -> Answer:
        self.points[uid] = {**body, "provenance": _provenance(headers)}
        return 202, {"message": "contactpoint updated"}

    def get_mute(self, _body: Any, _headers: Any, name: str) -> Answer:
        return _found(self.mutes, name, "mute timing not found")

    def post_mute(self, body: Any, _headers: Any) -> Answer:
        self.mutes[body["name"]] = {**body, "version": "a"}
        return 201, body

    def put_mute(self, body: Any, _headers: Any, name: str) -> Answer:
        self.mutes[name] = {**body, "version": "b"}
        return 202, body

    def get_policies(self, _body: Any, _headers: Any) -> Answer:
        return 200, self.policies

    def put_policies(self, body: Any, headers: Any) -> Answer:
        receivers = {point["name"] for point in self.points.values()} | {"grafana-default-email"}
        for route in (body, *body.get("routes", [])):
            if route["receiver"] not in receivers:
                return 400, {"message": f"invalid object specification: receiver '{route['receiver']}' does not exist"}
            if not set(route.get("mute_time_intervals", [])) <= set(self.mutes):
                return 400, {"message": "invalid object specification: mute time interval does not exist"}
        self.policies = {**body, "provenance": _provenance(headers)}
        return 202, {"message": "policies updated"}


_PROVISIONING = "/api/v1/provisioning"
_ROUTES: tuple[tuple[str, Callable[..., Answer]], ...] = (
    (r"GET /api/folders/([^/]+)", FakeGrafana.get_folder),
    (r"POST /api/folders", FakeGrafana.post_folder),
    (r"PUT /api/folders/([^/]+)", FakeGrafana.put_folder),
    (r"GET /api/datasources/uid/([^/]+)", FakeGrafana.get_source),
    (r"POST /api/datasources", FakeGrafana.post_source),
    (r"PUT /api/datasources/uid/([^/]+)", FakeGrafana.put_source),
    (r"GET /api/dashboards/uid/([^/]+)", FakeGrafana.get_dashboard),
    (r"POST /api/dashboards/db", FakeGrafana.post_dashboard),
    (rf"GET {_PROVISIONING}/folder/([^/]+)/rule-groups/([^/]+)", FakeGrafana.get_group),
    (rf"PUT {_PROVISIONING}/folder/([^/]+)/rule-groups/([^/]+)", FakeGrafana.put_group),
    (rf"GET {_PROVISIONING}/contact-points", FakeGrafana.get_points),
    (rf"POST {_PROVISIONING}/contact-points", FakeGrafana.post_point),
    (rf"PUT {_PROVISIONING}/contact-points/([^/]+)", FakeGrafana.put_point),
    (rf"GET {_PROVISIONING}/mute-timings/([^/]+)", FakeGrafana.get_mute),
    (rf"POST {_PROVISIONING}/mute-timings", FakeGrafana.post_mute),
    (rf"PUT {_PROVISIONING}/mute-timings/([^/]+)", FakeGrafana.put_mute),
    (rf"GET {_PROVISIONING}/policies", FakeGrafana.get_policies),
    (rf"PUT {_PROVISIONING}/policies", FakeGrafana.put_policies),
)


def _found(held: dict[str, Any], key: str, missing: str) -> Answer:
    return (200, held[key]) if key in held else (404, {"message": missing})


def _provenance(headers: Any) -> str:
    return "" if headers.get("X-Disable-Provenance") else "api"


@contextmanager
def serve(fake: FakeGrafana) -> Iterator[FakeGrafana]:
    """Answer on a free port of loopback, at `fake.url`."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = fake.answer(self.command, self.path.removeprefix("/sub"), body, self.headers)
            said = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = _do

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
