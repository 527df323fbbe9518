"""Grafana dashboards as code: one module a dashboard, written to `json/` by `python -m dashboards.grafana`."""
