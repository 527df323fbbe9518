"""Who may import whom (docs/architecture.md): the kernel nobody, its users not each other, ops everything."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_rules_hold():
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_the_import_rules_bite(tmp_path: Path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in _packages():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    assert _lint(tmp_path).returncode == 0
    for importer, imported in (("compound", "ingest"), ("ingest", "processors"), ("api", "simulators"), ("api", "ops")):
        module = tmp_path / importer / "__init__.py"
        module.write_text(f"import {imported}\n")
        assert f"{importer} is not allowed to import {imported}" in _lint(tmp_path).stdout
        module.write_text("")


def test_every_package_is_under_the_rules():
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert there == _packages()


def _packages() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return set(config["tool"]["importlinter"]["root_packages"])


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
