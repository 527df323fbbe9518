"""Write the dashboards' JSON: `python -m dashboards.grafana`, or `make docs`."""

from __future__ import annotations

from dashboards.grafana.all import FOLDER, texts


def main() -> None:
    """Write each dashboard, remove what is none any more."""
    wanted = texts()
    for path in FOLDER.glob("*.json"):
        if path.stem not in wanted:
            path.unlink()
    for uid, text in wanted.items():
        (FOLDER / f"{uid}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
