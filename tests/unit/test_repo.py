"""The repository itself: lock files that any mirror can serve, nothing of one machine, commands that are documented."""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Written so that this file doesn't match itself.
FORBIDDEN = {
    "a folder of one machine": r"(?<![\w.])/(?:wor[k]|roo[t]|home/\w+|Users/\w+)/",
    "a host of a package registry": r"pyp[i]\.org|pythonhoste[d]|maven\.or[g]|npmj[s]|crates\.i[o]|debian\.or[g]/",
    "an internal host or tool": r"\bfar[m]-\w|\.librar[y]/|artifactor[y]|\bnexu[s]\.",
}


def _requirements(lock: str) -> list[str]:
    """The lock's logical lines: a requirement with all its hashes."""
    return (ROOT / lock).read_text().replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_hashes_and_nothing_else(lock: str):
    for line in _requirements(lock):
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.!+]+( ; [\w. '\"<>=!()]+)?( +--hash=sha256:[0-9a-f]{64})+ *", line), (
            line[:200]
        )


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements-build.lock", PROJECT["dependency-groups"]["build"]),
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_a_lock_holds_what_pyproject_asks_for(lock: str, wanted: list[str]):
    for text in wanted:
        requirement = Requirement(text)
        versions = _pinned(lock).get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}: run `make lock`"
        assert all(version in requirement.specifier for version in versions), (lock, text, versions)


def test_the_development_lock_agrees_with_the_runtime_lock():
    runtime, development = _pinned("requirements.lock"), _pinned("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names(what: str):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:160]}"
        for path in _committed()
        for number, line in enumerate(_text(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_readme_names_the_commands_and_no_other():
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"help", "install", "test", "up"} <= readme <= targets


def test_the_continuous_integration_runs_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert script.read_text().rstrip().endswith("make test")
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize("script", PROJECT["project"]["scripts"].values())
def test_every_command_is_there(script: str):
    module, function = script.split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_package_is_installed():
    named = {name.split(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert named == set(PROJECT["tool"]["importlinter"]["root_packages"])


def _pinned(lock: str) -> dict[str, set[str]]:
    """Name -> versions; more than one where they differ by Python's version."""
    pinned: dict[str, set[str]] = {}
    for line in _requirements(lock):
        name, version = line.split()[0].split("==")
        pinned.setdefault(canonicalize_name(name), set()).add(version)
    return pinned


@cache
def _committed() -> list[Path]:
    """The files that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@cache
def _text(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode()
