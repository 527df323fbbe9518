"""Parts of the documents that are made from the code: `make docs` writes them, a test finds drift."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main
from pydantic_core import PydanticUndefined

from compound.metrics import METRICS
from compound.settings import Settings

DOCS: Final = Path(__file__).parent.parent / "docs"


def settings_table() -> str:
    """All settings: variable, default, what it is for."""
    rows = ["| setting | default | what it is for |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "", PydanticUndefined) else f"`{field.default}`"
        rows.append(f"| `COMPOUND_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def commands_table() -> str:
    """All commands with the first sentence of their help."""
    from ops.cli import command_line

    rows = ["| command | what it does |", "| --- | --- |"]
    root = typer.main.get_command(command_line())
    for name, command in sorted(_leaves(root, "compound")):
        rows.append(f"| `{name}` | {_first_sentence(command.help or '')} |")
    return "\n".join(rows)


def metrics_table() -> str:
    """All metrics with what they mean, by role."""
    rows = ["| metric | role | type | unit | labels | what it says |", "| --- | --- | --- | --- | --- | --- |"]
    for each in METRICS:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        kind = each.type.__name__.lower()
        rows.append(f"| `{each.name}` | {each.role} | {kind} | {each.unit} | {labels} | {each.help} |")
    return "\n".join(rows)


PARTS: Final = {"settings": settings_table, "commands": commands_table, "metrics": metrics_table}


def rewrite(text: str) -> str:
    """`text` with each part between `<!-- NAME -->` and `<!-- /NAME -->` made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        if begin in text:
            head, rest = text.split(begin, 1)
            text = head + begin + make() + end + rest.split(end, 1)[1]
    return text


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands that can be run, below `command`."""
    inner = getattr(command, "commands", None)
    if not inner or getattr(command, "invoke_without_command", False):
        yield name, command
    for word, each in (inner or {}).items():
        yield from _leaves(each, f"{name} {word}")


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def main() -> None:
    """Rewrite the documents."""
    for path in DOCS.glob("*.md"):
        before = path.read_text(encoding="utf-8")
        after = rewrite(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"rewrote {path.name}")


if __name__ == "__main__":
    main()
