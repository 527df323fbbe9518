"""What the documents say of the code is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops import docs

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == docs.DOCS], ids=lambda page: page.name)
def test_parts_made_from_the_code_are_current(page: Path) -> None:
    """`make docs` would change nothing."""
    text = page.read_text(encoding="utf-8")
    assert docs.rewrite(text) == text


def test_every_setting_and_command_is_documented() -> None:
    """In docs/operations.md."""
    text = (docs.DOCS / "operations.md").read_text(encoding="utf-8")
    for part in (docs.settings_table(), docs.commands_table()):
        assert part in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links and pictures exist."""
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
