"""What provisioning files do at Grafana's start, done to one that runs: compare each object, write what differs.

Objects are told by their UIDs (mute timings, groups of rules and the policies by name). A second push changes nothing. What
Grafana adds to an object by itself is no difference, and what it keeps secret is not compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dashboards.grafana import files
from dashboards.grafana.files import Missing, PushError, Values

State = Literal["created", "updated", "unchanged", "left out"]
ALERTS: Final = "compound-alerts"
INITIAL: Final = "grafana-default-email"
"""Where a new Grafana's policies send to."""
_HIDDEN: Final = "[REDACTED]"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Done:
    """What became of an object (or, in a dry run, would)."""

    kind: str
    name: str
    state: State


class Grafana:
    """One running Grafana. `credential`: a service account's token, or user and password."""

    def __init__(self, url: str, credential: str | tuple[str, str], *, dry_run: bool = False) -> None:
        self._url = url
        self._dry_run = dry_run
        self._api = GrafanaApi.from_url(url.rstrip("/") + "/", credential, timeout=30)
        # What is pushed stays changeable in Grafana, and by the next push.
        self._api.client.s.headers["X-Disable-Provenance"] = "true"

    def push(
        self, values: Values, *, timescaledb: bool, new_password: bool = False, replace: bool = False
    ) -> Iterator[Done]:
        """Everything, in the order that references ask for. Raises PushError.

        timescaledb: whether the database has it. new_password: send the data source's password though Grafana has one.
        replace: put our notification policies in the place of others that somebody made.
        """
        (provider,) = files.part("dashboards", "providers")
        groups = files.part("alerting", "groups")
        yield self._folder(provider["folderUid"], provider["folder"])
        yield self._folder(ALERTS, groups[0]["folder"])
        for source in files.part("datasources", "datasources"):
            source["jsonData"]["timescaledb"] = timescaledb
            yield self._datasource(_filled(values, source), new_password)
        for path in sorted(files.BOARDS.glob("*.json")):
            yield self._dashboard(json.loads(path.read_text(encoding="utf-8")), provider["folderUid"])
        for mute in files.part("alerting", "muteTimes"):
            yield self._mute(_filled(values, mute))
        for point in files.part("alerting", "contactPoints"):
            yield from self._contact(point, values)
        for policy in files.part("alerting", "policies"):
            yield self._policies(_filled(values, policy), replace)
        for group in groups:
            yield from self._rules(group)

    def _folder(self, uid: str, title: str) -> Done:
        found = self._get(f"/folders/{uid}")
        return self._write(
            Done("folder", uid, _state({"title": title}, found)),
            lambda: self._call("POST", "/folders", {"uid": uid, "title": title}),
            lambda: self._call("PUT", f"/folders/{uid}", {"title": title, "version": found["version"]}),
        )

    def _datasource(self, wanted: dict[str, Any], new_password: bool) -> Done:
        uid, body = wanted["uid"], _without(wanted, "orgId", "editable")
        found = self._get(f"/datasources/uid/{uid}")
        if found is not None and found.get("readOnly"):
            raise PushError(f"Grafana's data source {uid} is provisioned by a file there; change that file instead.")
        state = _state(_without(body, "secureJsonData"), found)
        has_password = found is not None and (found.get("secureJsonFields") or {}).get("password")
        if state == "unchanged" and (new_password or not has_password):
            state = "updated"
        return self._write(
            Done("data source", uid, state),
            lambda: self._call("POST", "/datasources", body),
            lambda: self._call("PUT", f"/datasources/uid/{uid}", body),
        )

    def _dashboard(self, wanted: dict[str, Any], folder: str) -> Done:
        uid = wanted["uid"]
        held = self._get(f"/dashboards/uid/{uid}") or {"dashboard": None, "meta": {}}
        found, meta = held["dashboard"], held["meta"]
        if meta.get("provisioned"):
            raise PushError(f"Grafana's dashboard {uid} is provisioned by a file there; change that file instead.")
        state: State = "created"
        if found is not None:
            same = meta.get("folderUid") == folder and _bare(found) == _bare(wanted)
            state = "unchanged" if same else "updated"

        def save() -> None:
            # With the version that was compared: who changed it meanwhile is not overwritten.
            version = found["version"] if found else 0
            body = {
                "dashboard": {**_bare(wanted), "id": None, "version": version},
                "folderUid": folder,
                "overwrite": False,
            }
            self._call("POST", "/dashboards/db", {**body, "message": "compound grafana push"}, uid)

        return self._write(Done("dashboard", uid, state), save, save)

    def _mute(self, wanted: dict[str, Any]) -> Done:
        path, name, body = "/v1/provisioning/mute-timings", wanted["name"], _without(wanted, "orgId")
        return self._write(
            Done("mute timing", name, _state(body, self._get(f"{path}/{name}"))),
            lambda: self._call("POST", path, body),
            lambda: self._call("PUT", f"{path}/{name}", body),
        )

    def _contact(self, point: dict[str, Any], values: Values) -> Iterator[Done]:
        """The ways of a contact point; one whose address is not given is left out."""
        path = "/v1/provisioning/contact-points"
        there = {each["uid"]: each for each in self._get(path) or []}
        for receiver in point["receivers"]:
            try:
                body = {"name": point["name"], **values.into(receiver)}
            except Missing:
                yield Done("contact point", receiver["uid"], "left out")
                continue
            uid = body["uid"]
            yield self._write(
                Done("contact point", uid, _state(body, there.get(uid))),
                partial(self._call, "POST", path, body),
                partial(self._call, "PUT", f"{path}/{uid}", body),
            )

    def _policies(self, wanted: dict[str, Any], replace: bool) -> Done:
        path, body = "/v1/provisioning/policies", _without(wanted, "orgId")
        found = self._get(path)
        ours = {point["name"] for point in files.part("alerting", "contactPoints")}
        initial = found["receiver"] == INITIAL and not found.get("routes")
        if not (initial or found["receiver"] in ours or replace):
            raise PushError(
                f"Grafana has notification policies of somebody else, whose first receiver is {found['receiver']!r};"
                " --replace-policies puts ours in their place."
            )
        save = partial(self._call, "PUT", path, body)
        return self._write(Done("policies", "root", _state(body, found)), save, save)

    def _rules(self, group: dict[str, Any]) -> Iterator[Done]:
        """One group: written as a whole, told rule by rule; rules that are no longer in it go."""
        path = f"/v1/provisioning/folder/{ALERTS}/rule-groups/{group['name']}"
        found = self._get(path) or {"rules": [], "interval": None}
        own = {"orgID": 1, "folderUID": ALERTS, "ruleGroup": group["name"]}
        rules = [{**rule, **own} for rule in group["rules"]]
        interval = _seconds(group["interval"])
        there = {rule["uid"]: rule for rule in found["rules"]}
        done = [Done("alert rule", rule["uid"], _state(rule, there.get(rule["uid"]))) for rule in rules]
        same = (
            all(each.state == "unchanged" for each in done)
            and len(there) == len(done)
            and found["interval"] == interval
        )
        if not same and not self._dry_run:
            body = {"title": group["name"], "folderUid": ALERTS, "interval": interval, "rules": rules}
            self._call("PUT", path, body)
        yield from done

    def _write(self, done: Done, create: Callable[[], None], update: Callable[[], None]) -> Done:
        if done.state != "unchanged" and not self._dry_run:
            (create if done.state == "created" else update)()
        return done

    def _get(self, path: str) -> Any:
        """What is there; None where nothing is."""
        try:
            return self._ask("GET", path)
        except GrafanaClientError as error:
            if error.status_code == 404:
                return None
            raise self._sentence(error, path) from None

    def _call(self, method: str, path: str, body: Any, what: str = "") -> None:
        try:
            self._ask(method, path, json=body)
        except GrafanaClientError as error:
            raise self._sentence(error, what or path) from None

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        try:
            return getattr(self._api.client, method)(path, accept_empty_json=True, **body)
        except GrafanaClientError:
            raise
        except GrafanaException as error:
            raise PushError(f"Grafana at {self._url} answers {error.status_code} to {path}: {_reason(error)}") from None
        except requests.exceptions.RequestException as error:
            raise PushError(f"Grafana at {self._url} does not answer ({type(error).__name__}).") from None

    def _sentence(self, error: GrafanaException, what: str) -> PushError:
        if error.status_code == 401:
            return PushError(f"Grafana at {self._url} does not know the token or password (401).")
        if error.status_code == 403:
            return PushError(f"Grafana at {self._url} forbids {what} (403); the token needs the role Admin.")
        if error.status_code == 412:
            return PushError(f"Somebody changed {what} in Grafana meanwhile (412); push again.")
        return PushError(f"Grafana at {self._url} answers {error.status_code} to {what}: {_reason(error)}")


def holds(wanted: Any, found: Any) -> bool:
    """Whether `found` has all that is wanted; more in it is no difference, nor what it hides."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(holds(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(holds, wanted, found))
    return bool(found in (wanted, _HIDDEN))


def _state(wanted: Any, found: Any) -> State:
    return "created" if found is None else "unchanged" if holds(wanted, found) else "updated"


def _filled(values: Values, item: Any) -> Any:
    try:
        return values.into(item)
    except Missing as error:
        raise PushError(f"{error} is not given, and Grafana's {item.get('name') or 'policies'} needs it.") from None


def _bare(dashboard: dict[str, Any]) -> dict[str, Any]:
    """A dashboard without what Grafana counts."""
    return _without(dashboard, "id", "version")


def _without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]


def _reason(error: GrafanaException) -> str:
    response = error.response
    return str(response.get("message", "")) if isinstance(response, dict) else "no reason is given."
