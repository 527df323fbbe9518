"""Write the dashboards' JSON, the alert rules, and their part of the documents: `python -m dashboards.grafana`, or `make docs`."""

from __future__ import annotations

from dashboards.grafana import rules
from dashboards.grafana.all import FOLDER, texts
from dashboards.grafana.docs import PAGE, rewrite


def main() -> None:
    """Write each dashboard, remove what is none any more."""
    wanted = texts()
    for path in FOLDER.glob("*.json"):
        if path.stem not in wanted:
            path.unlink()
    for uid, text in wanted.items():
        (FOLDER / f"{uid}.json").write_text(text, encoding="utf-8")
    rules.FILE.write_text(rules.text(), encoding="utf-8")
    PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
